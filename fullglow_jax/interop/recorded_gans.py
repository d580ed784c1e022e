"""Comparisons with recorded values of GANs, by the system that a file's meta data name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from jax import Array, lax

from fullglow_jax.gans.adversaries import MOVING
from fullglow_jax.gans.architecture import Pix2PixArchitecture
from fullglow_jax.gans.discriminators.patch import PatchDiscriminator
from fullglow_jax.gans.discriminators.pixel import PixelDiscriminator
from fullglow_jax.gans.discriminators.scales import Scales
from fullglow_jax.gans.discriminators.sesame import SesameDiscriminator
from fullglow_jax.gans.discriminators.verdict import Verdict
from fullglow_jax.gans.learner import GENERATOR, Optimizers, learners
from fullglow_jax.gans.losses import (
    ADVERSARIAL,
    absolute_difference,
    feature_difference,
    gradient_penalty,
    mean_of_scales,
)
from fullglow_jax.gans.model import GanModel
from fullglow_jax.gans.objective import Objective, total
from fullglow_jax.gans.perceptual import LAYERS
from fullglow_jax.interop.gan_rows import (
    EXACT,
    GRADIENTS,
    STEPS,
    VALUES,
    applied,
    gradient_rows,
    value_rows,
)
from fullglow_jax.interop.instance_maps import instance_maps
from fullglow_jax.interop.pix2pix_names import entries, patch, pixel, sesame
from fullglow_jax.interop.preprocessing import preprocessing
from fullglow_jax.interop.recording import RecordedArrays
from fullglow_jax.interop.row import Row, compare, compare_values, worst
from fullglow_jax.interop.tensors import CRITIC, Entry, Tensors, tensors_of, variables_of
from fullglow_jax.layers.norms import OF_BATCH, OF_IMAGE, RUNNING
from fullglow_jax.models.batch import Batch
from fullglow_jax.models.interface import PyTree, StepReport, TrainState
from fullglow_jax.perception.network import Weights
from fullglow_jax.perception.vgg import VGG19
from fullglow_jax.perception.weights import as_ours

MODES = {
    **{"vanilla": "vanilla", "lsgan": "lsgan", "wgangp": "wgan"},  # pix2pix
    **{"original": "vanilla", "ls": "lsgan", "hinge": "hinge", "w": "wgan"},  # DLIM
}
"""Our names of adversarial losses, by the originals'."""


# ---- pix2pix -------------------------------------------------------------------------------------


def pix2pix(recording: RecordedArrays) -> list[Row]:
    """Images, logits, losses and gradients of a batch, and the losses of some steps."""
    a, r = _architecture(recording), recording
    tensors = list(entries(a))
    pair, masks = (r.image("real_A"), r.image("real_B")), _masks(r, "", a)
    model = _model(a, r.meta, masks)
    state = _state(model, variables_of(r.state, tensors))

    @jax.jit
    def batch(
        state: TrainState, pair: tuple[Array, Array], masks: tuple[Array, ...]
    ) -> tuple[dict[str, Array], PyTree, PyTree]:
        both, (generator, critic) = model.adversaries, learners(state)
        drawing, moved = both.draw(generator, pair[0], masks)
        alpha = jnp.zeros(len(pair[0]))  # for a penalty that is not there
        of_critic, told, _ = both.discriminator_gradient(critic, pair, drawing.images, alpha)
        of_generator, terms, _ = both.generator_gradient(critic, pair, drawing)
        (fake,), (true,) = (
            both.judge(critic.params, critic.moving, pair[0], image)[0]
            for image in (drawing.images, pair[1])
        )
        ones = jax.tree.map(jnp.ones_like, masks)
        tested = applied(model.generator)(generator.variables, pair[0], ones, RUNNING)
        found = {
            "fake_B": drawing.images,
            "fake_B_eval": tested,
            "pred_fake": fake.logits,
            "pred_real": true.logits,
            "loss_D_fake": 2 * told["drawn"].mean(),
            "loss_D_real": 2 * told["true"].mean(),
            "loss_D": total(told).mean(),
            "loss_G_GAN": terms["adversarial"].mean(),
            "loss_G_L1": terms["pixels"].mean(),
            "loss_G": total(terms).mean(),
        }
        gradients = {"params": {GENERATOR: of_generator}, CRITIC: {"params": of_critic}}
        return found, gradients, moved.moving

    found, gradients, moved = batch(state, pair, masks)
    rows = value_rows(r, found)
    if after := r.under("after::"):
        moved = {name: {GENERATOR: tree} for name, tree in moved.items()}
        ours = tensors_of(moved, tensors)
        each = [compare_values(name, ours[name], value, VALUES) for name, value in after.items()]
        rows.append(worst("running statistics", each))
    rows += gradient_rows(r, tensors_of(gradients, tensors))
    return rows + value_rows(r, _losses_of_steps(r, a, state), STEPS)


