"""One small run in a folder with an unlucky name, and what is asked of it afterwards."""

import asyncio
import logging
import os
import random
import signal
import sys
import threading
import warnings
from pathlib import Path

import jax
import matplotlib as mpl
import numpy as np
import PIL.Image
import pytest

import fullglow_jax
from fullglow_jax.runs.checkpoints import Checkpoints
from fullglow_jax.runs.metrics import read_metrics
from fullglow_jax.training.loop import train
from tests.commands.running import steps_saved
from tests.training.tiny import tiny_config, write_pairs


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    root = tmp_path_factory.mktemp("small")
    config = tiny_config(write_pairs(root / "pairs"))
    config.train.steps = 4
    config.train.validate_every, config.train.checkpoint_every = 3, 2
    folder = root / "lr=[1e-4, *]?" / "gs:" / "run"
    train(config, folder)
    return folder


def test_the_best_is_saved_between_checkpoints(workdir):
    assert steps_saved(workdir) == [2, 3, 4]
    key = "validation/bits_per_dim/image"
    scores = {record["step"]: record[key] for record in read_metrics(workdir) if key in record}
    assert Checkpoints.of(workdir).choose("best") == min(scores, key=scores.__getitem__)
    assert (workdir / "checkpoints" / "3" / "metrics").is_dir()
    assert not (workdir / "checkpoints" / "2" / "metrics").exists()


def of_process():
    """What all code of a process has in common."""
    names = [None, *sorted(logging.root.manager.loggerDict)]
    loggers = {name: logging.getLogger(name) for name in names}
    return {
        "logging": {
            name: (log.level, log.disabled, log.propagate, [*log.handlers], [*log.filters])
            for name, log in loggers.items()
        },
        "logging.disable": logging.root.manager.disable,
        "loops": asyncio.new_event_loop,
        "policy": asyncio.get_event_loop_policy(),
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "warnings": [*warnings.filters],
        "showwarning": warnings.showwarning,
        "environment": dict(os.environ),
        "random": random.getstate(),
        "np.random": repr(np.random.get_state()),
        "np.seterr": np.geterr(),
        "jax": dict(jax.config.values),
        "pillow": (PIL.Image.MAX_IMAGE_PIXELS, PIL.Image.warnings),
        "matplotlib": dict(dict.items(mpl.rcParams)),  # asked itself, it would choose a backend
        "hooks": (sys.excepthook, sys.unraisablehook, threading.excepthook, sys.stdout, sys.stderr),
        "folder": Path.cwd(),
        "path": [*sys.path],
        "recursion": sys.getrecursionlimit(),
    }


def assert_same(before, after):
    assert before.keys() == after.keys()
    # Loggers that came with what was imported in between are nobody's.
    after["logging"] = {name: after["logging"][name] for name in before["logging"]}
    for name, value in before.items():
        assert after[name] == value, name


@pytest.mark.parametrize("in_a_loop", [False, True], ids=["", "in a notebook's loop"])
def test_a_loaded_model_leaves_the_process_as_it_was(workdir, in_a_loop, caplog):
    caplog.set_level(logging.INFO, logger="absl")
    before = of_process()

    def use():
        model = fullglow_jax.load(workdir, checkpoint="best")
        with pytest.raises(fullglow_jax.errors.UserError):
            fullglow_jax.load(workdir, checkpoint="9")
        return model.sample()

    async def within():
        return use()

    images = asyncio.run(within()) if in_a_loop else use()
    assert np.isfinite(images).all()
    assert_same(before, of_process())
    assert not [record for record in caplog.records if "orbax" in record.pathname]
