"""Modulation by class and instance: rows taken by id, against products with one-hot maps.

python -m benchmarks.modulation [--size 256x256] [--classes 150] [--instances 150] [--channels 64]

Seconds of value and gradient, one after the other in pairs, and the compiler's figures of memory.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from benchmarks.common import MIB, interleaved, parser, report, size
from fullglow_jax.layers.modulation import modulated


def of_one_hot_maps(
    x: Array, classes: Array, places: Array, of_classes: Array, rows: Array
) -> Array:
    """`modulated`, as the original computes it."""
    of_class, of_place = (
        jax.nn.one_hot(ids, len(table)) for ids, table in ((classes, of_classes), (places, rows[0]))
    )
    weights = [jnp.einsum("bhwk,kc->bhwc", of_class, of_classes[:, n]) for n in range(4)]
    own = [jnp.einsum("bhwn,bnc->bhwc", of_place, rows[:, :, n]) for n in range(2)]
    return (weights[0] * own[0] + weights[2]) * x + weights[1] * own[1] + weights[3]


def value_and_gradient(
    form: Callable[..., Array], classes: Array, places: Array, inputs: tuple[Array, ...], g: Array
) -> tuple[Array, Any]:
    """A form's values, and the gradients of all its inputs."""

    def of(x: Array, of_classes: Array, rows: Array) -> Array:
        return form(x, classes, places, of_classes, rows)

    y, pull = jax.vjp(of, *inputs)
    return y, pull(g)


def main() -> None:
    """Measures both forms."""
    options = parser(__doc__)
    options.add_argument("--size", type=size, default=(256, 256))
    options.add_argument("--classes", type=int, default=150)
    options.add_argument("--instances", type=int, default=150)
    options.add_argument("--channels", type=int, default=64)
    options.add_argument("--batch", type=int, default=1)
    options.add_argument("--repeats", type=int, default=5, help="0: compile alone")
    options.add_argument("--name", default="modulation")
    args = options.parse_args()

    rng = np.random.default_rng(0)
    numbers = partial(rng.standard_normal, dtype=np.float32)
    shape = (args.batch, *args.size, args.channels)
    table = numbers((args.classes, 4, args.channels))
    rows = numbers((args.batch, args.instances, 2, args.channels))
    ids = [rng.integers(0, n, shape[:3], np.int32) for n in (args.classes, args.instances)]
    given = jax.device_put((*ids, (numbers(shape), table, rows), numbers(shape)))

    runs: dict[str, Callable[[], Any]] = {}
    memory = {}
    for name, form in (("rows by id", modulated), ("one-hot maps", of_one_hot_maps)):
        compiled = jax.jit(partial(value_and_gradient, form)).lower(*given).compile()
        memory[name] = compiled.memory_analysis().temp_size_in_bytes / MIB
        runs[name] = partial(compiled, *given)
    seconds = interleaved(runs, args.repeats)
    last = list(runs)[-1]
    report(
        args,
        args.name,
        [
            {
                "form": name,
                "seconds": seconds[name],
                "times as fast": seconds[last] / seconds[name],
                "temporary, MiB": memory[name],
                "share of memory": memory[name] / memory[last],
            }
            for name in runs
        ],
    )


if __name__ == "__main__":
    main()
