"""INADE's files: which tensors are where in ours, and what they tell of a config."""

from collections.abc import Iterator
from dataclasses import replace

from fullglow_jax.gans.inade_architecture import InadeArchitecture
from fullglow_jax.gans.learner import GENERATOR
from fullglow_jax.interop import inade_names
from fullglow_jax.interop.tensors import CRITIC, Entry, Tensors, Told

FIRST_NORM = "G.head_0.norm_0"
FILE_NAMES = {"IE": ("E", "IE")}
"""The encoder's files: as the code names them, and as its documents do."""


def entries(architecture: InadeArchitecture) -> Iterator[Entry]:
    """Every tensor of a model of this architecture, counters of batches excepted."""
    a, both = architecture, architecture.generator
    yield from inade_names.generator(both.generator, (GENERATOR, "generator"))
    if a.encoder:
        yield from inade_names.encoder((GENERATOR, "encoder"))
    for entry in inade_names.discriminator(a.scales, a.discriminator_layers):
        yield replace(entry, path=(CRITIC, *entry.path))


def told(weights: Tensors, architecture: InadeArchitecture) -> Told:
    """What names and shapes of a file's tensors tell of the config's keys."""
    a = architecture
    keys: Told = {"model.encoder": (a.encoder, any(name.startswith("IE.") for name in weights))}
    if (most := "G.up_4.conv_0.bias" in weights) != (a.depth == "most"):
        keys["model.depth"] = (a.depth, "most" if most else "normal or more")
    for key, here, name, axis in (
        ("model.width", a.width, "G.up_3.conv_1.weight_orig", 0),
        ("model.image_noise", a.image_noise, "G.fc.weight", 1),
        ("model.style", a.style, f"{FIRST_NORM}.fc_noise.weight", 1),
        ("model.encoder_width", a.encoder_width, "IE.layer1.weight", 0),
        (
            "model.discriminator_width",
            a.discriminator_width,
            "D.discriminator_0.model0.0.weight",
            0,
        ),
        ("model.classes (and 1 if model.unknown)", a.label_maps.count, f"{FIRST_NORM}.weight", 0),
    ):
        if name in weights:
            keys[key] = (here, weights[name].shape[axis])
    return keys
