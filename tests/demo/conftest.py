"""A page served for a tiny run, as a user serves it."""

import pytest
from filelock import FileLock
from gradio_client import Client, handle_file
from PIL import Image

from fullglow_jax.demo.canvas import Canvas
from fullglow_jax.sampling.palettes import cityscapes_palette
from tests.commands.conftest import commands, shared

__all__ = ["commands", "shared"]

UNENCRYPTED = {"ssl_verify": False}
"""For gradio's clients, which would read all certificates anew for each request."""

LONG = {
    "train__steps": 40,
    "optimizer__learning_rate": 0.02,
    "optimizer__constant_epochs": 100,
    **{f"train__{what}_every": 40 for what in ("log", "validate", "sample", "checkpoint")},
}
"""Enough for photos to depend on their conditions."""


@pytest.fixture(scope="session")
def trained(commands, shared):
    folder = shared / "long"
    with FileLock(shared / "long.lock"):  # the first process that comes here runs it for all
        if not (folder / "done").exists():
            folder.mkdir()
            result = commands.here("train.py", *commands.tiny(folder / "run", **LONG), cwd=folder)
            assert result.code == 0, result.err
            (folder / "done").touch()
    return folder / "run"


@pytest.fixture(scope="module")
def server(commands, trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    arguments = ("fullglow_jax.demo", "--workdir", trained, "--port=0")
    with commands.serving(*arguments, cwd=folder) as server:
        yield server
        # It ends while it draws, and must not leave a file that it was about to write.
        condition = folder / "condition.png"
        height, width = Canvas((10, 20), cityscapes_palette()).size
        Image.new("RGB", (width, height)).save(condition)
        painted = {"background": handle_file(str(condition)), "layers": [], "composite": None}
        drawing = Client(server.address, verbose=False, **UNENCRYPTED).submit(
            painted, None, 16, 0.7, 0, api_name="/draw"
        )
        while not drawing.outputs():
            assert not drawing.done()
