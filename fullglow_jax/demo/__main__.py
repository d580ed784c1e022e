"""The command `fullglow_jax.commands.demo`, for `python -m fullglow_jax.demo`."""

from fullglow_jax.commands.demo import run

if __name__ == "__main__":
    run()
