"""Recorded values of the original: weights, inputs and results."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jax import Array
from jax import numpy as jnp

from fullglow_jax.data.boundary import boundary_pyramid
from fullglow_jax.errors import UserError
from fullglow_jax.files.unpacking import ANY, read_npz
from fullglow_jax.flows.architecture import Architecture
from fullglow_jax.interop.torch_names import from_torch

BOUNDARY_MAPS = {"left": "", "left + b_maps": "smooth", "left + b_maps_ceil": "ceil"}
"""`config.data.boundary`, by the original's condition."""


class Recording:
    """One .npz of recorded values.

    Arrays have the original's layout (NCHW, torch names). Weights under "generated" in the meta
    data are not stored: they are drawn from numpy's `default_rng(seed)` in the order of that list.

    Attributes:
        meta: The file's description of the model.
        architecture: The same model's architecture in our terms.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        self._arrays = dict(arrays)
        self.meta: dict[str, Any] = json.loads(self._arrays.pop("meta").tobytes())
        self._state = self.under("state::")
        rng = np.random.default_rng(self.meta["seed"])
        drawn = sum(math.prod(shape) for _, shape, _ in self.meta["generated"])
        if drawn * np.float64().itemsize > ANY:
            raise ValueError(f"{drawn:,} weights are to be drawn")
        for name, shape, scale in self.meta["generated"]:
            self._state[name] = (rng.standard_normal(shape) * scale).astype(np.float32)
        spatial = self._state["right_glow.blocks.0.flows.0.coupling.cond_net.conv_net.0.bias"]
        self.architecture = Architecture(
            image_size=tuple(self.meta["image_size"]),
            steps=tuple(self.meta["n_flow"]),
            channels=self["x_a"].shape[1],
            lu=self.meta["lu"],
            boundary_maps=BOUNDARY_MAPS[self.meta["condition"]],
            coupling_width=self.meta["coupling_filters"],
            spatial_width=spatial.size,
        )

    @classmethod
    def load(cls, path: Path) -> "Recording":
        """Reads a file.

        Raises:
            UserError: If it is missing, damaged, not a recorded-values file, or far too large when
                unpacked.
        """
        try:
            return cls(read_npz(path))
        except FileNotFoundError:
            raise UserError(f"{path}: no such file; expected a recorded-values .npz.") from None
        except (OSError, ValueError, KeyError) as error:
            raise UserError(
                f"{path}: not a whole recorded-values .npz ({type(error).__name__}: {error}). "
                "Copy the file again."
            ) from None

    def __contains__(self, name: str) -> bool:
        return name in self._arrays

    def __getitem__(self, name: str) -> np.ndarray:
        return self._arrays[name]

    def under(self, prefix: str) -> dict[str, np.ndarray]:
        """The arrays whose names start with a prefix, by names without it."""
        return {
            name.removeprefix(prefix): value
            for name, value in self._arrays.items()
            if name.startswith(prefix)
        }

    def image(self, name: str) -> Array:
        """An image or latent, NCHW in the file, as NHWC."""
        return jnp.asarray(self[name].transpose(0, 2, 3, 1))

    def boundary(self) -> tuple[Array, ...]:
        """The boundary map at every level's size, or () for a model without boundary maps."""
        asked = self.architecture.annotations
        if not asked.boundary:
            return ()
        full = np.clip(self["boundary"] * 255 + 0.5, 0, 255).astype(np.uint8).transpose(0, 2, 3, 1)
        pyramids = [boundary_pyramid(example, asked) for example in full]
        return tuple(jnp.asarray(np.stack(level)) / 255.0 for level in zip(*pyramids, strict=True))

    def variables(self, skip: tuple[str, ...] = ()) -> dict[str, Any]:
        """The recorded weights as our variables, without tensors named in `skip`."""
        return from_torch(self._state, self.architecture, skip=skip)
