"""Errors of JAX and of the system, in words that help."""

import errno
import re

import jax
import pytest

from fullglow_jax.config import default_config
from fullglow_jax.errors import UserError
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.training.compilation import CompiledStep
from fullglow_jax.training.failures import explained, memory_advice
from fullglow_jax.training.loop import train
from tests.training.tiny import tiny_config, write_pairs

EXHAUSTED = "RESOURCE_EXHAUSTED: Out of memory allocating 6442450944 bytes."


def config_of(**changes):
    config = default_config()
    config.update_from_flattened_dict({k.replace("__", "."): v for k, v in changes.items()})
    return config


def advice(**changes):
    return memory_advice(config_of(**changes), Devices(), "so many bytes")


def exhausted(*arguments):
    raise jax.errors.JaxRuntimeError(EXHAUSTED)


def test_out_of_memory_in_a_step_ends_in_advice(tmp_path, monkeypatch):
    exhausted.memory_analysis = lambda: None
    monkeypatch.setattr(CompiledStep, "get", lambda self, unless: exhausted)
    with pytest.raises(UserError, match="out of memory") as error:
        train(tiny_config(write_pairs(tmp_path / "pairs")), tmp_path / "run")
    for part in ("6442450944 bytes", "10×10, 2 at a time", "--config.train.accumulate=2"):
        assert part in str(error.value)
    assert "\n" not in str(error.value)


def test_out_of_memory_in_compiling_ends_in_advice():
    devices = Devices()
    with pytest.raises(UserError, match="6442450944"), explained(config_of(), devices, "run"):
        CompiledStep(exhausted, devices, devices.key(0)).get(unless=lambda: False)


def test_says_the_numbers():
    said = advice(train__batch_size=6, data__image_size=(64, 128), model__steps=(4, 2))
    for part in ("so many bytes", "64×128", "6 at a time on each of 1 device", "steps=(4, 2)"):
        assert part in said


@pytest.mark.parametrize(
    ("changes", "advised", "not_advised"),
    [
        ({"train__batch_size": 9}, ["accumulate=3 ", "memory_mode=invert"], ["memory_mode=remat "]),
        ({"train__batch_size": 8, "train__accumulate": 2}, ["accumulate=4 "], []),
        ({}, [], ["accumulate"]),
        ({"model__memory_mode": "store"}, ["memory_mode=remat", "memory_mode=invert"], []),
        ({"model__memory_mode": "invert"}, ["model.tile"], ["memory_mode=invert ("]),
        ({}, ["image_size"], ["fsdp", "bfloat16"]),  # one device, and a CPU
    ],
)
def test_advice_is_what_the_config_does_not_do_yet(changes, advised, not_advised):
    after = advice(**changes).split("What takes less: ")[1]
    assert all(part in after for part in advised)
    assert not any(part in after for part in not_advised)


def test_other_errors_stay_what_they_are():
    for error in (
        jax.errors.JaxRuntimeError("INTERNAL: a bug"),
        FileNotFoundError(errno.ENOENT, "a bug"),
    ):
        with pytest.raises(type(error)), explained(config_of(), Devices(), "run"):
            raise error


@pytest.mark.parametrize(
    ("code", "why", "remedy"),
    [
        (errno.ENOSPC, "No space left on device", "Make room, and the same command goes on"),
        (errno.EACCES, "Permission denied", "Let this user read and write it"),
        (errno.EROFS, "Read-only file system", "Take a place, or a copy, that can be written to"),
        (errno.ESTALE, "Stale file handle", "Look after its disk or network"),
    ],
)
def test_what_the_system_refuses_names_the_file(code, why, remedy):
    error = OSError(code, why, "run/metrics.jsonl")
    said = re.escape(f"run/metrics.jsonl cannot be used: {why}. {remedy}")
    with pytest.raises(UserError, match=said), explained(config_of(), Devices(), "run"):
        raise error
