"""Names of the original PyTorch implementation's tensors, and their paths in ours.

The original is `MoeinSorkhei/glow2`; its `left_glow` is our source and its `right_glow` our target.
Its tensors are per step; ours are stacked over a level's steps.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from fullglow_jax.errors import UserError
from fullglow_jax.flows.architecture import Architecture
from fullglow_jax.interop.tensors import Entry, Tensors, to_ours, to_theirs

SIDES = {"source": "left_glow", "target": "right_glow"}

Row = tuple[str, str, str]
"""(name, path, layout) of a tensor."""


def _layer(torch_name: str, path: str, layout: str) -> list[Row]:
    return [
        (f"{torch_name}.weight", f"{path}/kernel", layout),
        (f"{torch_name}.bias", f"{path}/bias", "vector"),
    ]


def _zero_conv(torch_name: str, path: str) -> list[Row]:
    return [
        (f"{torch_name}.scale", f"{path}/scale", "vector"),
        *_layer(f"{torch_name}.conv", f"{path}/conv", "conv"),
    ]


def _vector_net(torch_name: str, path: str) -> list[Row]:
    convolutions, dense = f"{torch_name}.conv_net.conv_net", f"{torch_name}.linear_net.linear_net"
    return [
        *_layer(f"{convolutions}.0", f"{path}/conv_0", "dense"),
        *_layer(f"{convolutions}.2", f"{path}/conv_1", "conv"),
        *_layer(f"{convolutions}.4", f"{path}/conv_2", "conv"),
        *_layer(f"{dense}.0", f"{path}/dense_0", "dense"),
        *_layer(f"{dense}.2", f"{path}/dense_1", "dense"),
        *_layer(f"{dense}.4", f"{path}/dense_2", "dense"),
        *_layer(f"{dense}.6.linear", f"{path}/output", "dense"),
    ]


def _step(lu: bool, conditional: bool) -> list[Row]:
    """(name within a step, path within a step, layout) of every tensor of one flow step."""
    rows = [
        *_layer("coupling.net.0", "coupling/net/conv_0", "conv"),
        *_layer("coupling.net.2", "coupling/net/conv_1", "dense"),
        *_zero_conv("coupling.net.4", "coupling/net/output"),
    ]
    if lu:
        rows += [
            ("inv_conv.w_p", "constants:convolution/permutation", "matrix"),
            ("inv_conv.s_sign", "constants:convolution/sign", "vector"),
        ]
    if conditional:
        return [
            *rows,
            *_vector_net("act_norm.cond_net", "actnorm/vector_net"),
            *_vector_net("inv_conv.cond_net", "convolution/vector_net"),
            *_layer("coupling.cond_net.conv_net.0", "coupling/spatial_net/conv_0", "conv"),
            *_layer("coupling.cond_net.conv_net.2", "coupling/spatial_net/conv_1", "conv"),
        ]
    rows += [
        ("act_norm.loc", "actnorm/shift", "vector"),
        ("act_norm.scale", "actnorm/scale", "vector"),
    ]
    if lu:
        return [
            *rows,
            ("inv_conv.w_l", "convolution/lower", "matrix"),
            ("inv_conv.w_u", "convolution/upper", "matrix"),
            ("inv_conv.w_s", "convolution/log_scale", "vector"),
        ]
    return [*rows, ("inv_conv.weight", "convolution/weight", "matrix")]


def entries(architecture: Architecture) -> Iterator[Entry]:
    """Every tensor that the original stores for a model of this architecture, masks excepted."""
    for side, glow in SIDES.items():
        for level, steps in enumerate(architecture.steps):
            block = f"{glow}.blocks.{level}"
            for name, path, layout in _step(architecture.lu, conditional=side == "target"):
                collection, _, rest = path.rpartition(":")
                root = (collection or "params", f"levels_{level}", "steps", side)
                for step in range(steps):
                    torch_name = f"{block}.flows.{step}.{name}"
                    yield Entry(torch_name, (*root, *rest.split("/")), layout, step)
            for name, path, layout in _zero_conv("gaussian", f"{side}_prior/net"):
                path_of_prior = ("params", f"levels_{level}", *path.split("/"))
                yield Entry(f"{block}.{name}", path_of_prior, layout)


def from_torch(
    state: Mapping[str, np.ndarray], architecture: Architecture, *, skip: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Our variables, {"params": …, "constants": …}, from the original's tensors.

    Torch names in `skip` are left out; a path of ours that lacks any step is left out whole.

    Raises:
        UserError: If a tensor is missing.
    """
    stacked: dict[tuple[str, ...], dict[int | None, np.ndarray]] = {}
    for entry in entries(architecture):
        if entry.torch_name in skip:
            continue
        if entry.torch_name not in state:
            raise UserError(
                f"The weights have no tensor {entry.torch_name!r}: they belong to a model of other "
                f"levels, steps or 1×1 convolution than {architecture}."
            )
        array = to_ours(np.asarray(state[entry.torch_name]), entry.layout)
        stacked.setdefault(entry.path, {})[entry.step] = array
    flat = {
        path: np.stack(list(steps.values())) if None not in steps else steps[None]
        for path, steps in stacked.items()
    }
    return unflatten_dict(flat)


def to_torch(variables: Mapping[str, Any], architecture: Architecture) -> Tensors:
    """Our arrays by the original's names and in its layouts, without axes of length 1.

    It takes any tree of our variables' shape, also gradients and moments; missing collections are
    left out.
    """
    flat = flatten_dict(variables)
    named = {}
    for entry in entries(architecture):
        if entry.path in flat:
            array = np.asarray(flat[entry.path])
            array = array if entry.step is None else array[entry.step]
            named[entry.torch_name] = to_theirs(array, entry.layout)
    return named
