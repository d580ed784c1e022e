"""Names of the tensors of INADE, and their paths in ours.

The original is `tzt101/INADE`. It stores each network in a file of its own, the encoder's as "E"
or, as its documents have it, as "IE"; here, "G.", "IE." or "D." stands before its names.
"""

from collections.abc import Iterator

from fullglow_jax.gans.generators.instance_encoder import DOWNS, UPS
from fullglow_jax.gans.generators.modulated import MOST_WIDTHS, Block, ModulatedGenerator
from fullglow_jax.interop.tensors import Entry
from fullglow_jax.layers.norms import STATISTICS
from fullglow_jax.layers.spectral_norm import SPECTRAL

Path = tuple[str, ...]

G, E, D = "G.", "IE.", "D."

MIDDLES = {"middle_0": "G_middle_0", "middle_1": "G_middle_1"}
"""Their names of blocks that have other ones here."""

UP_LAYERS = ("middle", "up1", "up2", "up3")
"""Their names of the layers after which an image is doubled."""

OF_STYLES = {
    "scale_conv_mu": "scale_mean",
    "scale_conv_var": "scale_log_variance",
    "bias_conv_mu": "shift_mean",
    "bias_conv_var": "shift_log_variance",
}
"""Our names of the layers that give styles, by theirs."""


def generator(network: ModulatedGenerator, path: Path = ()) -> Iterator[Entry]:
    """The tensors of a `ModulatedGenerator`, at a path below each collection."""
    yield Entry(f"{G}fc.weight", ("params", *path, "first", "kernel"), "dense")
    yield Entry(f"{G}fc.bias", ("params", *path, "first", "bias"), "vector")
    channels = MOST_WIDTHS * network.width
    for block in network.blocks:
        yield from _block(block, channels, path)
        channels = block.features
    yield from convolution(f"{G}conv_img", (*path, "image"))


def _block(block: Block, channels: int, path: Path) -> Iterator[Entry]:
    name, here = f"{G}{MIDDLES.get(block.name, block.name)}", (*path, block.name)
    for part in ("0", "1", "s") if block.features != channels else ("0", "1"):
        size, biased = (1, False) if part == "s" else (3, True)
        yield from _spectral(f"{name}.conv_{part}", (*here, f"conv_{part}"), size, biased)
        yield from modulation(f"{name}.norm_{part}", (*here, f"norm_{part}"))


def modulation(name: str, path: Path = ()) -> Iterator[Entry]:
    """The tensors of a `Modulation`."""
    yield Entry(f"{name}.weight", ("params", *path, "weight"), "same")
    yield Entry(f"{name}.bias", ("params", *path, "bias"), "same")
    yield Entry(f"{name}.fc_noise.weight", ("params", *path, "project", "kernel"), "dense")
    yield Entry(f"{name}.fc_noise.bias", ("params", *path, "project", "bias"), "vector")
    running, of_channels = f"{name}.param_free_norm.running", (STATISTICS, *path, "norm")
    yield Entry(f"{running}_mean", (*of_channels, "mean"), "vector")
    yield Entry(f"{running}_var", (*of_channels, "variance"), "vector")


def encoder(path: Path = ()) -> Iterator[Entry]:
    """The tensors of an `InstanceEncoder`, at a path below each collection."""
    names = {f"layer{n + 1}": f"down_{n}" for n in range(len(DOWNS))}
    names |= {name: f"up_{n}" for n, name in enumerate(UP_LAYERS[: len(UPS)])} | OF_STYLES
    for theirs, ours in names.items():
        yield from convolution(f"{E}{theirs}", (*path, ours))


def discriminator(scales: int, layers: int, path: Path = ()) -> Iterator[Entry]:
    """The tensors of a `PatchDiscriminator` at several scales, with spectral and instance norm.

    Args:
        scales: Scales, the full size first.
        layers: Layers with a norm.
        path: Where it is, below each collection.
    """
    for scale in range(scales):
        name, here = f"{D}discriminator_{scale}", (*path, f"scale_{scale}")
        yield from convolution(f"{name}.model0.0", (*here, "conv_0"))
        for n in range(1, layers + 1):
            yield from _spectral(f"{name}.model{n}.0.0", (*here, f"conv_{n}"), 4, biased=False)
        yield from convolution(f"{name}.model{layers + 1}.0", (*here, "logits"))


def _spectral(name: str, path: Path, size: int, biased: bool) -> Iterator[Entry]:
    """A convolution with spectral norm, of a kernel size×size."""
    yield Entry(f"{name}.weight_orig", ("params", *path, "kernel"), "conv")
    yield Entry(f"{name}.weight_u", (SPECTRAL, *path, "norm", "u"), "vector")
    yield Entry(f"{name}.weight_v", (SPECTRAL, *path, "norm", "v"), f"taps {size}")
    if biased:
        yield Entry(f"{name}.bias", ("params", *path, "bias"), "vector")


def convolution(name: str, path: Path = ()) -> Iterator[Entry]:
    """The tensors of a convolution without spectral norm."""
    yield Entry(f"{name}.weight", ("params", *path, "kernel"), "conv")
    yield Entry(f"{name}.bias", ("params", *path, "bias"), "vector")
