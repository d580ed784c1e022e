"""Comparisons with recorded values of INADE."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from fullglow_jax.gans.discriminators.patch import PatchDiscriminator
from fullglow_jax.gans.discriminators.scales import Scales
from fullglow_jax.gans.discriminators.verdict import Verdict
from fullglow_jax.gans.generators.inade import Inade
from fullglow_jax.gans.generators.instance_encoder import InstanceEncoder, StyleDistribution
from fullglow_jax.gans.generators.modulated import ModulatedGenerator
from fullglow_jax.gans.instances import edges
from fullglow_jax.gans.losses import absolute_difference
from fullglow_jax.gans.noise import StyleNoise
from fullglow_jax.gans.scene import Scene, for_discriminator
from fullglow_jax.interop import inade_names
from fullglow_jax.interop.gan_rows import (
    EXACT,
    GRADIENTS,
    applied,
    gradient_rows,
    value_rows,
)
from fullglow_jax.interop.recorded_inade_steps import step_rows
from fullglow_jax.interop.recording import RecordedArrays
from fullglow_jax.interop.row import Row, compare
from fullglow_jax.interop.tensors import Entry, tensors_of, variables_of
from fullglow_jax.layers.instance_convolution import InstanceConvolution
from fullglow_jax.layers.modulation import Modulation
from fullglow_jax.layers.norms import OF_BATCH, RUNNING, STATISTICS
from fullglow_jax.layers.precision import Compute
from fullglow_jax.layers.starts import STARTS
from fullglow_jax.models.interface import PyTree

# ---- layers --------------------------------------------------------------------------------------


def layers(recording: RecordedArrays) -> list[Row]:
    """The convolution within instances at both strides, and a modulation: values and gradients."""
    r, x = recording, recording.image("x")
    classes, places = ids_of(r, "label"), ids_of(r, "instance")
    rows = []
    for stride in (1, 2):
        name = f"conv{stride}"
        features, start = len(r.state[f"{name}.bias"]), STARTS["xavier"](0.02)
        network = InstanceConvolution(features, start, stride, Compute(EXACT).products)
        entries = list(inade_names.convolution(name))
        rows += _layer_rows(r, name, network, entries, (x, places))
    modulation = Modulation(len(r.state["modulation.weight"]), precision=EXACT)
    entries = list(inade_names.modulation("modulation"))
    given = x, classes, places, jnp.asarray(r["noise"]), OF_BATCH
    return rows + _layer_rows(r, "modulated", modulation, entries, given)


def _layer_rows(
    r: RecordedArrays, name: str, network: nn.Module, entries: list[Entry], inputs: tuple[Any, ...]
) -> list[Row]:
    """A layer's values, and the gradients of the sum of their squares."""
    fixed = variables_of(r.state, entries)
    params, (x, *others) = fixed.pop("params"), inputs

    def energy(params: PyTree, x: Array) -> tuple[Array, Array]:
        variables = {"params": params, **fixed}
        y, _ = applied(network)(variables, x, *others, mutable=[STATISTICS])
        return jnp.square(y).sum(), y

    gradient = jax.jit(jax.grad(energy, (0, 1), has_aux=True))
    (of_params, of_x), y = gradient(params, x)
    return [
        *value_rows(r, {name: y}),
        compare(f"{name}_grad_x", of_x, r.image(f"{name}_grad_x"), "relative", GRADIENTS),
        *gradient_rows(r, tensors_of({"params": of_params}, entries)),
    ]


# ---- the model -----------------------------------------------------------------------------------


def inade(recording: RecordedArrays) -> list[Row]:
    """Images, styles and what the discriminator says, in test mode; and steps of training."""
    r, recorded = recording, RecordedInade(recording)
    found: dict[str, Any] = {"edges": edges(recorded.places)[..., jnp.newaxis]}
    generator, critic = (variables_of(r.state, each) for each in recorded.entries)
    network = recorded.generator
    draw = jax.jit(applied(network), static_argnums=3)
    for name in r.under(""):
        if name.endswith("_fake") and name.startswith(("eval", "plain")):
            case = name.removesuffix("_fake")
            scene = recorded.scene(with_photo=not case.startswith("plain"))
            found[name] = draw(generator, scene, recorded.noise(f"{case}_"), RUNNING)
    if network.encoder:
        styles = jax.jit(partial(applied(network), method="styles"))
        found |= _of_styles(styles(generator, recorded.scene()))
    if critic and "pred_fake_0" in r:
        judge = jax.jit(applied(recorded.discriminator))
        images = r.image("eval0_fake"), r.image("real_image")
        found |= _of_verdicts(*(judge(critic, recorded.beside, image) for image in images))
    return value_rows(r, found) + (step_rows(r) if r.meta["steps"] else [])


