"""A page to play with a trained model on: `python -m fullglow_jax.demo --workdir DIR`."""
