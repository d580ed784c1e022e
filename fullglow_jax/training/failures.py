"""Helpful errors for lost memory, disk space or processes."""

from collections.abc import Iterator
from contextlib import contextmanager

import jax
from ml_collections import ConfigDict

from fullglow_jax.errors import LeaveAtOnce, UserError, first_line, refusal
from fullglow_jax.parallel.devices import Devices

OUT_OF_MEMORY = ("RESOURCE_EXHAUSTED", "out of memory", "Out of memory", "OUT_OF_MEMORY")


@contextmanager
def explained(config: ConfigDict, devices: Devices, workdir: object) -> Iterator[None]:
    """Turns such failures into errors that say what to do.

    Raises:
        UserError: If memory ran out, or a file cannot be written.
        LeaveAtOnce: If another process was lost.
    """
    try:
        yield
    except OSError as error:
        if (refused := refusal(error, workdir)) is None:
            raise
        raise UserError(
            f"{refused}, and the same command goes on from the last checkpoint in {workdir}."
        ) from error
    except (jax.errors.JaxRuntimeError, MemoryError) as error:
        if isinstance(error, MemoryError) or any(sign in str(error) for sign in OUT_OF_MEMORY):
            raise UserError(memory_advice(config, devices, first_line(error))) from error
        if jax.process_count() == 1:
            raise
        raise LeaveAtOnce(
            f"process {jax.process_index()} of {jax.process_count()} lost another one: "
            f"{first_line(error)}. Look at what that one said. The same command goes on from the "
            f"last checkpoint in {workdir}.",
            code=1,
        ) from error


def memory_advice(config: ConfigDict, devices: Devices, reason: str) -> str:
    """Changes of this config that save memory, the cheapest first."""
    model, train = config.model, config.train
    height, width = config.data.image_size
    per_device = train.batch_size // (devices.mesh.size * train.accumulate)
    advice = []
    if per_device > 1:
        parts = next(n for n in range(2, per_device + 1) if per_device % n == 0)
        advice.append(
            f"--config.train.accumulate={train.accumulate * parts} (the same "
            f"batch of {train.batch_size}, fewer than {per_device} images at a time on a device)"
        )
    if model.get("memory_mode") == "store":
        advice.append("--config.model.memory_mode=remat")
    if model.get("memory_mode", "invert") != "invert":
        advice.append("--config.model.memory_mode=invert (depth takes no memory)")
    if model.get("precision", "bfloat16") != "bfloat16" and jax.default_backend() != "cpu":
        advice.append("--config.model.precision=bfloat16")
    if devices.mesh.size > devices.fsdp:
        advice.append(
            f"--config.parallel.fsdp={devices.mesh.size} (parameters and moments split over all "
            "devices)"
        )
    if "tile" in model:
        advice.append("a smaller --config.model.tile")
    advice.append("a smaller --config.data.image_size")
    numbers = ", ".join(f"{key}={value}" for key, value in model.items())
    return (
        f"the {devices.mesh.devices.flat[0].device_kind} is out of memory ({reason}). Images of "
        f"{height}×{width}, {per_device} at a time on each of {devices.mesh.size} device(s), "
        f"{numbers}{_limits(devices)}. What takes less: "
        + "; ".join(advice)
        + ". All but the last can be changed in the middle of a run."
    )


def _limits(devices: Devices) -> str:
    stats = devices.mesh.local_devices[0].memory_stats() or {}
    if "bytes_limit" not in stats:
        return ""
    used, limit = (stats.get(key, 0) / 2**30 for key in ("peak_bytes_in_use", "bytes_limit"))
    return f"; {used:.1f} of {limit:.1f} GiB were in use at most"
