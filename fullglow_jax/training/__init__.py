"""From a config to a trained model: loop, optimiser, checkpoints, metrics."""
