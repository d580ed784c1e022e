"""Where image pairs come from, and the one pipeline that feeds them."""
