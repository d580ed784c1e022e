"""Recorded values of the original: weights, inputs and what it computed from them."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jax import Array
from jax import numpy as jnp

from fullglow_jax.data.boundary import boundary_pyramid
from fullglow_jax.errors import UserError
from fullglow_jax.interop.torch_names import from_torch
from fullglow_jax.models.architecture import Architecture

CONDITIONS = {
    "left": "source",
    "left + b_maps": "source+boundary",
    "left + b_maps_ceil": "source+boundary_ceil",
}


class Recording:
    """One .npz of recorded values.

    Arrays lie in the original's layout (NCHW, torch names). Weights under "generated" in the meta
    data are not stored: they are drawn from numpy's `default_rng(seed)` in the order of that list.

    Attributes:
        meta: The file's description of the model.
        architecture: The same as ours.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        self._arrays = dict(arrays)
        self.meta: dict[str, Any] = json.loads(self._arrays.pop("meta").tobytes())
        self._state = self.under("state::")
        rng = np.random.default_rng(self.meta["seed"])
        for name, shape, scale in self.meta["generated"]:
            self._state[name] = (rng.standard_normal(shape) * scale).astype(np.float32)
        spatial = self._state["right_glow.blocks.0.flows.0.coupling.cond_net.conv_net.0.bias"]
        self.architecture = Architecture(
            image_size=tuple(self.meta["image_size"]),
            steps=tuple(self.meta["n_flow"]),
            channels=self["x_a"].shape[1],
            lu=self.meta["lu"],
            condition=CONDITIONS[self.meta["condition"]],
            coupling_width=self.meta["coupling_filters"],
            spatial_width=spatial.size,
        )

    @classmethod
    def load(cls, path: str | Path) -> "Recording":
        """Reads a file.

        Raises:
            UserError: Where it is missing, damaged, or not a recorded-values file.
        """
        try:
            with np.load(path) as arrays:
                return cls(arrays)
        except FileNotFoundError:
            raise UserError(f"{path}: no such file; expected a recorded-values .npz.") from None
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise UserError(
                f"{path}: not a whole recorded-values .npz ({type(error).__name__}: {error}). "
                "Copy the file again."
            ) from None

    def __contains__(self, name: str) -> bool:
        return name in self._arrays

    def __getitem__(self, name: str) -> np.ndarray:
        return self._arrays[name]

    def under(self, prefix: str) -> dict[str, np.ndarray]:
        """The arrays whose names start with a prefix, without it."""
        return {
            name.removeprefix(prefix): value
            for name, value in self._arrays.items()
            if name.startswith(prefix)
        }

    def image(self, name: str) -> Array:
        """An image or latent, NCHW in the file, as NHWC."""
        return jnp.asarray(self[name].transpose(0, 2, 3, 1))

    def boundary(self) -> tuple[Array, ...]:
        """The boundary map resized to every level, or () for a model without."""
        spec = self.architecture.boundary_spec
        if spec is None:
            return ()
        full = np.clip(self["boundary"] * 255 + 0.5, 0, 255).astype(np.uint8).transpose(0, 2, 3, 1)
        pyramids = [boundary_pyramid(example, spec.sizes, spec.ceil) for example in full]
        return tuple(jnp.asarray(np.stack(level)) / 255.0 for level in zip(*pyramids, strict=True))

    def variables(self, skip: tuple[str, ...] = ()) -> dict[str, Any]:
        """The recorded weights as our variables, tensors named in `skip` left out."""
        return from_torch(self._state, self.architecture, skip=skip)
