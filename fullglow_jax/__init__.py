"""Full-Glow in JAX and Flax: fully conditional normalising flows for image synthesis."""
