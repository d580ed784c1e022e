"""Names of `dajinstory/glow-pytorch`'s tensors, and their paths in our Glow."""

from collections.abc import Iterator

from fullglow_jax.flows.architecture import GlowArchitecture
from fullglow_jax.interop.tensors import Entry

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
