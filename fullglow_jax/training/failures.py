"""What is raised when memory, room on the disk or another process is lost, in words that help."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import jax
from ml_collections import ConfigDict

from fullglow_jax.errors import LeaveAtOnce, UserError
from fullglow_jax.parallel.devices import Devices

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
OUT_OF_MEMORY = ("RESOURCE_EXHAUSTED", "out of memory", "Out of memory", "OUT_OF_MEMORY")


@contextmanager
def explained(config: ConfigDict, devices: Devices, workdir: object) -> Iterator[None]:
    """Turns these into what to do about them.

    Raises:
        UserError: Where memory ran out, or room on the disk.
        LeaveAtOnce: Where another process was lost.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise UserError(
            f"{error.filename or workdir} cannot be written to: {error.strerror}. Make room, and "
            f"the same command goes on from the last checkpoint in {workdir}."
        ) from error
    except (jax.errors.JaxRuntimeError, MemoryError) as error:
        if isinstance(error, MemoryError) or any(sign in str(error) for sign in OUT_OF_MEMORY):
            raise UserError(memory_advice(config, devices, _first_line(error))) from error
        if jax.process_count() == 1:
            raise
        raise LeaveAtOnce(
            f"process {jax.process_index()} of {jax.process_count()} lost another one: "
            f"{_first_line(error)}. Look at what that one said. The same command goes on from the "
            f"last checkpoint in {workdir}.",
            code=1,
        ) from error


def memory_advice(config: ConfigDict, devices: Devices, reason: str) -> str:
    """What takes less memory than this config, from what costs least to what costs most."""
    model, train = config.model, config.train
    height, width = config.data.image_size
    per_device = train.batch_size // (devices.mesh.size * train.accumulate)
    advice = []
    if per_device > 1:
        advice.append(
            f"--config.train.accumulate={train.accumulate * _least_factor(per_device)} (the same "
            f"batch of {train.batch_size}, fewer than {per_device} images at a time on a device)"
        )
    if model.memory_mode == "store":
        advice.append("--config.model.memory_mode=remat")
    if model.memory_mode != "invert":
        advice.append("--config.model.memory_mode=invert (depth takes no memory)")
    if model.precision != "bfloat16" and jax.default_backend() != "cpu":
        advice.append("--config.model.precision=bfloat16")
    if devices.mesh.size > devices.fsdp:
        advice.append(
            f"--config.parallel.fsdp={devices.mesh.size} (parameters and moments split over all "
            "devices)"
        )
    advice += ["a smaller --config.model.tile", "a smaller --config.data.image_size"]
    return (
        f"the {devices.mesh.devices.flat[0].device_kind} is out of memory ({reason}). Images of "
        f"{height}×{width}, {per_device} at a time on each of {devices.mesh.size} device(s), "
        f"memory_mode={model.memory_mode}, precision={model.precision}, "
        f"steps={','.join(map(str, model.steps))}{_limits(devices)}. What takes less: "
        + "; ".join(advice)
        + ". All but the last can be changed in the middle of a run."
    )


def _limits(devices: Devices) -> str:
    stats = devices.mesh.local_devices[0].memory_stats() or {}
    if "bytes_limit" not in stats:
        return ""
    used, limit = (stats.get(key, 0) / 2**30 for key in ("peak_bytes_in_use", "bytes_limit"))
    return f"; {used:.1f} of {limit:.1f} GiB were in use at most"


def _least_factor(number: int) -> int:
    return next(n for n in range(2, number + 1) if number % n == 0)


def _first_line(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
