"""Networks that tell true images from drawn ones."""
