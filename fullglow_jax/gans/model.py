"""A generator that learns against a discriminator, as a model of targets given conditions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from jax import Array

from fullglow_jax.gans.discriminators.verdict import Verdict
from fullglow_jax.gans.objective import Objective, Terms, total
from fullglow_jax.gans.parts import in_parts, pullback
from fullglow_jax.gans.perceptual import PerceptualNetwork
from fullglow_jax.layers.norms import OF_BATCH, OF_IMAGE, RUNNING, STATISTICS
from fullglow_jax.layers.spectral_norm import SPECTRAL
from fullglow_jax.models.batch import ArrayLike, Batch
from fullglow_jax.models.interface import PyTree, ReadJudge, StepReport, TrainState
from fullglow_jax.models.shapes import Shapes

GENERATOR, DISCRIMINATOR = "generator", "discriminator"

MOVING = (STATISTICS, SPECTRAL)
"""Collections that forward passes of training change."""

Noise = Callable[[Array, Array | float], PyTree]
"""(keys, temperature) → a generator's noise, of each example under its own key."""


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


@dataclass(frozen=True)
class Learner:
    """A network in training.

    Attributes:
        params: Its parameters.
        moving: Its collections that forward passes change.
        optimizer: Its optimiser's state.
    """

    params: PyTree
    moving: PyTree
    optimizer: PyTree

    @property
    def variables(self) -> PyTree:
        """All of its variables."""
        return {"params": self.params, **self.moving}


@dataclass(frozen=True)
class Drawing:
    """Images of a batch, and the generator's pullback: gradient by images → by its parameters."""

    images: Array
    pull: Callable[[Array], PyTree]


