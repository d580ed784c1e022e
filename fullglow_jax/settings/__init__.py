"""Sections of the config, and rules for values of keys and flags."""
