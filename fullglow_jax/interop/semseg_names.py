"""Names of the tensors of semseg's PSPNet, and their paths in ours.

semseg is `hszhao/semseg`: `model/pspnet.py` and `model/resnet.py` there.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from fullglow_jax.interop.tensors import Entry, Tensors, to_ours, to_theirs
from fullglow_jax.segmentation.architecture import PSPNetArchitecture

AUXILIARY = "aux."
"""Prefix of the second head's names there."""


def entries(architecture: PSPNetArchitecture) -> Iterator[Entry]:
    """Every tensor that semseg stores for a network of this architecture, counters excepted."""
    for number in range(3):
        # Convolution, normalisation and ReLU are three entries of its list of modules.
        there = f"layer0.{3 * number}", f"layer0.{3 * number + 1}"
        yield from _conv_norm(*there, f"backbone/stem_{number + 1}")
    for layer, blocks in enumerate(architecture.blocks, 1):
        for block in range(blocks):
            yield from _block(f"layer{layer}.{block}", f"backbone/layer_{layer}_block_{block}")
    for level in range(len(architecture.bins)):
        there = f"ppm.features.{level}.1", f"ppm.features.{level}.2"
        yield from _conv_norm(*there, f"pyramid/level_{level}")
    yield from _head("cls", "head")
    yield from _head("aux", "auxiliary")


def _block(name: str, path: str) -> Iterator[Entry]:
    for number in (1, 2, 3):
        there = f"{name}.conv{number}", f"{name}.bn{number}"
        yield from _conv_norm(*there, f"{path}/conv_{number}")
    # Only each layer's first block changes the number of channels.
    if name.endswith(".0"):
        there = f"{name}.downsample.0", f"{name}.downsample.1"
        yield from _conv_norm(*there, f"{path}/shortcut")


def _head(name: str, path: str) -> Iterator[Entry]:
    yield from _conv_norm(f"{name}.0", f"{name}.1", f"{path}/convolution")
    for part, ours, layout in (("weight", "kernel", "pointwise"), ("bias", "bias", "vector")):
        path_of_part = ("params", path, "classifier", ours)
        yield Entry(f"{name}.4.{part}", path_of_part, layout)


def _conv_norm(convolution: str, norm: str, path: str) -> Iterator[Entry]:
    below = tuple(path.split("/"))
    yield Entry(f"{convolution}.weight", ("params", *below, "kernel"), "conv")
    for part, collection, ours in (
        ("weight", "params", "scale"),
        ("bias", "params", "shift"),
        ("running_mean", "constants", "mean"),
        ("running_var", "constants", "variance"),
    ):
        yield Entry(f"{norm}.{part}", (collection, *below, "norm", ours), "vector")


def from_semseg(
    state: Mapping[str, np.ndarray], architecture: PSPNetArchitecture
) -> dict[str, Any]:
    """Our variables, {"params": …, "constants": …}, from semseg's tensors.

    The second head's may be missing as a whole.

    Raises:
        KeyError: If a tensor is missing.
    """
    auxiliary = any(name.startswith(AUXILIARY) for name in state)
    return unflatten_dict(
        {
            entry.path: to_ours(np.asarray(state[entry.name]), entry.layout)
            for entry in entries(architecture)
            if auxiliary or not entry.name.startswith(AUXILIARY)
        }
    )


def to_semseg(variables: Mapping[str, Any], architecture: PSPNetArchitecture) -> Tensors:
    """Our arrays by semseg's names and in its layouts; missing ones are left out."""
    flat = flatten_dict(variables)
    return {
        entry.name: to_theirs(np.asarray(flat[entry.path]), entry.layout)
        for entry in entries(architecture)
        if entry.path in flat
    }
