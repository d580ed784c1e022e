"""Initial weights of networks, by name."""

from collections.abc import Callable

import jax

from fullglow_jax.layers.layer import Initializer

_scaled = jax.nn.initializers.variance_scaling

STARTS: dict[str, Callable[[float], Initializer]] = {
    "normal": jax.nn.initializers.normal,
    "xavier": lambda gain: _scaled(gain**2, "fan_avg", "normal"),
    "kaiming": lambda gain: _scaled(2.0, "fan_in", "normal"),
    "orthogonal": jax.nn.initializers.orthogonal,
}
"""(gain) → initialiser of a kernel.

"normal" is N(0, gain²). "xavier" is N(0, gain²·2/(fan_in + fan_out)) (Glorot, Bengio 2010).
"kaiming" is N(0, 2/fan_in), whatever the gain (He et al. 2015). "orthogonal" are matrices of output
channels and all else, whose rows or columns are orthogonal, of the length gain (Saxe et al. 2013).
"""
