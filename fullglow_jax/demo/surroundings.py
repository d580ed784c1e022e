"""The page's surroundings on the machine: proxies, ports and folders."""

import os
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from fullglow_jax.errors import UserError
from fullglow_jax.installation import as_called

ADDRESS = "127.0.0.1"
"""The address of the page, which only this machine can reach."""

LARGEST_PORT = 2**16 - 1

TRIES = 3
"""Attempts to serve on a port that was free a moment ago."""

MOST_TRIED = 100
"""Number of ports after the requested one that are tried."""

T = TypeVar("T")

FILES = "GRADIO_TEMP_DIR"
"""The environment variable that names the folder of uploads and pictures."""


@contextmanager
def on_its_own() -> Iterator[None]:
    """Lets Gradio, which must be imported inside, work without network and others' folders.

    All temporary files of this process are in a folder of its own, which goes when the page ends.
    SIGTERM ends the page like Ctrl-C, so that it goes then, too.

    Raises:
        UserError: If there is no folder for files.
    """
    # The page needs no network, so broken settings for it must not stop the page.
    for certificates in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        os.environ.pop(certificates, None)
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    # Gradio sends requests to the page itself; a proxy elsewhere could not reach it.
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "*"
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with _folder() as folder:
        if not os.environ.get(FILES):
            os.environ[FILES] = str(Path(folder, "served"))
        before, tempfile.tempdir = tempfile.tempdir, folder
        try:
            yield
        finally:
            tempfile.tempdir = before


@contextmanager
def _folder() -> Iterator[str]:
    """A new folder for this page, and a test that files can be made in one that the user names.

    Gradio's default would be shared by all users of the machine.
    """
    try:
        if named := os.environ.get(FILES):
            Path(named).mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=named).close()
        private = tempfile.TemporaryDirectory(
            prefix="fullglow_jax-page-", ignore_cleanup_errors=True
        )
    except OSError as error:
        raise UserError(
            f"there is no folder for the page's files: {error}. Name one that can be written to: "
            f"{FILES}=DIR {as_called('python -m fullglow_jax.demo')} …"
        ) from error
    with private as own:
        yield own


def on_a_free_port(launch: Callable[[int], T], asked: int) -> T:
    """Calls `launch` with the requested port, or with any free one for 0; returns its result.

    If another program takes a free port before it is used, another one is tried.

    Raises:
        UserError: If there is no usable port.
    """
    why: OSError | None = None
    for _ in range(TRIES):
        port = free_port(asked)
        try:
            return launch(port)
        except OSError as error:
            why = error
    raise UserError(f"--port {asked} cannot be served on: {why}")


def free_port(asked: int) -> int:
    """A usable port: the requested one, or any free one for 0.

    Raises:
        UserError: If it is taken, or not allowed.
    """
    try:
        return _bound(asked)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or f"ports are 0 to {LARGEST_PORT}"
    raise UserError(
        f"--port {asked} cannot be served on: {reason}. --port {_other_than(asked)} is free; "
        "--port 0 takes any port that is."
    )


def _other_than(asked: int) -> int:
    """The next free port, or any other if there is none nearby."""
    for port in range(asked + 1, min(asked + MOST_TRIED, LARGEST_PORT) + 1):
        with suppress(OSError, OverflowError):
            return _bound(port)
    return _bound(0)


def _bound(port: int) -> int:
    """A port's number, after a test that it can be bound."""
    with socket.socket() as probe:
        # As servers do: a port that was closed a moment ago is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((ADDRESS, port))
        return probe.getsockname()[1]
