"""A run's folder: checkpoints, config, records, and the model out of it."""
