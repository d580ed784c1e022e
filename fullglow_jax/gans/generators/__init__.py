"""Networks that draw an image under a condition."""