class GanModel:
    """A conditional GAN with an optimiser for each of its two networks.

    Images enter and leave the networks in [−1, 1]. In training, norms take the statistics of the
    whole batch, on however many devices it is; afterwards those of each image, so that what a key
    gives does not depend on its batch.

    A step draws a batch's images once, with one forward pass, unless it redraws. The discriminator
    learns from them as they are; the generator's gradient comes back through the discriminator and
    then through that same pass.

    Args:
        generator: The generator, for example a `UNet`.
        discriminator: `Scales` of a discriminator; None for a generator that learns alone.
        shapes: Shapes of the model's images.
        noise: Draws the generator's noise.
        objective: The losses.
        turns: The order of a step.
        optimizer: The optimiser of either network, each with a state of its own.
        parts: Number of parts in which a batch is computed, one after the other.
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
        optimizer: optax.GradientTransformation,
        turns: Turns = Turns(),
        parts: int = 1,
        running_statistics: bool = False,
        teacher: PerceptualNetwork | None = None,
    ) -> None:
        self.generator, self.discriminator, self.shapes = generator, discriminator, shapes
        self.noise, self.objective, self.optimizer = noise, objective, optimizer
        self.turns, self.parts, self.teacher = turns, parts, teacher
        self.statistics = RUNNING if running_statistics else OF_IMAGE
        self._generate: Callable[..., Any] = generator.apply

    # ---- the interface ---------------------------------------------------------------------------

    def init(self, key: Array, batch: Batch) -> TrainState:
        """Initialises both networks at random; only the batch's shape is read."""
        image = jnp.zeros((1, *batch.condition.shape[1:]))
        keys = jax.random.split(key)
        generator = self.generator.init(keys[0], image, self.noise(keys[:1], 1.0))
        critic = self.discriminator.init(keys[1], image, image) if self.discriminator else ()
        return self.first_state(dict(generator), critic)

    def first_state(self, generator: PyTree, critic: PyTree) -> TrainState:
        """The state before training, from the variables of both networks; () for none."""
        variables = {collection: {GENERATOR: tree} for collection, tree in generator.items()}
        optimizer = {GENERATOR: self.optimizer.init(generator["params"])}
        if critic:
            optimizer[DISCRIMINATOR] = self.optimizer.init(critic["params"])
        return TrainState(jnp.zeros((), jnp.int32), variables, optimizer, critic=critic)

    def read_conditions(self, variables: PyTree, batch: Batch) -> PyTree:
        """What all images under the conditions share: the generator up to its first noise."""
        condition = _signed(batch.condition)
        return self._generate(_own(variables), condition, self.statistics, method="shared")

    def sample(
        self, variables: PyTree, conditions: PyTree, keys: Array, temperature: Array
    ) -> Array:
        """Images drawn with the noise of each key."""
        each = len(keys) // len(jax.tree.leaves(conditions)[0])
        shared = jax.tree.map(lambda x: jnp.repeat(x, each, axis=0), conditions)
        given = shared, self.noise(keys, temperature), self.statistics
        images: Array = self._generate(_own(variables), *given, method="drawn")
        return (images + 1) / 2

    def train_step(
        self, state: TrainState, batch: Batch, key: Array
    ) -> tuple[TrainState, StepReport]:
        """One step of each network's optimiser, in turn."""
        pair = _signed(batch.condition), _signed(batch.target)
        keys = jax.random.split(jax.random.fold_in(key, state.step), len(batch.target))
        noise_keys, other_keys, alpha_keys = jnp.moveaxis(
            jax.vmap(lambda key: jax.random.split(key, 3))(keys), 1, 0
        )
        alpha = jax.vmap(jax.random.uniform)(alpha_keys)
        generator, critic = learners(state)
        drawing, generator = self.draw(generator, pair[0], self.noise(noise_keys, 1.0))
        terms: dict[str, Terms] = {}
        norms: dict[str, Array] = {}
        for number, name in enumerate(self._order):
            if number and self.turns.redraw:
                drawing, generator = self.draw(generator, pair[0], self.noise(other_keys, 1.0))
            if name == GENERATOR:
                found = self.generator_gradient(critic, pair, drawing)
                gradient, terms[name], critic = found
                generator = self._moved(generator, gradient)
            else:
                found = self.discriminator_gradient(critic, pair, drawing.images, alpha)
                gradient, terms[name], critic = found
                critic = self._moved(critic, gradient)
            norms[name] = optax.global_norm(gradient)
        return _next_state(state, generator, critic), _report(terms, norms)

    def read_teachers(self, judge: ReadJudge) -> Sequence[str]:
        """Reads the network of the perceptual loss, if there is one."""
        return () if self.teacher is None else (f"perceptual loss: {self.teacher.read(judge)}",)

    # ---- the step --------------------------------------------------------------------------------

    @property
    def _order(self) -> tuple[str, ...]:
        if not self.discriminator:
            return (GENERATOR,)
        order = (DISCRIMINATOR, GENERATOR)
        return order if self.turns.discriminator_first else order[::-1]

    def _moved(self, learner: Learner, gradient: PyTree) -> Learner:
        updates, optimizer = self.optimizer.update(gradient, learner.optimizer, learner.params)
        return replace(
            learner, params=optax.apply_updates(learner.params, updates), optimizer=optimizer
        )

    def draw(self, generator: Learner, condition: Array, noise: PyTree) -> tuple[Drawing, Learner]:
        """Images of a batch; the generator's running statistics move."""

        def drawn(params: PyTree, moving: PyTree, part: PyTree) -> tuple[Array, PyTree]:
            variables = {"params": params, **moving}
            images, moving = self._generate(variables, *part, OF_BATCH, mutable=MOVING)
            return images, moving

        learner, examples = (generator.params, generator.moving), (condition, noise)
        images, pull, moving = pullback(drawn, *learner, examples, self.parts)
        return Drawing(images, pull), replace(generator, moving=moving)

    def discriminator_gradient(
        self, critic: Learner, pair: tuple[Array, Array], images: Array, alpha: Array
    ) -> tuple[PyTree, Terms, Learner]:
        """The gradient of the discriminator's loss by its parameters alone."""

        def terms(params: PyTree, moving: PyTree, part: PyTree) -> tuple[Terms, PyTree]:
            condition, target, drawn, alpha = part
            false, moving = self.judge(params, moving, condition, drawn)
            true, moving = self.judge(params, moving, condition, target)
            judged = self._fixed(params, moving)
            told = true, false
            found = self.objective.discriminator(judged, condition, target, told, drawn, alpha)
            return found, moving

        examples = *pair, images, alpha
        found, pull, moving = pullback(terms, critic.params, critic.moving, examples, self.parts)
        return pull(_means(found)), found, replace(critic, moving=moving)

    def generator_gradient(
        self, critic: Learner, pair: tuple[Array, Array], drawing: Drawing
    ) -> tuple[PyTree, Terms, Learner]:
        """The gradient of the generator's loss by its parameters, under a fixed discriminator."""
        count = len(drawing.images)

        def step(moving: PyTree, part: PyTree) -> tuple[PyTree, tuple[Terms, Array]]:
            condition, target, drawn = part

            def terms(drawn: Array) -> tuple[Terms, PyTree]:
                told: tuple[Verdict, ...] = ()
                after = moving
                if self.discriminator:
                    told, after = self.judge(critic.params, moving, condition, drawn)
                judged = self._fixed(critic.params, moving)
                return self.objective.generator(judged, condition, target, told, drawn), after

            found, pull, after = jax.vjp(terms, drawn, has_aux=True)
            return after, (found, pull(_means(found, count))[0])

        examples = *pair, drawing.images
        moving, (found, gradient) = in_parts(step, critic.moving, examples, self.parts)
        return drawing.pull(gradient), found, replace(critic, moving=moving)

    def judge(
        self, params: PyTree, moving: PyTree, condition: Array, image: Array
    ) -> tuple[tuple[Verdict, ...], PyTree]:
        """The discriminator's verdicts; its running statistics move."""
        assert self.discriminator is not None
        apply: Callable[..., Any] = self.discriminator.apply
        variables = {"params": params, **moving}
        verdicts, moving = apply(variables, condition, image, OF_BATCH, mutable=MOVING)
        return verdicts, moving

    def _fixed(
        self, params: PyTree, moving: PyTree
    ) -> Callable[[Array, Array], tuple[Verdict, ...]]:
        """The discriminator, whose running statistics do not move by what it is asked."""
        return lambda condition, image: self.judge(params, moving, condition, image)[0]


