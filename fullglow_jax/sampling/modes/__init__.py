"""What the sample command can draw, by name."""

from collections.abc import Callable

from fullglow_jax.sampling.modes.interpolate import interpolate
from fullglow_jax.sampling.modes.random import random
from fullglow_jax.sampling.modes.reconstruct import reconstruct
from fullglow_jax.sampling.modes.set import whole_set
from fullglow_jax.sampling.modes.transfer import transfer
from fullglow_jax.sampling.modes.unconditional import unconditional
from fullglow_jax.sampling.session import Session

MODES: dict[str, Callable[[Session], object]] = {
    "random": random,
    "reconstruct": reconstruct,
    "transfer": transfer,
    "interpolate": interpolate,
    "unconditional": unconditional,
    "set": whole_set,
}
