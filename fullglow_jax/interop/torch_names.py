"""Names of the original PyTorch implementation's tensors, and their paths in ours.

The original is `MoeinSorkhei/glow2`; its `left_glow` is our source and its `right_glow` our target.
Its tensors are per step; ours are stacked over a level's steps.
"""

from collections.abc import Iterator

from fullglow_jax.flows.architecture import CFlowArchitecture, FullGlowArchitecture
from fullglow_jax.interop.tensors import Entry, Tensors, Told, steps_of

Numbers = FullGlowArchitecture | CFlowArchitecture
"""A Full-Glow's, or a C-Flow's: `glow2` had both."""

SIDES = {"source": "left_glow", "target": "right_glow"}

Row = tuple[str, str, str]
"""(name, path, layout) of a tensor."""


def _layer(name: str, path: str, layout: str) -> list[Row]:
    return [
        (f"{name}.weight", f"{path}/kernel", layout),
        (f"{name}.bias", f"{path}/bias", "vector"),
    ]


def _zero_conv(name: str, path: str) -> list[Row]:
    return [
        (f"{name}.scale", f"{path}/scale", "vector"),
        *_layer(f"{name}.conv", f"{path}/conv", "conv"),
    ]


def _vector_net(name: str, path: str) -> list[Row]:
    convolutions, dense = f"{name}.conv_net.conv_net", f"{name}.linear_net.linear_net"
    return [
        *_layer(f"{convolutions}.0", f"{path}/conv_0", "dense"),
        *_layer(f"{convolutions}.2", f"{path}/conv_1", "conv"),
        *_layer(f"{convolutions}.4", f"{path}/conv_2", "conv"),
        *_layer(f"{dense}.0", f"{path}/dense_0", "dense"),
        *_layer(f"{dense}.2", f"{path}/dense_1", "dense"),
        *_layer(f"{dense}.4", f"{path}/dense_2", "dense"),
        *_layer(f"{dense}.6.linear", f"{path}/output", "dense"),
    ]


def _step(lu: bool, vector_nets: bool, spatial_net: bool) -> list[Row]:
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
    if spatial_net:
        rows += [
            *_layer("coupling.cond_net.conv_net.0", "coupling/spatial_net/conv_0", "conv"),
            *_layer("coupling.cond_net.conv_net.2", "coupling/spatial_net/conv_1", "conv"),
        ]
    if vector_nets:
        return [
            *rows,
            *_vector_net("act_norm.cond_net", "actnorm/vector_net"),
            *_vector_net("inv_conv.cond_net", "convolution/vector_net"),
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


def entries(architecture: Numbers) -> Iterator[Entry]:
    """Every tensor that the original stores for a model of this architecture, masks excepted."""
    c_flow = isinstance(architecture, CFlowArchitecture)
    raw = isinstance(architecture, CFlowArchitecture) and architecture.coupling_reads == "raw"
    nets = {"source": (False, False), "target": (not c_flow, not raw)}
    for side, glow in SIDES.items():
        for level, steps in enumerate(architecture.steps):
            block = f"{glow}.blocks.{level}"
            for name, path, layout in _step(architecture.lu, *nets[side]):
                collection, _, rest = path.rpartition(":")
                root = (collection or "params", f"levels_{level}", "steps", side)
                for step in range(steps):
                    theirs = f"{block}.flows.{step}.{name}"
                    yield Entry(theirs, (*root, *rest.split("/")), layout, step)
            for name, path, layout in _zero_conv("gaussian", f"{side}_prior/net"):
                path_of_prior = ("params", f"levels_{level}", *path.split("/"))
                yield Entry(f"{block}.{name}", path_of_prior, layout)


def told(weights: Tensors, architecture: Numbers) -> Told:
    """What names and shapes of a file's tensors tell of the config's keys."""
    a, target = architecture, "right_glow.blocks.0.flows.0"
    vector_nets = any(".act_norm.cond_net." in name for name in weights)
    features = f"{target}.coupling.cond_net.conv_net.0"
    keys: Told = {
        "model.name": (
            "c_flow" if isinstance(a, CFlowArchitecture) else "full_glow",
            "full_glow" if vector_nets else "c_flow",
        ),
        "model.steps": (
            a.steps,
            steps_of(weights, r"left_glow\.blocks\.(\d+)\.flows\.\d+\.act_norm\.loc"),
        ),
        "model.lu": (a.lu, any(name.endswith(".inv_conv.w_p") for name in weights)),
    }
    if isinstance(a, CFlowArchitecture):
        there = "spatial" if f"{features}.bias" in weights else "raw"
        keys["model.coupling_reads"] = (a.coupling_reads, there)
    for key, layer, width in (
        ("model.coupling_width", f"{target}.coupling.net.0", a.coupling_width),
        ("model.spatial_width", features, a.spatial_width),
    ):
        if (bias := f"{layer}.bias") in weights:
            keys[key] = (width, weights[bias].size)
    if f"{features}.weight" in weights:
        boundary = weights[f"{features}.weight"].shape[1] > a.level_channels[0]
        if boundary != a.boundary:
            there = "'smooth' or 'ceil'" if boundary else "''"
            keys["data.boundary"] = (repr(a.boundary_maps), there)
    return keys
