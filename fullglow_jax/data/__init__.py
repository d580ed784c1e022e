"""Sources of image pairs, and the pipeline from them to batches."""
