"""Comparisons with recorded steps of training of INADE."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array, lax

from fullglow_jax.gans.inade_architecture import InadeArchitecture
from fullglow_jax.gans.instance_model import InstanceGan
from fullglow_jax.gans.learner import GENERATOR, Optimizers, learners
from fullglow_jax.gans.model import Turns
from fullglow_jax.gans.noise import StyleNoise
from fullglow_jax.gans.objective import Objective, total
from fullglow_jax.gans.perceptual import LAYERS
from fullglow_jax.interop.gan_rows import EXACT, STEPS, VALUES, gradient_rows, value_rows
from fullglow_jax.interop.inade_files import entries
from fullglow_jax.interop.recording import RecordedArrays
from fullglow_jax.interop.row import Row, compare, compare_values, worst
from fullglow_jax.interop.tensors import CRITIC, Tensors, tensors_of, variables_of
from fullglow_jax.models.batch import Batch
from fullglow_jax.models.interface import PyTree, StepReport, TrainState
from fullglow_jax.palette import numbered_colours
from fullglow_jax.perception.vgg import VGG19
from fullglow_jax.perception.weights import as_ours

VGG = "vgg19."

OURS = {"GAN": "adversarial", "GAN_Feat": "matching", "VGG": "perceptual", "KLD": "kl"}
"""Names of the generator's terms here, by theirs."""

Found = dict[str, Array]
"""Our values, by the names of recorded ones."""


def batch_of(recording: RecordedArrays) -> Batch:
    """The recorded batch, whose label ids are painted in the colours of numbers."""
    label, instance = (recording[name][:, 0].astype(np.int32) for name in ("label", "instance"))
    photo = (recording.image("real_image") + 1) / 2
    return Batch(numbered_colours()[label], photo, instances=jnp.asarray(instance))


def noise_of(recording: RecordedArrays, prefix: str, ids: Array) -> StyleNoise:
    """Recorded noise, whose styles are of ids from 0 on, for the instances of a batch."""
    z, styles = (jnp.asarray(recording[f"{prefix}{name}"]) for name in ("z", "noise"))
    places = jnp.minimum(ids, styles.shape[1] - 1)[:, :, jnp.newaxis, jnp.newaxis]
    return StyleNoise(z, jnp.take_along_axis(styles, places, axis=1))


def step_rows(recording: RecordedArrays) -> list[Row]:
    """Losses and gradients of a step, what it moves, and the losses of some steps in a row."""
    r, steps = recording, _Steps(recording)
    losses, gradients, after = steps.gradients()
    moved = [
        compare_values(name, after[name], value, VALUES)
        for name, value in r.under("after::").items()
    ]
    return [
        *value_rows(r, losses),
        worst("running statistics and spectral vectors", moved),
        *gradient_rows(r, gradients),
        *(_step_row(r, name, value) for name, value in steps.in_a_row().items()),
    ]


def _step_row(recording: RecordedArrays, name: str, ours: Array) -> Row:
    recorded = recording[name]
    of_logits = name.endswith(("_GAN", "_D_Fake", "_D_real"))
    if of_logits and not name.startswith("step0_"):
        # While no logit of a scale is beyond the hinge, the gradient of its logits' bias is 0 but
        # for rounding, and Adam may move it by a whole step: so far may all logits be off.
        rate = recording.meta["lr"] * (1 if recording.meta["no_TTUR"] else 2)
        return compare(name, ours, recorded, "absolute", rate)
    return compare_values(name, ours, recorded, STEPS)


