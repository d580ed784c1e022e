"""The command `fullglow_jax.commands.evaluate`; --help says what it does."""

from fullglow_jax.commands.evaluate import run

if __name__ == "__main__":
    run()