def _of_styles(styles: StyleDistribution) -> dict[str, Array]:
    parts = {"mu": styles.mean, "logvar": styles.log_variance}
    return {
        f"{of}_{part}": values[:, :, number]
        for part, values in parts.items()
        for number, of in enumerate(("scale", "bias"))
    }


def _of_verdicts(fake: Sequence[Verdict], true: Sequence[Verdict]) -> dict[str, Array]:
    found = {}
    for scale, (mine, other) in enumerate(zip(fake, true, strict=True)):
        found[f"pred_fake_{scale}"], found[f"pred_real_{scale}"] = mine.logits, other.logits
        for layer, pair in enumerate(zip(mine.features, other.features, strict=True)):
            distance = absolute_difference(*pair).mean()
            found[f"feature_distance_{scale}_{layer}"] = distance
    return found


class RecordedInade:
    """The networks and the inputs of a recording.

    Attributes:
        generator: Generator and encoder.
        discriminator: The discriminator.
        entries: The tensors of both.
        classes: (B, H, W).
        places: (B, H, W), instances by id, which are their places in the recorded noise.
        beside: What the discriminator reads beside an image.
    """

    def __init__(self, recording: RecordedArrays) -> None:
        self._r, meta = recording, recording.meta
        count = meta["label_nc"] + meta["contain_dontcare_label"]
        self.generator = Inade(
            ModulatedGenerator(
                count,
                tuple(meta["image_size"]),
                meta["ngf"],
                meta["num_upsampling_layers"],
                precision=EXACT,
            ),
            self._encoder(),
        )
        layers, scales = meta["n_layers_D"] - 1, meta["num_D"]
        form = PatchDiscriminator(
            meta["ndf"], layers, padding=2, norm="instance", spectral=True, precision=EXACT
        )
        self.discriminator = Scales(form, scales)
        of_generator = [*inade_names.generator(self.generator.generator, ("generator",))]
        if self.generator.encoder:
            of_generator += inade_names.encoder(("encoder",))
        self.entries = of_generator, [*inade_names.discriminator(scales, layers)]
        self.classes, self.places = ids_of(recording, "label"), ids_of(recording, "instance")
        self.beside = for_discriminator(self.classes, self.places, count)

    def scene(self, with_photo: bool = True) -> Scene:
        """What the generator reads; its places are those of the recorded noise."""
        count = next(iter(self._r.under("eval0_noise").values())).shape[1]
        ids = jnp.broadcast_to(jnp.arange(count), (len(self.places), count))
        photo = self._r.image("real_image") if with_photo and self.generator.encoder else None
        return Scene(self.classes, self.places, ids, photo)

    def noise(self, prefix: str) -> StyleNoise:
        """Recorded noise."""
        image, instances = (jnp.asarray(self._r[f"{prefix}{of}"]) for of in ("z", "noise"))
        return StyleNoise(image, instances)

    def _encoder(self) -> InstanceEncoder | None:
        meta = self._r.meta
        if not meta["use_vae"]:
            return None
        width = len(self._r.state[f"{inade_names.E}layer1.bias"])
        return InstanceEncoder(meta["noise_nc"], width, precision=EXACT)


def ids_of(recording: RecordedArrays, name: str) -> Array:
    """A recorded map of ids, (B, H, W)."""
    return jnp.asarray(recording[name][:, 0], jnp.int32)


SYSTEMS: dict[str, Callable[[RecordedArrays], list[Row]]] = {
    "INADE": inade,
    "INADE: layers": layers,
}
"""By `meta["system"]`."""
