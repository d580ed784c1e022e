"""Names of `dajinstory/glow-pytorch`'s tensors, and their paths in our Glow."""

from collections.abc import Iterator

from fullglow_jax.flows.architecture import GlowArchitecture
from fullglow_jax.interop.tensors import CLASSES, Entry, Tensors, Told, steps_of

NETS = {"first": "coupling.nets.0", "second": "coupling.nets.1"}
"""The network of the coupling that moves each half."""


def entries(architecture: GlowArchitecture) -> Iterator[Entry]:
    """Every tensor of a model of this architecture, masks and unused networks excepted."""
    a = architecture
    both = a.coupled_half == "both"
    couplings = {"coupling_of_first": NETS["first"], "coupling_of_second": NETS["second"]}
    for level, steps in enumerate(a.steps):
        at_level = (f"levels_{level}", "steps")
        for step in range(steps):
            name = f"blocks.{level}.flows.{step}"
            params, constants = ("params", *at_level), ("constants", *at_level)
            if a.actnorm != "none":
                actnorm = (*params, "actnorm")
                yield Entry(f"{name}.actnorm.bias", (*actnorm, "shift"), "vector", step)
                yield Entry(f"{name}.actnorm.logs", (*actnorm, "log_scale"), "vector", step)
            if a.permute:
                order = (*constants, "permutation", "permutation")
                yield Entry(f"{name}.permute.perm", order, "order", step)
            else:
                yield from _convolution(f"{name}.invconv", params, constants, step)
            used = couplings if both else {"coupling": NETS[a.coupled_half]}
            for ours, net in used.items():
                yield from _net(f"{name}.{net}", (*params, ours, "net"), step)


def _convolution(
    name: str, params: tuple[str, ...], constants: tuple[str, ...], step: int
) -> Iterator[Entry]:
    for part, ours, layout in (
        ("w_l", "lower", "matrix"),
        ("w_u", "upper", "matrix"),
        ("w_s", "log_scale", "vector"),
    ):
        yield Entry(f"{name}.{part}", (*params, "convolution", ours), layout, step)
    for part, ours, layout in (("w_p", "permutation", "matrix"), ("s_sign", "sign", "vector")):
        yield Entry(f"{name}.{part}", (*constants, "convolution", ours), layout, step)


def _net(name: str, path: tuple[str, ...], step: int) -> Iterator[Entry]:
    for part, ours, layout in (
        ("0", ("conv_0",), "conv"),
        ("2", ("conv_1",), "dense"),
        ("4.conv", ("output", "conv"), "conv"),
    ):
        yield Entry(f"{name}.{part}.weight", (*path, *ours, "kernel"), layout, step)
        yield Entry(f"{name}.{part}.bias", (*path, *ours, "bias"), "vector", step)
    yield Entry(f"{name}.4.scale", (*path, "output", "scale"), "vector", step)


def told(weights: Tensors, architecture: GlowArchitecture) -> Told:
    """What names and shapes of a file's tensors tell of the config's keys, or its code does."""
    a, net = architecture, f"blocks.0.flows.0.{NETS['first']}"
    half = a.coupled_half if a.coupled_half in ("first", "both") else "first"
    keys: Told = {
        "model.steps": (
            a.steps,
            steps_of(weights, r"blocks\.(\d+)\.flows\.\d+\.coupling\.nets\.0\.0\.weight"),
        ),
        "model.permute": (a.permute, False),
        "model.lu": (a.lu, True),
        "model.actnorm": (a.actnorm, "log_scale"),
        "model.coupled_half": (a.coupled_half, half),
        "model.prior": (a.prior, "standard"),
        "model.centred": (a.centred, True),
        CLASSES: (a.classes, 0),
    }
    if f"{net}.0.bias" in weights:
        keys["model.coupling_width"] = (a.coupling_width, weights[f"{net}.0.bias"].size)
    if f"{net}.4.conv.bias" in weights:
        additive = weights[f"{net}.4.conv.bias"].size == a.level_channels[0] // 2
        keys["model.coupling"] = (a.coupling, "additive" if additive else "affine")
        if not additive and a.coupling_scale == "sigmoid":
            keys["model.coupling_scale"] = (a.coupling_scale, "exp_glow")
    return keys


def lost_order(weights: Tensors) -> str:
    """What is lost of a model whose steps begin with a fixed order of the channels; "" if not."""
    if not weights or any(".invconv." in name for name in weights):
        return ""
    return (
        "its steps are glow-pytorch's PermuteFlow. That code draws an order of the channels for "
        "each step and never saves it: the coupling networks are there, but not what they were "
        "trained on. Only models with 1×1 convolutions (InvConvFlow) can be imported."
    )
