"""What the machine may have in the page's way, and that the page says what to do about it."""

import os
import re
import signal
import socket
import tempfile
from pathlib import Path

import pytest

from fullglow_jax.demo.surroundings import ADDRESS, FILES, free_port, on_a_free_port, on_its_own
from fullglow_jax.errors import UserError


@pytest.fixture
def taken():
    with socket.create_server((ADDRESS, 0)) as other:
        yield other.getsockname()[1]


@pytest.fixture
def _own_environment(monkeypatch):
    """What the page sets goes in the end."""
    names = ("NO_PROXY", "no_proxy", "GRADIO_ANALYTICS_ENABLED", "HF_HUB_OFFLINE", "SSL_CERT_FILE")
    for name in (FILES, "SSL_CERT_DIR", *names):
        monkeypatch.setenv(name, "")
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_a_free_port_is_found_or_kept():
    port = free_port(0)
    assert port > 0
    assert free_port(port) == port


def test_a_taken_port_is_told_with_one_that_is_free(taken):
    with pytest.raises(UserError, match=f"--port {taken} cannot be served on: .*in use") as error:
        free_port(taken)
    (other,) = re.findall(r"--port (\d+) is free; --port 0 takes any", str(error.value))
    assert free_port(int(other)) == int(other)


def test_any_port_is_looked_for_again_where_it_is_taken_meanwhile():
    seen = []

    def launch(port):
        seen.append(port)
        if len(seen) == 1:
            raise OSError("taken a moment ago")
        return port

    assert on_a_free_port(launch, 0) == seen[1]


def test_a_port_that_is_taken_meanwhile(taken):
    with pytest.raises(UserError, match=f"--port {taken} cannot be served on: .*is free; --port 0"):
        on_a_free_port(lambda port: port, taken)
    free = free_port(0)
    with socket.socket() as other:

        def launch(port):
            other.bind((ADDRESS, port))
            other.listen()
            raise OSError

        with pytest.raises(UserError, match=f"--port {free} cannot be served on: .*in use"):
            on_a_free_port(launch, free)


@pytest.mark.parametrize("port", [-5, 65536, 12345678901234567890])
def test_numbers_that_are_no_ports(port):
    with pytest.raises(UserError, match=f"--port {port} cannot be served on: ports are 0 to 65535"):
        free_port(port)


@pytest.fixture
def interrupted(_own_environment):
    """Where the page's files were, which SIGTERM has ended as an interrupt does."""
    folder = ""
    try:
        with on_its_own():
            folder = tempfile.gettempdir()
            assert Path(folder) in Path(os.environ[FILES]).parents
            assert Path(folder).stat().st_mode & 0o077 == 0
            os.kill(os.getpid(), signal.SIGTERM)
    except KeyboardInterrupt:
        return Path(folder)
    return None


@pytest.mark.usefixtures("_own_environment")
def test_files_are_the_pages_own_and_go(interrupted):
    assert interrupted.name.startswith("fullglow_jax-page-")
    assert not interrupted.exists()


@pytest.mark.usefixtures("_own_environment")
def test_a_folder_that_the_user_names_is_kept(monkeypatch, tmp_path):
    monkeypatch.setenv(FILES, str(tmp_path / "files"))
    with on_its_own():
        assert os.environ[FILES] == str(tmp_path / "files")
        assert tmp_path not in Path(tempfile.gettempdir()).parents
    assert not list((tmp_path / "files").iterdir())
    (tmp_path / "file").touch()
    monkeypatch.setenv(FILES, str(tmp_path / "file"))
    told = f"no folder for the page's files.*{FILES}=DIR"
    with pytest.raises(UserError, match=told), on_its_own():
        pass
