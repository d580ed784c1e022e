"""The command `python -m fullglow_jax.studies`; --help says what it does."""

from fullglow_jax.commands.study import run

if __name__ == "__main__":
    run()
