"""Checkouts of the originals, driven to compare with in the same run, by family.

Nothing of them is copied: their own modules are imported from where they lie. What they import and
do not need for training and sampling (experiment logging, trainers, datasets) is stood in for.
"""

import importlib
import multiprocessing
import os
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fullglow_jax.huge_pages import TUNABLES
from fullglow_jax.models.shapes import Shapes


class Driver(NamedTuple):
    """The code that drives an original.

    Attributes:
        module: Its module here, which has a class `Original`.
        takes_batches: Whether the original takes more than one image at a time.
    """

    module: str
    takes_batches: bool


DRIVERS = {
    "full_glow": Driver("benchmarks.originals.full_glow", takes_batches=False),
    "glow": Driver("benchmarks.originals.glow", takes_batches=True),
    "c_glow": Driver("benchmarks.originals.c_glow", takes_batches=True),
    "c_flow": Driver("benchmarks.originals.c_flow", takes_batches=True),
    "dual_glow": Driver("benchmarks.originals.dual_glow", takes_batches=True),
    "pix2pix": Driver("benchmarks.originals.pix2pix", takes_batches=True),
}
"""By family. An `Original` takes a checkout, the architecture of our model, and a seed."""


def _serve(pipe: Connection, module: str, arguments: tuple[Any, ...]) -> None:
    original = importlib.import_module(module).Original(*arguments)
    with suppress(EOFError):  # the benchmark has ended
        while True:
            method, call = pipe.recv()
            pipe.send(getattr(original, method)(*call))


class OriginalProcess:
    """An original in a process of its own, so that two thread pools do not get in each other's way.

    Idle while nothing is asked of it.

    Args:
        family: Of `DRIVERS`.
        checkout: Folder of the checkout.
        architecture: That of our model. `memory_mode` other than "store" turns the original's
            gradient checkpointing on, if it has one.
        seed: Where its random numbers start.
    """

    def __init__(self, family: str, checkout: Path, architecture: Shapes, seed: int = 0) -> None:
        # As its own users run it: without what our commands ask the C library for.
        os.environ.pop(TUNABLES, None)
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        arguments = (theirs, DRIVERS[family].module, (checkout, architecture, seed))
        context.Process(target=_serve, args=arguments, daemon=True).start()
        theirs.close()

    def train_step(self, condition: np.ndarray, target: np.ndarray) -> float:
        """One step of its optimiser on images (B, H, W, 3), uint8; the targets' bits/dim."""
        return self._call("train_step", condition, target)

    def bits_per_dim(self, condition: np.ndarray, target: np.ndarray) -> float:
        """Mean bits/dim of the targets, for originals whose driver has it."""
        return self._call("bits_per_dim", condition, target)

    def sample(self, condition: np.ndarray, count: int, temperature: float) -> np.ndarray:
        """Targets of one condition (1, H, W, 3), uint8."""
        return self._call("sample", condition, count, temperature)

    def _call(self, method: str, *arguments: Any) -> Any:
        self._pipe.send((method, arguments))
        return self._pipe.recv()