class _Steps:
    """The recorded model in training."""

    def __init__(self, recording: RecordedArrays) -> None:
        self._recording, self._architecture = recording, _architecture(recording)
        self._tensors, self._batch = [*entries(self._architecture)], batch_of(recording)
        variables = variables_of(recording.state, self._tensors)
        critic = variables.pop(CRITIC)
        generator = {collection: tree[GENERATOR] for collection, tree in variables.items()}
        self._state = self._model({}, ()).first_state(generator, critic)
        self._vgg = {
            name.removeprefix(VGG): as_ours(tensor)
            for name, tensor in recording.state.items()
            if name.startswith(VGG)
        }

    def gradients(self) -> tuple[Found, Tensors, Tensors]:
        """Losses of one step of each network from the first weights; gradients; what has moved."""

        @jax.jit
        def both_halves(
            state: TrainState, batch: Batch, vgg: PyTree
        ) -> tuple[Found, PyTree, PyTree]:
            model = self._model(vgg, ())
            both, (generator, critic) = model.adversaries, learners(state)
            scene = model.reading.training(batch)
            pair = model.reading.discriminator(batch), 2 * batch.target - 1

            drawing, moved = both.draw(generator, scene, self._noise("G_", scene))
            of_generator, terms, told = both.generator_gradient(critic, pair, drawing)
            redrawn, _ = both.draw(generator, scene, self._noise("D_", scene))
            alpha = jnp.zeros(len(batch.target))  # for a penalty that is not there
            found = both.discriminator_gradient(critic, pair, redrawn.images, alpha)
            of_critic, verdicts, _ = found

            losses = {"G_fake": drawing.images, "loss_G": total(terms).mean()}
            losses |= {f"loss_{theirs}": x for theirs, x in _theirs(terms, verdicts).items()}
            return losses, (of_generator, of_critic), (moved.moving, told.moving)

        losses, gradients, moved = both_halves(self._state, self._batch, self._vgg)
        of_generator, of_critic = gradients
        named = {"params": {GENERATOR: of_generator}, CRITIC: {"params": of_critic}}
        after = {name: {GENERATOR: tree} for name, tree in moved[0].items()} | {CRITIC: moved[1]}
        return losses, tensors_of(named, self._tensors), tensors_of(after, self._tensors)

    def in_a_row(self) -> Found:
        """The losses that steps in a row report, each with noise of its own."""

        @jax.jit
        def step(
            state: TrainState, batch: Batch, vgg: PyTree, noises: Sequence[StyleNoise]
        ) -> tuple[TrainState, StepReport]:
            return self._model(vgg, noises).train_step(state, batch, jax.random.key(0))

        scene, state = self._scene(), self._state
        found: Found = {}
        for number in range(self._recording.meta["steps"]):
            noises = [self._noise(f"step{number}_{turn}_", scene) for turn in "GD"]
            state, report = step(state, self._batch, self._vgg, noises)
            told = report.scalars
            of_generator = {name: told[f"generator/{name}"] for name in OURS.values()}
            of_critic = {name: told[f"discriminator/{name}"] for name in ("true", "drawn")}
            theirs = _theirs(of_generator, of_critic)
            found |= {f"step{number}_{name}": x for name, x in theirs.items()}
        return found

    def _scene(self) -> Any:
        return jax.jit(self._model({}, ()).reading.training)(self._batch)

    def _noise(self, prefix: str, scene: Any) -> StyleNoise:
        return noise_of(self._recording, prefix, scene.ids)

    def _model(self, vgg: PyTree, noises: Sequence[StyleNoise]) -> InstanceGan:
        """The model, whose noises in a step are these, in their order."""
        a, meta, left = self._architecture, self._recording.meta, iter(noises)
        adam = partial(optax.adam, b1=meta["beta1"], b2=meta["beta2"])
        factors = (1.0, 1.0) if meta["no_TTUR"] else (0.5, 2.0)
        return InstanceGan(
            a.generator,
            a.discriminator_network,
            a,
            label_maps=a.label_maps,
            image_noise=a.image_noise,
            encoder=a.encoder,
            noise=lambda keys, temperature, read: next(left),
            objective=Objective(
                adversarial=meta["gan_mode"],  # its name is ours
                share=1.0,
                pixels=0.0,
                matching=meta["lambda_feat"],
                matching_layers=a.matching_layers,
                perceptual=meta["lambda_vgg"],
                features=lambda images: VGG19.activations(
                    vgg, images, tuple(LAYERS), lax.Precision.HIGHEST
                ),
                layers=a.perceptual_layers,
                own={"kl": meta["lambda_kld"] / 2 * meta["batch"]},
            ),
            optimizers=Optimizers(*(adam(factor * meta["lr"]) for factor in factors)),
            turns=Turns(discriminator_first=False, redraw=True),
            together=True,
        )


def _architecture(recording: RecordedArrays) -> InadeArchitecture:
    r, meta = recording, recording.meta
    return InadeArchitecture(
        tuple(meta["image_size"]),
        batch=meta["batch"],
        palette="numbers",
        classes=meta["label_nc"],
        unknown=meta["contain_dontcare_label"],
        instances=r["G_noise"].shape[1],
        depth=meta["num_upsampling_layers"],
        width=meta["ngf"],
        image_noise=meta["z_dim"],
        style=meta["noise_nc"],
        encoder=meta["use_vae"],
        encoder_width=len(r.state["IE.layer1.bias"]),
        discriminator_width=meta["ndf"],
        discriminator_layers=meta["n_layers_D"] - 1,
        scales=meta["num_D"],
        perceptual_file="the recorded values",
        precision=EXACT,
    )


def _theirs(of_generator: Found, of_critic: Found) -> Found:
    """Means of terms by their names."""
    found = {name: of_generator[each].mean() for name, each in OURS.items()}
    return found | {"D_Fake": of_critic["drawn"].mean(), "D_real": of_critic["true"].mean()}
