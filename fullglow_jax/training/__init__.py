"""Training: the loop, its guarded step, validation, and survival of failures."""
