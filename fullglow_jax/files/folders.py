"""Checks of output folders, before the work begins."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from fullglow_jax.errors import UserError, remedy


def make_writable(folder: Path, flag: str) -> None:
    """Makes a folder if there is none, and checks that it can be written to.

    Args:
        folder: The folder.
        flag: The flag that named it, for messages, for example "--workdir".

    Raises:
        UserError: If it cannot be made or written to.
    """
    with _explained(folder, flag):
        folder.mkdir(parents=True, exist_ok=True)
    check_writable(folder, flag)


def check_writable(folder: Path, flag: str) -> None:
    """Checks that a folder can be written to; arguments as `make_writable`.

    Raises:
        UserError: If it cannot.
    """
    # To look at permissions is not enough: a file system may be read-only, or full.
    with _explained(folder, flag), TemporaryFile(dir=folder) as file:
        file.write(b"\n")


@contextmanager
def _explained(folder: Path, flag: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{flag} {folder} cannot be written to: {error.strerror or error}. "
            f"{remedy(error) or 'Choose another place'}."
        ) from error
