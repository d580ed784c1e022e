"""Names of DUAL-Glow's tensors, and their paths in ours.

The original is `haolsun/dual-glow` as `MoeinSorkhei/glow2` makes images of it, in TensorFlow: its
images are volumes of depth 1. Of a kernel over depth, the middle slice is a kernel over images; the
outer slices see nothing but the edge channel, which is 1 there, so that they add a constant to each
output channel: a bias.
"""

import re
from collections.abc import Iterator, Mapping

import numpy as np

from fullglow_jax.flows.architecture import DualGlowArchitecture
from fullglow_jax.interop.tensors import CLASSES, Entry, Tensors, Told, steps_of

SIDES = {"source": "o", "target": "u"}

ORDER = (
    *("model", "m_o", "m_u", "prior_u", "prior_o"),
    *("W", "actnorm_center", "actnorm_scale", "invconv", "f1", "l_1", "l_2", "l_last"),
    *("p", "y_emb", "filter0", "b", "logs"),
)
"""Parts of names, in the order in which the original makes what is called so."""

R_AND_T = (1, 0)
"""Their couplings' networks put out t and r in turns, ours r and then t."""


def entries(architecture: DualGlowArchitecture) -> Iterator[Entry]:
    """Every tensor that the original stores for a model of this architecture, without depth."""
    for side, letter in SIDES.items():
        for level, steps in enumerate(architecture.steps):
            at_level = ("params", f"levels_{level}")
            for step in range(steps):
                steps_of_side = (*at_level, "steps", side)
                yield from _step(f"model/m_{letter}/{level}/{step}", steps_of_side, step)
            top = level == architecture.levels - 1
            prior = f"model/prior_{letter}" if top else f"model/m_{letter}/pool{level}1"
            path = (*at_level, f"{side}_prior")
            if top:
                yield from _zero_conv(f"{prior}/p", (*path, "net"))
            if side == "target" and architecture.classes:
                shift = (*path, "label_shift")
                yield Entry(f"{prior}/y_emb/W", (*shift, "dense", "kernel"), "matrix")
                yield Entry(f"{prior}/y_emb/b", (*shift, "dense", "bias"), "vector")
                yield Entry(f"{prior}/y_emb/logs", (*shift, "scale"), "vector")
            if side == "target":
                yield Entry(f"{prior}/filter0", (*path, "source_shift", "kernel"), "same")


def _step(name: str, path: tuple[str, ...], step: int) -> Iterator[Entry]:
    yield from _actnorm(name, (*path, "actnorm"), step)
    yield Entry(f"{name}/invconv/W", (*path, "convolution", "weight"), "dense", step)
    net, ours = f"{name}/f1", (*path, "coupling", "net")
    yield Entry(f"{net}/l_1/W", (*ours, "kernel_0"), "same", step)
    yield from _actnorm(f"{net}/l_1", (*ours, "actnorm_0"), step)
    yield Entry(f"{net}/l_2/W", (*ours, "kernel_1"), "matrix", step)
    yield from _actnorm(f"{net}/l_2", (*ours, "actnorm_1"), step)
    yield from _zero_conv(f"{net}/l_last", (*ours, "output"), step, R_AND_T)


def _actnorm(name: str, path: tuple[str, ...], step: int) -> Iterator[Entry]:
    yield Entry(f"{name}/actnorm_center/b", (*path, "shift"), "vector", step)
    yield Entry(f"{name}/actnorm_scale/logs", (*path, "log_scale"), "vector", step)


def _zero_conv(
    name: str, path: tuple[str, ...], step: int | None = None, turns: tuple[int, ...] = ()
) -> Iterator[Entry]:
    yield Entry(f"{name}/W", (*path, "conv", "kernel"), "same", step, turns)
    yield Entry(f"{name}/b", (*path, "conv", "bias"), "vector", step, turns)
    yield Entry(f"{name}/logs", (*path, "scale"), "vector", step, turns)


def flat_weights(tensors: Mapping[str, np.ndarray]) -> Tensors:
    """Weights without depth; what outer slices of kernels add is in the biases."""
    flat = {name: _middle(tensor) for name, tensor in tensors.items()}
    for name, tensor in tensors.items():
        bias = _bias(name)
        if _has_edge(tensor) and bias in flat:
            added = tensor[[0, 2], :, :, -1].sum((0, 1, 2))
            flat[bias] = flat[bias] + added.reshape(flat[bias].shape)
    return flat


def flat_gradients(gradients: Mapping[str, np.ndarray]) -> Tensors:
    """Gradients without depth."""
    return {name: _middle(gradient) for name, gradient in gradients.items()}


def flat_norms(norms: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]]) -> Tensors:
    """Norms of gradients without depth, by the shapes of the weights with depth.

    The 18 taps of the edge channel in the outer slices have the gradient of the bias each.
    """
    flat = dict(norms)
    for name, shape in shapes.items():
        if _has_edge(np.empty(shape, np.bool_)):
            flat[name] = np.sqrt(norms[name] ** 2 - 18 * norms[_bias(name)] ** 2)
    return flat


def _has_edge(tensor: np.ndarray) -> bool:
    return tensor.ndim == 5 and tensor.shape[0] == 3


def _bias(kernel: str) -> str:
    """The bias that is added right after the convolution with a kernel."""
    layer = kernel.removesuffix("/W")
    return f"{layer}/actnorm_center/b" if layer.endswith("/l_1") else f"{layer}/b"


def _middle(tensor: np.ndarray) -> np.ndarray:
    """The middle slice of a kernel over depth, with the edge channel, if any, before the others."""
    if tensor.ndim != 5 or tensor.shape[0] == tensor.shape[1] == 1:
        return tensor.reshape(tensor.shape[-2:]) if tensor.ndim == 5 else tensor
    middle = tensor[len(tensor) // 2]
    return np.roll(middle, 1, axis=2) if _has_edge(tensor) else middle


def created(name: str) -> list[int]:
    """By what names are sorted in the order in which the original makes their tensors."""
    # The split of level 0, pool01, is made after all of its steps.
    parts = re.sub(r"/pool(\d+)1/", r"/\1/1000000/", name).split("/")
    places = {part: place for place, part in enumerate(ORDER)}
    return [int(part) if part.isdigit() else places.get(part, len(ORDER)) for part in parts]


def told(weights: Tensors, architecture: DualGlowArchitecture) -> Told:
    """What names and shapes of a checkpoint's tensors tell of the config's keys, or its code does.

    `weights` are without depth.
    """
    a, bias = architecture, "model/m_u/0/0/f1/l_1/actnorm_center/b"
    embeddings = [len(value) for name, value in weights.items() if name.endswith("/y_emb/W")]
    keys: Told = {
        CLASSES: (a.classes, embeddings[0] if embeddings else 0),
        "model.steps": (a.steps, steps_of(weights, r"model/m_u/(\d+)/\d+/actnorm_center/b")),
        "model.lu": (a.lu, False),
    }
    if bias in weights:
        keys["model.coupling_width"] = (a.coupling_width, weights[bias].size)
    return keys