def _signed(images: ArrayLike) -> Array:
    """Images of the interface, uint8 or in [0, 1], in [−1, 1]."""
    images = jnp.asarray(images)
    return images / 127.5 - 1 if images.dtype == jnp.uint8 else 2 * images - 1


def _means(terms: Terms, count: int | None = None) -> Terms:
    """The gradient of the mean over so many examples, or all of these, of the sum of the terms."""
    return {name: jnp.full_like(x, 1 / (count or len(x))) for name, x in terms.items()}


def _own(variables: PyTree) -> PyTree:
    """The generator's variables, of the model's."""
    return {collection: tree[GENERATOR] for collection, tree in variables.items()}


def learners(state: TrainState) -> tuple[Learner, Learner]:
    """The generator and the discriminator of a state; the second is empty if there is none."""
    critic = state.critic or {"params": ()}
    return (
        _learner(_own(state.variables), state.optimizer[GENERATOR]),
        _learner(critic, state.optimizer.get(DISCRIMINATOR, ())),
    )


def _learner(variables: PyTree, optimizer: PyTree) -> Learner:
    moving = {name: tree for name, tree in variables.items() if name != "params"}
    return Learner(variables["params"], moving, optimizer)


def _next_state(state: TrainState, generator: Learner, critic: Learner) -> TrainState:
    variables = {"params": generator.params, **generator.moving}
    optimizer = {GENERATOR: generator.optimizer}
    rival: PyTree = ()
    if state.critic:
        rival = {"params": critic.params, **critic.moving}
        optimizer[DISCRIMINATOR] = critic.optimizer
    return replace(
        state,
        step=state.step + 1,
        variables={collection: {GENERATOR: tree} for collection, tree in variables.items()},
        optimizer=optimizer,
        critic=rival,
    )


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
