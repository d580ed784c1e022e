"""Names of C-Glow's tensors, and their paths in ours.

The original is `yolu1055/conditional-glow`, which `MoeinSorkhei/glow2` carries. It counts all
layers in one row: of each level the squeeze, the steps, and the split.
"""

import re
from collections.abc import Iterator

from fullglow_jax.flows.architecture import CGlowArchitecture
from fullglow_jax.interop.tensors import Entry, Tensors, Told

R_AND_T = (1, 0)
"""Their couplings' networks put out t and r in turns, ours r and then t."""

MEAN_AND_LOG_STD = (0, 1)
"""Their splits put out mean and log deviation in turns, ours one after the other."""


def entries(architecture: CGlowArchitecture) -> Iterator[Entry]:
    """Every tensor of a model of this architecture."""
    layer = 0
    for level, steps in enumerate(architecture.steps):
        path = ("params", f"levels_{level}")
        for step in range(steps):
            yield from _step(f"flow.layers.{layer + 1 + step}", (*path, "steps"), step)
        layer += 1 + steps
        if level < architecture.levels - 1:
            conv = (*path, "prior", "net", "conv")
            yield from _layer(f"flow.layers.{layer}.conv.0", conv, "conv", None, MEAN_AND_LOG_STD)
            layer += 1
        else:
            yield Entry("new_mean", (*path, "prior", "net", "mean"), "image")
            yield Entry("new_logs", (*path, "prior", "net", "log_std"), "image")


def _step(name: str, path: tuple[str, ...], step: int) -> Iterator[Entry]:
    for theirs, ours in (("actnorm", "actnorm"), ("invconv", "convolution")):
        net = (*path, ours, "vector_net")
        for i in range(3):
            yield from _layer(f"{name}.{theirs}.x_Con.{2 * i}", (*net, f"conv_{i}"), "conv", step)
        for i, layer in enumerate(("dense_0", "dense_1", "output")):
            yield from _layer(f"{name}.{theirs}.x_Linear.{2 * i}", (*net, layer), "dense", step)
    features, net = (*path, "coupling", "spatial_net"), (*path, "coupling", "net")
    for i in range(3):
        convolution = f"{name}.affine.resize_x.{2 * i}"
        yield from _layer(convolution, (*features, f"conv_{i}"), "conv", step)
    for i, layout in enumerate(("joined conv", "dense")):
        layer = f"{name}.affine.f.{2 * i}"
        yield Entry(f"{layer}.weight", (*net, f"conv_{i}", "kernel"), layout, step)
        yield Entry(f"{layer}.actnorm.bias", (*net, f"conv_{i}", "bias"), "vector", step)
        yield Entry(f"{layer}.actnorm.logs", (*net, f"scale_{i}"), "vector", step)
    last = f"{name}.affine.f.4"
    yield from _layer(last, (*net, "output"), "conv", step, R_AND_T)
    yield Entry(f"{last}.newbias", (*net, "output_shift"), "vector", step, R_AND_T)
    yield Entry(f"{last}.logs", (*net, "output_scale"), "vector", step, R_AND_T)


def _layer(
    name: str,
    path: tuple[str, ...],
    layout: str,
    step: int | None,
    turns: tuple[int, ...] = (),
) -> Iterator[Entry]:
    yield Entry(f"{name}.weight", (*path, "kernel"), layout, step, turns)
    yield Entry(f"{name}.bias", (*path, "bias"), "vector", step, turns)


def told(weights: Tensors, architecture: CGlowArchitecture) -> Told:
    """What names and shapes of a file's tensors tell of the config's keys."""
    a, step = architecture, "flow.layers.1"
    keys: Told = {"model.steps": (a.steps, _steps(weights))}
    for key, name in (
        ("coupling_width", f"{step}.affine.f.0.actnorm.bias"),
        ("vector_channels", f"{step}.actnorm.x_Con.0.bias"),
        ("vector_width", f"{step}.actnorm.x_Linear.0.bias"),
    ):
        if name in weights:
            keys[f"model.{key}"] = (getattr(a, key), weights[name].size)
    # They are there in any case, but zero if nothing learnt them.
    if any(weights[name].any() for name in ("new_mean", "new_logs") if name in weights):
        keys["model.learn_top"] = (a.learn_top, True)
    return keys


def _steps(weights: Tensors) -> tuple[int, ...]:
    """The steps of each level: between those of two levels are a split and a squeeze."""
    step = re.compile(r"flow\.layers\.(\d+)\.actnorm\.x_Con\.0\.bias")
    layers = sorted(int(match[1]) for match in map(step.fullmatch, weights) if match)
    levels: list[int] = []
    for before, layer in zip([-2, *layers], layers, strict=False):
        if layer > before + 1:
            levels.append(0)
        levels[-1] += 1
    return tuple(levels)