def stochastic(recording: RecordedArrays) -> list[Row]:
    """Draws of one label map."""
    a, r = replace(_architecture(recording), dropout=recording.meta["dropout"]), recording
    networks = variables_of(r.state, [e for e in entries(a) if GENERATOR in e.path])
    generator = {name: tree[GENERATOR] for name, tree in networks.items()}
    draw = jax.jit(applied(a.generator), static_argnums=3)
    found = {}
    for number in range(len(r.under("fake_B_"))):
        # There is one dropout; the number is the draw's.
        masks = (r.image(f"keep_{number}") / (1 - a.dropout),)
        found[f"fake_B_{number}"] = draw(generator, r.image("real_A"), masks, OF_IMAGE)
    return value_rows(r, found)


def _architecture(recording: RecordedArrays) -> Pix2PixArchitecture:
    meta = recording.meta
    return Pix2PixArchitecture(
        tuple(meta["image_size"]),
        batch=meta["batch"],
        downs=meta["num_downs"],
        width=meta["ngf"],
        norm=meta["norm"],
        dropout=0.0 if meta.get("no_dropout") else 0.5,
        discriminator="pixel" if meta.get("netD") == "pixel" else "patch",
        discriminator_width=meta.get("ndf", 64),
        discriminator_layers=meta.get("n_layers_D", 3),
        adversarial=MODES[meta.get("gan_mode", "vanilla")],
        pixel_weight=meta.get("lambda_L1", 100.0),
        precision=EXACT,
    )


def _masks(recording: RecordedArrays, prefix: str, a: Pix2PixArchitecture) -> tuple[Array, ...]:
    """Recorded masks of all dropouts, as factors; ones if nothing is dropped."""
    if not a.dropout:
        return tuple(jnp.ones((a.batch, *shape)) for shape in a.noise_shapes)
    numbers = range(len(a.noise_shapes))
    return tuple(recording.image(f"{prefix}keep_{i}") / (1 - a.dropout) for i in numbers)


def _model(a: Pix2PixArchitecture, meta: dict[str, Any], masks: tuple[Array, ...]) -> GanModel:
    adam = optax.adam(meta["lr"], meta["beta1"])
    return GanModel(
        a.generator,
        a.discriminator_network,
        a,
        noise=lambda keys, temperature, shared: masks,
        objective=Objective(adversarial=a.adversarial, pixels=a.pixel_weight),
        optimizers=Optimizers(adam, adam),
    )


def _state(model: GanModel, variables: PyTree) -> TrainState:
    critic = variables.pop(CRITIC)
    generator = {collection: tree[GENERATOR] for collection, tree in variables.items()}
    return model.first_state(generator, critic)


def _losses_of_steps(
    recording: RecordedArrays, a: Pix2PixArchitecture, state: TrainState
) -> dict[str, Array]:
    """The losses that steps in a row report, each with masks of its own."""
    condition, target = ((recording.image(name) + 1) / 2 for name in ("real_A", "real_B"))
    batch = Batch(condition, target)

    @jax.jit
    def step(
        state: TrainState, batch: Batch, masks: tuple[Array, ...]
    ) -> tuple[TrainState, StepReport]:
        return _model(a, recording.meta, masks).train_step(state, batch, jax.random.key(0))

    found = {}
    for number in range(recording.meta["steps"]):
        state, report = step(state, batch, _masks(recording, f"step{number}_", a))
        found[f"step{number}_D_fake"] = 2 * report.scalars["discriminator/drawn"]
        found[f"step{number}_D_real"] = 2 * report.scalars["discriminator/true"]
        found[f"step{number}_G_GAN"] = report.scalars["generator/adversarial"]
        found[f"step{number}_G_L1"] = report.scalars["generator/pixels"]
    return found


# ---- discriminators ------------------------------------------------------------------------------


