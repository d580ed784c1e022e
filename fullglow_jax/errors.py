"""Errors that end a command early, and remedies."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager


class UserError(Exception):
    """Bad input: the message names the thing, what was expected, and a remedy.

    The command line prints only the message, without a traceback, and exits with 1.
    """


class LeaveAtOnce(Exception):  # noqa: N818 (it need not be an error)
    """The end of a process that has saved and reported everything and must not wait for threads.

    Attributes:
        code: The command's exit code.
    """

    def __init__(self, message: str = "", code: int = 0) -> None:
        super().__init__(message)
        self.code = code


_REMEDIES = {
    (errno.ENOSPC, errno.EDQUOT, errno.EFBIG): "Make room",
    (errno.EACCES, errno.EPERM): "Let this user read and write it, or take another place or a copy",
    (errno.EROFS,): "Take a place, or a copy, that can be written to",
    (errno.ENOTDIR, errno.EISDIR, errno.EEXIST): "Move what is in its place, or choose another",
    (errno.ENAMETOOLONG, errno.ELOOP): "Choose a shorter path, without links that lead to itself",
    (errno.EMFILE, errno.ENFILE): "Let a process open more files (ulimit -n)",
    (errno.EIO, errno.ESTALE, errno.ENODEV, errno.ENXIO): "Look after its disk or network",
}


def remedy(error: OSError) -> str | None:
    """A remedy for the system's error; None if users cannot mend it."""
    return next((what for codes, what in _REMEDIES.items() if error.errno in codes), None)


@contextmanager
def mended(what: str, how: str) -> Iterator[None]:
    """Turns an OSError into a UserError: what cannot be done, the system's reason, and a remedy."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{what}: {error.strerror or error}. {how}") from error


def first_line(error: BaseException) -> str:
    """What an error says first, without a full stop; its type's name if it says nothing."""
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")


def refusal(error: BaseException, place: object = "a file") -> str | None:
    """The system's error, with a place if it does not name one, and a remedy.

    For example "runs/a/curve.png cannot be used: No space left on device. Make room"; None if users
    cannot mend it.
    """
    if not isinstance(error, OSError) or (what := remedy(error)) is None:
        return None
    return f"{error.filename or place} cannot be used: {error.strerror}. {what}"


def with_article(name: str) -> str:
    """A name in a message: "a glow", "an inade"."""
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
