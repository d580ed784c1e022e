"""Paths as users write them."""

from pathlib import Path

from fullglow_jax.errors import UserError


def user_path(text: str | Path) -> Path:
    """A path from a flag, a config or a caller, with `~` and `~NAME` expanded as in the shell.

    Raises:
        UserError: If that home folder is unknown, or the text is an address, such as a bucket's.
    """
    if "://" in str(text):
        raise UserError(
            f"{text} is an address, where a path on this machine was expected. Mount what it names "
            "(gcsfuse, s3fs …) and give the folder that it is mounted in."
        )
    try:
        return Path(text).expanduser()
    except RuntimeError:
        home = Path(text).parts[0]
        raise UserError(
            f"{text}: there is no home folder {home!r} here. Write the path in full, or ./{text} "
            f"for a folder that is called {home!r}."
        ) from None