def other_discriminators(recording: RecordedArrays) -> list[Row]:
    """The discriminator of pixels; a critic's losses and gradient penalty."""
    r, meta = recording, recording.meta
    numbers = {"width": meta["ndf"], "norm": meta["norm"], "precision": EXACT}
    condition, target, drawn = (r.image(name) for name in ("real_A", "real_B", "fake_B"))
    told = _Told(r, PixelDiscriminator(**numbers), pixel("pixel.net", ("params",), meta["norm"]))
    found = {"pixel_fake": told(condition, drawn)[0].logits}

    critic = PatchDiscriminator(**numbers)
    tensors = list(patch("critic.model", ("params",), critic.layers, meta["norm"]))
    told = _Told(r, critic, tensors)
    loss = ADVERSARIAL["wgan"]
    true, fake = told(condition, target), told(condition, drawn)
    d_loss = mean_of_scales(loss.true, true) + mean_of_scales(loss.drawn, fake)
    found |= {
        "wgangp_D": 0.5 * d_loss.mean(),
        "wgangp_G": mean_of_scales(loss.generator, fake).mean(),
    }

    def penalty(params: PyTree) -> Array:
        def logits(condition: Array, image: Array) -> list[Array]:
            return [verdict.logits for verdict in told(condition, image, params)]

        alpha = jnp.asarray(r["alpha"]).reshape(-1)
        return 10 * gradient_penalty(logits, condition, target, drawn, alpha).mean()

    found["penalty"], gradient = jax.jit(jax.value_and_grad(penalty))(told.params)
    return value_rows(r, found) + gradient_rows(r, told.tensors_of(gradient))


def discriminators(recording: RecordedArrays) -> list[Row]:
    """DLIM's discriminators at two scales: logits, losses and gradients."""
    r, meta = recording, recording.meta
    width, layers = meta["ndf"], meta["n_layers_D"]
    patches = PatchDiscriminator(width, layers, norm="batch", precision=EXACT)
    both = SesameDiscriminator(width, norm="instance", precision=EXACT)
    scales = range(2)
    multiscale = [
        entry
        for scale in scales
        for entry in patch(
            f"multiscale.layer{1 - scale}", ("params", f"scale_{scale}"), layers, "batch"
        )
    ]
    sesames = [
        entry
        for scale in scales
        for entry in sesame(f"sesame.discriminator_{scale}", ("params", f"scale_{scale}"))
    ]
    return [
        *_at_scales(r, "multiscale_", _Told(r, Scales(patches, len(scales)), multiscale)),
        *_at_scales(r, "sesame_", _Told(r, Scales(both, len(scales)), sesames)),
    ]


def _at_scales(recording: RecordedArrays, prefix: str, told: _Told) -> list[Row]:
    r, loss = recording, ADVERSARIAL[MODES[recording.meta["gan_mode"]]]
    condition, target, drawn = (r.image(name) for name in ("real_A", "real_B", "fake_B"))

    def of_generator(image: Array) -> Array:
        return mean_of_scales(loss.generator, told(condition, image)).mean()

    def of_critic(params: PyTree) -> tuple[Array, dict[str, Array]]:
        fake, true = told(condition, drawn, params), told(condition, target, params)
        parts = {
            "loss_D_fake": mean_of_scales(loss.drawn, fake).mean(),
            "loss_D_real": mean_of_scales(loss.true, true).mean(),
        }
        each = {f"fake_{i}": verdict.logits for i, verdict in enumerate(fake)}
        each |= {f"real_{i}": verdict.logits for i, verdict in enumerate(true)}
        return 0.5 * jnp.stack(list(parts.values())).sum(), parts | each

    g_loss, by_image = jax.jit(jax.value_and_grad(of_generator))(drawn)
    gradient, found = jax.jit(jax.grad(of_critic, has_aux=True))(told.params)
    rows = value_rows(r, {f"{prefix}{n}": x for n, x in {**found, "loss_G_GAN": g_loss}.items()})
    name = f"{prefix}grad_fake_B"
    rows.append(compare(name, by_image, r.image(name), "relative", GRADIENTS))
    return rows + gradient_rows(r, told.tensors_of(gradient))


# ---- losses --------------------------------------------------------------------------------------


