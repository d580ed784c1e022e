"""Images out of a trained model."""
