"""Trained networks that are asked what they see in photos."""
