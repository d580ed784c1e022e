"""The original DUAL-Glow as `MoeinSorkhei/glow2` makes images of it: PATH is the checkout of that.

It is written for TensorFlow 1, and runs in the compatibility mode of TensorFlow 2, of which three
helpers that were left out of it (`tensorflow.contrib`) are stood in for. Its gradient checkpointing
needs one that cannot be: it runs without.
"""

import contextlib
import functools
import importlib
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.originals.stand_ins import package, stand_in
from fullglow_jax.flows.architecture import DualGlowArchitecture

_scopes: list[tuple[tuple[str, ...], dict[str, Any]]] = []


def _add_arg_scope(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def scoped(*args: Any, **kwargs: Any) -> Any:
        given = {}
        for names, arguments in _scopes:
            given |= arguments if function.__name__ in names else {}
        return function(*args, **{**given, **kwargs})

    return scoped


@contextlib.contextmanager
def _arg_scope(functions: list[Callable[..., Any]], **arguments: Any) -> Iterator[None]:
    _scopes.append((tuple(function.__name__ for function in functions), arguments))
    yield
    _scopes.pop()


def _import_tensorflow() -> Any:
    """TensorFlow as its version 1 was."""
    import tensorflow

    tf = tensorflow.compat.v1
    tf.disable_v2_behavior()
    tf.disable_resource_variables()
    sys.modules["tensorflow"] = tf
    ops = stand_in("ops", add_arg_scope=_add_arg_scope, arg_scope=_arg_scope)
    for name in ("", ".framework", ".framework.python", ".graph_editor"):
        stand_in(f"tensorflow.contrib{name}")
    sys.modules["tensorflow.contrib.framework.python.ops"] = ops
    layers = stand_in("tensorflow.contrib.layers", variance_scaling_initializer=None)
    tf.contrib = types.SimpleNamespace(
        layers=layers, graph_editor=sys.modules["tensorflow.contrib.graph_editor"]
    )
    return tf


class Original:
    """Its model, at any size, steps and width, on TensorFlow's default device."""

    def __init__(self, checkout: Path, architecture: DualGlowArchitecture, seed: int) -> None:
        tf = _import_tensorflow()
        tf.set_random_seed(seed)
        np.random.seed(seed)  # its random rotations
        sources = checkout / "src"
        package("models", sources / "models")
        package("models.dual_glow", sources / "models" / "dual_glow")
        sys.path.insert(0, str(sources))
        definition = importlib.import_module("models.dual_glow.model_definition")
        self._tf, self._definition, self._architecture = tf, definition, architecture
        self._model: Any = None

    def train_step(self, condition: np.ndarray, target: np.ndarray) -> float:
        """One step of its Adam; its conditional bits/dim. Images (B, H, W, 3), uint8."""
        if self._model is None:
            self._build(condition, target)
        return float(self._model.train(1e-4)[1])

    def sample(self, condition: np.ndarray, count: int, temperature: float) -> np.ndarray:
        """Photos of one condition (1, H, W, 3), uint8, all at once: as a batch of its copies."""
        x = self._volumes(condition.repeat(count, 0))
        photos: np.ndarray = self._model.sample(x, [None], [temperature] * count)[:, 0]
        return photos

    def save(self, path: Path) -> None:
        """Saves a checkpoint, as its trainer does."""
        self._model.save(str(path))

    def _build(self, condition: np.ndarray, target: np.ndarray) -> None:
        """Builds its graph, and starts its actnorms, on the images that it then trains on."""
        tf, size = self._tf, [*self._architecture.image_size, 3]
        images = self._volumes(condition), self._volumes(target)
        numbers = types.SimpleNamespace(
            inference=False,
            restore_path=None,
            input_size=size,
            output_size=size,
            n_bits_x=8,
            n_levels=self._architecture.levels,
            depth=self._architecture.steps,
            n_l=1,
            flow_permutation=2,
            flow_coupling=1,
            width=self._architecture.coupling_width,
            ycond=False,
            learntop=True,
            direct_iterator=True,
            weight_lambda=0.001,
            weight_y=0.01,
            optimizer="adam",
            gradient_checkpointing=0,
            beta1=0.9,
            beta2=0.999,
            weight_decay=1.0,
        )
        same = types.SimpleNamespace(get_next=lambda: tuple(map(tf.constant, images)))
        session = tf.Session()
        self._model = self._definition.init_model(session, numbers, same, same, images)

    @staticmethod
    def _volumes(images: np.ndarray) -> np.ndarray:
        """(B, H, W, 3) uint8 → (B, 1, H, W, 3) in [0, 1]."""
        return images[:, None] / np.float32(255)
