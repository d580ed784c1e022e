"""A generator that learns against a discriminator, as a model of targets given conditions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from jax import Array

from fullglow_jax.gans.adversaries import Adversaries
from fullglow_jax.gans.learner import (
    DISCRIMINATOR,
    GENERATOR,
    Optimizers,
    first_state,
    generator_of,
    learners,
    next_state,
)
from fullglow_jax.gans.objective import Objective, Terms, total
from fullglow_jax.gans.perceptual import PerceptualNetwork
from fullglow_jax.gans.reading import OF_CONDITIONS, Reading, signed
from fullglow_jax.layers.norms import OF_IMAGE, RUNNING
from fullglow_jax.models.batch import Batch
from fullglow_jax.models.interface import PyTree, ReadJudge, StepReport, TrainState
from fullglow_jax.models.shapes import Shapes

Noise = Callable[[Array, Array | float, PyTree], PyTree]
"""(keys, temperature, what the generator reads, or what its draws share) → the generator's noise,
of each example under its own key."""


@dataclass(frozen=True)
class Turns:
    """The order of a training step.

    Attributes:
        discriminator_first: Whether the discriminator moves before the generator.
        redraw: Whether the second to move gets images that are drawn anew, with other noise; else
            both get the same.
    """

    discriminator_first: bool = True
    redraw: bool = False


class GanModel:
    """A conditional GAN with an optimiser for each of its two networks.

    Images enter and leave the networks in [−1, 1]. In training, norms take the statistics of the
    whole batch, on however many devices it is; afterwards those of each image, so that what a key
    gives does not depend on its batch, or the running ones.

    A generator has methods `shared`, for what all draws of a condition have in common, `drawn`, for
    an image from that and from noise, and `with_terms`, for an image and those terms of the loss
    which are the generator's own.

    Args:
        generator: The generator, for example a `UNet`.
        discriminator: `Scales` of a discriminator; None for a generator that learns alone.
        shapes: Shapes of the model's images.
        noise: Draws the generator's noise.
        objective: The losses.
        optimizers: The optimisers.
        reading: What the networks read.
        turns: The order of a step.
        parts: Number of parts in which a batch is computed, one after the other.
        together: Whether the discriminator learns from true and drawn images in one pass.
        running_statistics: Whether sampling takes batch norms' running statistics instead.
        teacher: The pretrained network that the objective asks, if it asks one.
    """

    reads_conditions = True

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module | None,
        shapes: Shapes,
        *,
        noise: Noise,
        objective: Objective,
        optimizers: Optimizers,
        reading: Reading = OF_CONDITIONS,
        turns: Turns = Turns(),
        parts: int = 1,
        together: bool = False,
        running_statistics: bool = False,
        teacher: PerceptualNetwork | None = None,
    ) -> None:
        self.generator, self.discriminator, self.shapes = generator, discriminator, shapes
        self.noise, self.optimizers = noise, optimizers
        self.reading, self.turns, self.teacher = reading, turns, teacher
        self.adversaries = Adversaries(generator, discriminator, objective, parts, together)
        self.statistics = RUNNING if running_statistics else OF_IMAGE
        self._generate: Callable[..., Any] = generator.apply

    # ---- the interface ---------------------------------------------------------------------------

    def init(self, key: Array, batch: Batch) -> TrainState:
        """Initialises both networks at random; only the batch's shape is read."""
        blank = jax.tree.map(lambda x: jnp.zeros((1, *x.shape[1:]), x.dtype), batch)
        keys = jax.random.split(key)
        reading, beside = self.reading.training(blank), self.reading.discriminator(blank)
        noise = self.noise(keys[:1], 1.0, reading)
        given = keys[0], reading, noise, OF_IMAGE
        generator = self.generator.init(*given, method="with_terms")
        critic: PyTree = ()
        if self.discriminator:
            critic = self.discriminator.init(keys[1], beside, signed(blank.target))
        return self.first_state(dict(generator), critic)

    def first_state(self, generator: PyTree, critic: PyTree) -> TrainState:
        """The state before training, from the variables of both networks; () for none."""
        return first_state(generator, critic, self.optimizers)

    def read_conditions(self, variables: PyTree, batch: Batch) -> PyTree:
        """What all images under the conditions share: the generator up to its first noise."""
        given = self.reading.drawing(batch), self.statistics
        return self._generate(generator_of(variables), *given, method="shared")

    def sample(
        self, variables: PyTree, conditions: PyTree, keys: Array, temperature: Array
    ) -> Array:
        """Images drawn with the noise of each key."""
        shared = repeated(conditions, len(keys))
        return self._drawn(variables, shared, self.noise(keys, temperature, shared))

    def train_step(
        self, state: TrainState, batch: Batch, key: Array
    ) -> tuple[TrainState, StepReport]:
        """One step of each network's optimiser, in turn."""
        reading = self.reading.training(batch)
        pair = self.reading.discriminator(batch), signed(batch.target)
        keys = jax.random.split(jax.random.fold_in(key, state.step), len(batch.target))
        noise_keys, other_keys, alpha_keys = jnp.moveaxis(
            jax.vmap(lambda key: jax.random.split(key, 3))(keys), 1, 0
        )
        alpha = jax.vmap(jax.random.uniform)(alpha_keys)
        both, (generator, critic) = self.adversaries, learners(state)

        def noise(keys: Array) -> PyTree:
            return self.noise(keys, 1.0, reading)

        drawing, generator = both.draw(generator, reading, noise(noise_keys))
        terms: dict[str, Terms] = {}
        norms: dict[str, Array] = {}
        for number, name in enumerate(self._order):
            if number and self.turns.redraw:
                drawing, generator = both.draw(generator, reading, noise(other_keys))
            if name == GENERATOR:
                gradient, terms[name], critic = both.generator_gradient(critic, pair, drawing)
                generator = generator.moved(self.optimizers.generator, gradient)
            else:
                found = both.discriminator_gradient(critic, pair, drawing.images, alpha)
                gradient, terms[name], critic = found
                critic = critic.moved(self.optimizers.discriminator, gradient)
            norms[name] = optax.global_norm(gradient)
        return next_state(state, generator, critic), _report(terms, norms)

    def read_teachers(self, judge: ReadJudge) -> Sequence[str]:
        """Reads the network of the perceptual loss, if there is one."""
        return () if self.teacher is None else (f"perceptual loss: {self.teacher.read(judge)}",)

    # ---- inside ----------------------------------------------------------------------------------

    @property
    def _order(self) -> tuple[str, ...]:
        if not self.discriminator:
            return (GENERATOR,)
        order = (DISCRIMINATOR, GENERATOR)
        return order if self.turns.discriminator_first else order[::-1]

    def _drawn(self, variables: PyTree, shared: PyTree, noise: PyTree) -> Array:
        """Images in [0, 1] of as many examples as share something and have noise."""
        given = generator_of(variables), shared, noise, self.statistics
        images: Array = self._generate(*given, method="drawn")
        return (images + 1) / 2


def repeated(conditions: PyTree, count: int) -> PyTree:
    """What is shared under B conditions, in a row for each of their images, `count` in all."""
    each = count // len(jax.tree.leaves(conditions)[0])
    return jax.tree.map(lambda x: jnp.repeat(x, each, axis=0), conditions)


def _report(terms: dict[str, Terms], norms: dict[str, Array]) -> StepReport:
    """The report of a step, from terms and norms of gradients in the order of movement.

    An example is told of by the losses up to the first gradient that is not finite: what it moved
    makes the losses of all examples so.
    """
    losses = {name: total(found) for name, found in terms.items()}
    scalars = {f"loss/{name}": loss.mean() for name, loss in losses.items()}
    finite, sound = jnp.array(True), jnp.array(True)
    for name, found in terms.items():
        scalars |= {f"{name}/{term}": values.mean() for term, values in found.items()}
        scalars[f"gradient_norm/{name}"] = norms[name]
        finite = finite & (jnp.isfinite(losses[name]) | ~sound)
        sound = sound & jnp.isfinite(norms[name])
    return StepReport(scalars, finite)
