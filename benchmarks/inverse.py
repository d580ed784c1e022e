"""Inverse: how far images are from themselves once encoded and decoded again, by depth.

python -m benchmarks.inverse [--size 64x64] [--depth 8 32] [--precision float32 highest bfloat16]

The flow's own arithmetic is exact to float32's rounding whatever the networks compute in: a
network's error is the same there and back. Variables are random ones, not those of the start, at
which most networks put out zeros.
"""

from itertools import product
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.common import full_glow_model, parser, quick_init, random_batch, report, size
from fullglow_jax.flows.architecture import FullGlowArchitecture

NOISE = 0.02
"""Deviation of what is added to every trained number."""


def difference(architecture: FullGlowArchitecture) -> float:
    """The largest |x − decode(encode(x))|, of images in [0, 1]."""
    model, batch = full_glow_model(architecture), random_batch(architecture.image_size, 1)
    state = quick_init(model, batch)
    leaves, shape = jax.tree.flatten(state.variables["params"])
    keys = jax.random.split(jax.random.key(1), len(leaves))
    noisy = [
        leaf + NOISE * jax.random.normal(key, leaf.shape)
        for leaf, key in zip(leaves, keys, strict=True)
    ]
    variables = {**state.variables, "params": jax.tree.unflatten(shape, noisy)}

    @jax.jit
    def there_and_back(variables: Any) -> Any:
        latents = model.encode(variables, batch).latents
        again = model.decode(variables, model.read_conditions(variables, batch), latents)
        return jnp.abs(again - jnp.asarray(batch.target) / 255.0).max()

    return float(there_and_back(variables))


def main() -> None:
    """Measures every case."""
    options = parser(__doc__)
    options.add_argument("--size", type=size, default=(64, 64))
    options.add_argument("--depth", type=int, nargs="+", default=[8, 32], help="steps a level")
    options.add_argument("--precision", nargs="+", default=["float32"])
    args = options.parse_args()
    rows = [
        {
            "image": "×".join(map(str, args.size)),
            "steps": ",".join([str(depth)] * 3),
            "precision of the networks": precision,
            "largest difference": difference(
                FullGlowArchitecture(args.size, (depth,) * 3, precision=precision)
            ),
        }
        for depth, precision in product(args.depth, args.precision)
    ]
    report(args, "inverse", rows)


if __name__ == "__main__":
    main()
