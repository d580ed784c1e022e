"""The modes of the sample command, by name."""

from fullglow_jax.sampling.modes.instances import instances
from fullglow_jax.sampling.modes.interpolate import interpolate
from fullglow_jax.sampling.modes.mode import Mode
from fullglow_jax.sampling.modes.random import random
from fullglow_jax.sampling.modes.reconstruct import reconstruct
from fullglow_jax.sampling.modes.redraw import redraw
from fullglow_jax.sampling.modes.set import split_set
from fullglow_jax.sampling.modes.temperatures import temperatures
from fullglow_jax.sampling.modes.transfer import transfer
from fullglow_jax.sampling.modes.unconditional import unconditional

MODES: dict[str, Mode] = {
    mode.name: mode
    for mode in (
        random,
        reconstruct,
        transfer,
        interpolate,
        temperatures,
        redraw,
        instances,
        unconditional,
        split_set,
    )
}
