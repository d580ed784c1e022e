"""Work spread over devices and processes."""
