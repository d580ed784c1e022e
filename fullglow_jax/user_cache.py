"""The user's cache folder, for files that can be made again."""

import os
import stat
import tempfile
from pathlib import Path

OURS = "fullglow_jax"


def cache_folder(name: str) -> Path | None:
    """`~/.cache/fullglow_jax/NAME`, or below `XDG_CACHE_HOME`; it may not exist yet.

    If neither can be written to, for example by a container's user without a home, it is below a
    private folder of this user in the system's temporary folder.

    Returns:
        The folder; None if nothing can be kept.
    """
    base = _base()
    return base and base / OURS / name


def replace_unwritable_cache() -> str:
    """Sets the environment so that this process and its children use a writable cache folder.

    This also affects Matplotlib, fontconfig and other libraries, which use the same variables.

    Returns:
        A message about a folder that cannot be written to; "" if all is well.
    """
    wanted, base = _wanted(), _base()
    settings = _below_home("XDG_CONFIG_HOME", ".config")
    if base and not (settings and _writable(settings / "matplotlib")):
        os.environ.setdefault("MPLCONFIGDIR", str(base / "matplotlib"))
    if base and base == wanted:
        return ""
    if base:
        os.environ["XDG_CACHE_HOME"] = str(base)
    why = f"{wanted / OURS} cannot be written to" if wanted else "there is no home folder"
    kept = f"caches are in {base}" if base else "nothing is cached"
    return f"{why}: {kept}; XDG_CACHE_HOME names another folder."


def _base() -> Path | None:
    wanted = _wanted()
    # Our folder may belong to another user: to root, if a command was once run as root.
    return wanted if wanted and _writable(wanted / OURS) else _own_temporary()


def _wanted() -> Path | None:
    return _below_home("XDG_CACHE_HOME", ".cache")


def _below_home(variable: str, name: str) -> Path | None:
    """The folder in an environment variable, else a folder in the home folder, if there is one."""
    if named := os.environ.get(variable):
        return Path(named)
    try:
        return Path.home() / name
    except RuntimeError:  # no HOME, and the system does not know this user's number
        return None


def _writable(folder: Path) -> bool:
    """Whether a folder can be written to, or made."""
    there = next((p for p in (folder, *folder.absolute().parents) if os.access(p, os.F_OK)), folder)
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _own_temporary() -> Path | None:
    """A folder that nobody else can write to, because programs from the cache are run."""
    try:
        folder = Path(tempfile.gettempdir()) / f"fullglow_jax-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return None
    own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    return folder if own and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) else None
