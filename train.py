"""The command `fullglow_jax.commands.train`; --help says what it does."""

from fullglow_jax.commands.train import run

if __name__ == "__main__":
    run()
