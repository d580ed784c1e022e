"""Distances of two sets of images, as pure functions of their features: one a file."""
