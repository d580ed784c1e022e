"""The flow family: normalising flows, from their steps to trainable models."""
