"""What commands print, where a terminal lacks characters and names are no text."""

import io
import os
import sys

import pytest

from fullglow_jax import cli
from fullglow_jax.errors import UserError
from fullglow_jax.pictures.table import Table, show
from fullglow_jax.progress import ProgressLine

NAME = os.fsdecode(b"caf\xe9 \xf0\x9f\x99\x82.png")


class Stream(io.TextIOWrapper):
    """What is printed to a pipe, or to a terminal."""

    def __init__(self, encoding, terminal):
        super().__init__(io.BytesIO(), encoding=encoding)
        self._terminal = terminal

    def isatty(self):
        return self._terminal

    def said(self):
        self.flush()
        return self.buffer.getvalue().decode(self.encoding)


@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "utf-8"])
def test_commands_can_say_anything(monkeypatch, encoding, terminal):
    out, err = Stream(encoding, terminal), Stream(encoding, terminal)
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "")  # set by commands
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)

    def main(arguments):
        print(f"map → {NAME}")
        with ProgressLine("training", 3) as progress:
            progress.say(f"compiling … {NAME}")
            progress.update(3, "10×20 → ½")
        show(Table(["name"], [[NAME]]), "±")
        raise UserError(f"{NAME} → is bad")

    with pytest.raises(SystemExit) as end:
        cli.run(main)
    assert end.value.code == 1
    arrow = {"utf-8": "→"}.get(encoding, r"\u2192")
    assert f"map {arrow} caf\\udce9 " in out.said()
    assert "compiling" in out.said()
    assert err.said().startswith("error: caf\\udce9 ")


@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
def test_progress_by_itself(monkeypatch, terminal):
    out = Stream("latin-1", terminal)
    monkeypatch.setattr(sys, "stdout", out)
    with ProgressLine(f"checking {NAME}", 2) as progress:
        progress.say(f"label map → {NAME}")
        progress.update(1, "→")
        progress.update(2, "→")
    assert r"label map \u2192 caf\udce9 \U0001f642.png" in out.said()


def test_there_may_be_no_output_at_all(monkeypatch):
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "")
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    with pytest.raises(SystemExit) as end:
        cli.run(lambda arguments: print("nobody hears this"))
    assert not end.value.code
