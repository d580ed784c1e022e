"""The command `fullglow_jax.commands.sample`; --help says what it does."""

from fullglow_jax.commands.sample import run

if __name__ == "__main__":
    run()
