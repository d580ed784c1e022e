"""What the benchmarks share: models on random images, interleaved timings, tables and JSON."""

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from rich.console import Console
from rich.table import Table

from fullglow_jax.compiler_options import for_training
from fullglow_jax.files.paths import user_path
from fullglow_jax.flows.architecture import FullGlowArchitecture
from fullglow_jax.flows.model import JointFlowModel
from fullglow_jax.flows.step_tables import full_glow
from fullglow_jax.layers.precision import Compute
from fullglow_jax.models.batch import Batch
from fullglow_jax.models.interface import TrainState

MIB = 2**20


def size(text: str) -> tuple[int, int]:
    """256x512 → (256, 512)."""
    height, width = map(int, text.split("x"))
    return height, width


def numbers(text: str) -> tuple[int, ...]:
    """8,8,8,8 → (8, 8, 8, 8)."""
    return tuple(map(int, text.split(",")))


def parser(description: str | None) -> argparse.ArgumentParser:
    """An argument parser with the options that all benchmarks have."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--out", type=user_path, default=Path("benchmarks/results"))
    return options


def random_batch(image_size: tuple[int, int], count: int) -> Batch:
    """Pairs of noise: speed does not depend on what they show."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2, count, *image_size, 3), np.uint8)
    return Batch(*images)


def full_glow_model(architecture: FullGlowArchitecture) -> JointFlowModel:
    """The model with the paper's objective and optimiser."""
    return JointFlowModel(
        full_glow(architecture), bits=8, source_weight=1e-4, optimizer=optax.adam(1e-4)
    )


def quick_init(model: JointFlowModel, batch: Batch, seed: int = 0) -> TrainState:
    """A state, made as training makes it."""
    init = jax.jit(model.init, compiler_options=for_training())
    state: TrainState = init(jax.random.key(seed), batch)
    return state


def interleaved(runs: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Median seconds of each, run in turn so that all see the same machine.

    In its turn each runs twice, and the second run counts: the first one finds the caches, and the
    memory that the system has at hand, as the others left them.

    Each must return only when its work is done, or what JAX can wait for. Without repeats each
    runs once, so that it is compiled, and there are no figures.
    """
    if not repeats:
        for run in runs.values():
            jax.block_until_ready(run())
        return dict.fromkeys(runs, float("nan"))
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            jax.block_until_ready(run())
            start = time.perf_counter()
            jax.block_until_ready(run())
            seconds[name].append(time.perf_counter() - start)
    return {name: float(np.median(times)) for name, times in seconds.items()}


def matrix_product(precision: str) -> tuple[Callable[[], Any], float]:
    """The machine's yardstick: a large square product, and the flops it takes."""
    n = 2048 if jax.default_backend() == "cpu" else 8192
    compute = Compute(precision)
    a = compute.cast(jnp.ones((n, n)))
    product = jax.jit(partial(jnp.matmul, precision=compute.products))
    return lambda: product(a, a), 2.0 * n**3


def arithmetic(precision: str) -> str:
    """What the device multiplies in, at one of `config.model.precision`'s values."""
    if precision != "float32":
        return {"highest": "float32"}.get(precision, precision)
    # JAX_DEFAULT_MATMUL_PRECISION, which says what "float32" means where it is set.
    chosen = jax.config.jax_default_matmul_precision
    usual = {"gpu": "TF32 where it can", "tpu": "bfloat16"}.get(jax.default_backend(), "float32")
    return chosen or usual


def report(options: argparse.Namespace, name: str, rows: list[dict[str, Any]]) -> None:
    """Prints rows as a table and writes them, with the machine, to `OUT/NAME.json`.

    Nothing, where there were no repeats and so there are no figures.
    """
    if getattr(options, "repeats", None) == 0:
        return
    device = jax.devices()[0]
    machine = {
        "device": f"{device.device_kind} × {jax.device_count()}",
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "jax": jax.__version__,
    }
    title = f"{name}: {machine['device']}, {machine['cores']} cores, jax {jax.__version__}"
    table = Table(*rows[0], title=title)
    for row in rows:
        table.add_row(*(f"{v:.3g}" if isinstance(v, float) else str(v) for v in row.values()))
    Console(width=max(100, 16 * len(rows[0]))).print(table)
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"{name}.json"
    path.write_text(
        json.dumps({"machine": machine, "rows": rows}, indent=2) + "\n", encoding="utf-8"
    )
    print(path)
