"""Runnable experiments: each file has a get_config()."""
