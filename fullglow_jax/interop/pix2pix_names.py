"""Names of the tensors of pix2pix and of DLIM's variants, and their paths in ours.

The originals are `junyanz/pytorch-CycleGAN-and-pix2pix` and `nmproduction/DLIM`. They store each
network in a file of its own; here, "G." or "D." stands before its names. Their lists of modules
count all layers, activations included.
"""

from collections.abc import Iterator

from fullglow_jax.gans.architecture import Pix2PixArchitecture
from fullglow_jax.gans.discriminators.sesame import STRIDES
from fullglow_jax.gans.learner import GENERATOR
from fullglow_jax.interop.tensors import CRITIC, Entry, Tensors, Told
from fullglow_jax.layers.norms import STATISTICS

Path = tuple[str, ...]

G, D = "G.", "D."

FIRST_LAYERS = {
    "patch": f"{D}model.0.weight",
    "pixel": f"{D}net.0.weight",
    "sesame": f"{D}discriminator_0.sem_sequence.0.0.weight",
}
"""The name of the first layer's kernel, by `config.model.discriminator`."""


def entries(architecture: Pix2PixArchitecture) -> Iterator[Entry]:
    """Every tensor of a model of this architecture, counters of batches excepted."""
    yield from _unet(architecture)
    norm = architecture.norm_of_discriminator
    for scale in range(architecture.scales):
        path = (CRITIC, "params", f"scale_{scale}")
        match architecture.discriminator:
            case "patch":
                # DLIM's several ones are counted from the smallest image.
                several, number = architecture.scales > 1, architecture.scales - 1 - scale
                name = f"{D}layer{number}" if several else f"{D}model"
                layers = architecture.discriminator_layers
                yield from patch(name, path, layers, norm)
            case "pixel":
                yield from pixel(f"{D}net", path, norm)
            case "sesame":
                yield from sesame(f"{D}discriminator_{scale}", path)


def _unet(a: Pix2PixArchitecture) -> Iterator[Entry]:
    biased, last = a.norm == "instance", a.downs - 1
    here = ("params", GENERATOR)
    block = f"{G}model"
    for i in range(a.downs):
        block += ".model" if not i else f".{1 if i == 1 else 3}.model"
        down, up = (0, 3) if not i else (1, 3) if i == last else (1, 5)
        yield from _convolution(f"{block}.{down}", (*here, f"down_{i}"), biased)
        ours = f"up_{i}" if i else "image"
        yield from _convolution(f"{block}.{up}", (*here, ours), biased or not i)
        if i:
            yield from _norm(f"{block}.{up + 1}", (*here, f"up_norm_{i}"), a.norm)
        if 0 < i < last:
            yield from _norm(f"{block}.2", (*here, f"down_norm_{i}"), a.norm)


def patch(name: str, path: Path, layers: int, norm: str) -> Iterator[Entry]:
    """The tensors of a `PatchDiscriminator` under a name and a path."""
    place = 0
    for n in range(layers + 1):
        biased = not n or norm == "instance"
        yield from _convolution(f"{name}.{place}", (*path, f"conv_{n}"), biased)
        if n:
            yield from _norm(f"{name}.{place + 1}", (*path, f"norm_{n}"), norm)
        place += 3 if n else 2
    yield from _convolution(f"{name}.{place}", (*path, "logits"))


def pixel(name: str, path: Path, norm: str) -> Iterator[Entry]:
    """The tensors of a `PixelDiscriminator` under a name and a path."""
    biased = norm == "instance"
    yield from _convolution(f"{name}.0", (*path, "conv_0"))
    yield from _convolution(f"{name}.2", (*path, "conv_1"), biased)
    yield from _norm(f"{name}.3", (*path, "norm_1"), norm)
    yield from _convolution(f"{name}.5", (*path, "logits"), biased)


def sesame(name: str, path: Path) -> Iterator[Entry]:
    """The tensors of a `SesameDiscriminator` with instance norm, under a name and a path."""
    for theirs, ours in (("sem_sequence", "condition"), ("img_sequence", "image")):
        for n in range(len(STRIDES)):
            within = f"{theirs}.{n}.0.0" if n else f"{theirs}.0.0"
            yield from _convolution(f"{name}.{within}", (*path, f"{ours}_conv_{n}"), not n)
    yield from _convolution(f"{name}.img_sequence.{len(STRIDES)}.0", (*path, "logits"))


def _convolution(name: str, path: Path, biased: bool = True) -> Iterator[Entry]:
    # Our kernel of a transposed convolution is that of the convolution which it transposes, and so
    # is theirs: both are "conv".
    yield Entry(f"{name}.weight", (*path, "kernel"), "conv")
    if biased:
        yield Entry(f"{name}.bias", (*path, "bias"), "vector")


def _norm(name: str, path: Path, kind: str) -> Iterator[Entry]:
    if kind != "batch":
        return
    running = tuple(STATISTICS if part == "params" else part for part in path)
    yield Entry(f"{name}.weight", (*path, "scale"), "vector")
    yield Entry(f"{name}.bias", (*path, "shift"), "vector")
    yield Entry(f"{name}.running_mean", (*running, "mean"), "vector")
    yield Entry(f"{name}.running_var", (*running, "variance"), "vector")


def told(weights: Tensors, architecture: Pix2PixArchitecture) -> Told:
    """What names and shapes of a file's tensors tell of the config's keys."""
    a, inner = architecture, f"{G}model.model.1.model"
    norm = "instance" if f"{inner}.1.bias" in weights else "none"
    keys: Told = {
        "model.downs": (a.downs, 2 + max((name.count(".3.model") for name in weights), default=0)),
        "model.norm": (a.norm, "batch" if f"{inner}.2.running_mean" in weights else norm),
    }
    if (first := f"{G}model.model.0.weight") in weights:
        keys["model.width"] = (a.width, len(weights[first]))
    for discriminator, first in FIRST_LAYERS.items():
        if first in weights:
            keys["model.discriminator"] = (a.discriminator, discriminator)
            keys["model.discriminator_width"] = (a.discriminator_width, len(weights[first]))
    return keys