def adversarial_losses(recording: RecordedArrays) -> list[Row]:
    """Every mode of loss on the logits of one scale and of two, and its gradients."""
    logits = [recording.image(name) for name in recording.under("") if name.startswith("logits_")]
    rows = []
    for theirs, ours in MODES.items():
        loss = ADVERSARIAL[ours]
        forms = {"G": loss.generator, "D_real": loss.true, "D_fake": loss.drawn}
        forms |= {"real": loss.true, "fake": loss.drawn}
        for count in range(1, len(logits) + 1):
            for form, function in forms.items():
                if (name := f"{theirs}_{count}_{form}") in recording:
                    rows += _loss_rows(recording, name, function, logits[:count])
    return rows


def _loss_rows(
    recording: RecordedArrays, name: str, loss: Callable[[Array], Array], logits: list[Array]
) -> list[Row]:
    def mean(logits: list[Array]) -> Array:
        return mean_of_scales(loss, [Verdict(scale, ()) for scale in logits]).mean()

    value, gradients = jax.value_and_grad(mean)(logits)
    each = [
        compare(
            f"{name}_grad_{i}", of_scale, recording.image(f"{name}_grad_{i}"), "relative", GRADIENTS
        )
        for i, of_scale in enumerate(gradients)
    ]
    return [*value_rows(recording, {name: value}), worst(f"{name}: gradients", each)]


def perceptual(recording: RecordedArrays) -> list[Row]:
    """The perceptual loss: its layers' distances, their sum, its gradient, and activations."""
    r, of_layers = recording, recording.meta["weights"]
    weights = {n.removeprefix("vgg19."): as_ours(tensor) for n, tensor in r.state.items()}

    def features(weights: Weights, images: Array) -> tuple[Array, ...]:
        return VGG19.activations(weights, images, tuple(LAYERS), lax.Precision.HIGHEST)

    @jax.jit
    def distances(weights: Weights, x: Array, y: Array) -> tuple[dict[str, Array], Array]:
        def loss(x: Array) -> Array:
            return feature_difference(partial(features, weights), of_layers, x, y).mean()

        value, gradient = jax.value_and_grad(loss)(x)
        of_x, of_y = features(weights, x), features(weights, y)
        pairs = enumerate(zip(of_x, of_y, strict=True))
        found = {f"layer_{i}": absolute_difference(*pair).mean() for i, pair in pairs}
        found |= {f"mean_{i}": of_layer.mean() for i, of_layer in enumerate(of_x)}
        found |= {"loss": value, "loss_G_perceptual": 10 * value, "relu5_1": of_x[-1]}
        return found, gradient

    found, gradient = distances(weights, r.image("x"), r.image("y"))
    found["relu5_1"] = found["relu5_1"][..., : r["relu5_1"].shape[1]]
    rows = value_rows(r, found)
    return [*rows, compare("grad_x", gradient, r.image("grad_x"), "relative", GRADIENTS)]


# ---- shared --------------------------------------------------------------------------------------


class _Told:
    """What a discriminator of recorded weights says, in training.

    Attributes:
        params: Its parameters.
    """

    def __init__(self, r: RecordedArrays, network: nn.Module, tensors: Iterable[Entry]) -> None:
        self._entries = list(tensors)
        self._apply, self._moving = applied(network), variables_of(r.state, self._entries)
        self.params = self._moving.pop("params")

    def __call__(
        self, condition: Array, image: Array, params: PyTree | None = None
    ) -> tuple[Verdict, ...]:
        variables = {"params": self.params if params is None else params, **self._moving}
        verdicts, _ = self._apply(variables, condition, image, OF_BATCH, mutable=MOVING)
        return (verdicts,) if isinstance(verdicts, Verdict) else verdicts

    def tensors_of(self, gradient: PyTree) -> Tensors:
        """A gradient by their names."""
        return tensors_of({"params": gradient}, self._entries)


SYSTEMS: dict[str, Callable[[RecordedArrays], list[Row]]] = {
    "pix2pix": pix2pix,
    "pix2pix: preprocessing, schedule": preprocessing,
    "pix2pix: other discriminators": other_discriminators,
    "DLIM: adversarial losses": adversarial_losses,
    "DLIM: discriminators": discriminators,
    "DLIM: perceptual loss": perceptual,
    "DLIM: stochastic": stochastic,
    "INADE: instance maps, preprocessing": instance_maps,
}
"""By `meta["system"]`."""
