"""Recorded values of the originals: weights, inputs and results."""

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from jax import Array
from jax import numpy as jnp

from fullglow_jax.errors import UserError
from fullglow_jax.files.unpacking import ANY, read_npz
from fullglow_jax.interop.originals import ORIGINALS
from fullglow_jax.interop.tensors import Tensors, variables_of

T = TypeVar("T")


class UnknownFamilyError(Exception):
    """Values of a model that cannot be checked."""


def load_recorded(path: Path, build: Callable[[dict[str, np.ndarray]], T]) -> T:
    """What `build` makes of a file's arrays.

    Raises:
        UserError: If the file is missing, damaged, not a recorded-values file, of an unknown
            family, or far too large when unpacked.
    """
    try:
        return build(read_npz(path))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; expected a recorded-values .npz.") from None
    except UnknownFamilyError as error:
        raise UserError(f"{path}: {error}") from None
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"{path}: not a whole recorded-values .npz ({type(error).__name__}: {error}). "
            "Copy the file again."
        ) from None


def meta_of(arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """A file's description of what is recorded."""
    meta: dict[str, Any] = json.loads(arrays["meta"].tobytes())
    return meta


class RecordedArrays:
    """The arrays of one .npz of recorded values.

    They have the original's layout (images NCHW, its own names of weights). Weights under
    "generated" in the meta data are not stored: they are drawn from numpy's `default_rng(seed)` in
    the order of that list.

    Attributes:
        meta: The file's description of the model.
        state: The recorded weights.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        self._arrays = dict(arrays)
        self.meta = meta_of(self._arrays)
        del self._arrays["meta"]
        self.state = self.under("state::")
        rng = np.random.default_rng(self.meta.get("seed"))
        generated = self.meta.get("generated", ())
        drawn = sum(math.prod(shape) for _, shape, _ in generated)
        if drawn * np.float64().itemsize > ANY:
            raise ValueError(f"{drawn:,} weights are to be drawn")
        for name, shape, scale in generated:
            self.state[name] = (rng.standard_normal(shape) * scale).astype(np.float32)

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


class Recording(RecordedArrays):
    """Recorded values of a flow.

    Attributes:
        original: What is known of the original.
        architecture: The same model's architecture in our terms.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        super().__init__(arrays)
        # Recordings of GANs and of metrics have a system in place of a family.
        family = self.meta.get("family") or self.meta.get("system", "full_glow")
        if family not in ORIGINALS:
            raise UnknownFamilyError(
                f"values of {family!r} were recorded, and those of {', '.join(ORIGINALS)} can be "
                "checked. Leave the file out, or use a later version of fullglow_jax."
            )
        self.original = ORIGINALS[family]
        self.architecture: Any = self.original.architecture(self)

    @classmethod
    def load(cls, path: Path) -> "Recording":
        """Reads a file.

        Raises:
            UserError: As `load_recorded`.
        """
        return load_recorded(path, cls)

    def weights(self, others: Mapping[str, np.ndarray] | None = None) -> Tensors:
        """The recorded weights, and others beside them, as the original's entries have them."""
        return self.original.weights({**self.state, **(others or {})})

    def variables(self, skip: tuple[str, ...] = ()) -> dict[str, Any]:
        """The recorded weights as our variables, without tensors named in `skip`."""
        return variables_of(self.weights(), self.original.entries(self.architecture), skip)
