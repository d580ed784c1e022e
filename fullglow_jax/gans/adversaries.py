"""Generator and discriminator as adversaries: the gradient of each one's loss."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from fullglow_jax.gans.discriminators.verdict import Verdict
from fullglow_jax.gans.learner import Learner
from fullglow_jax.gans.objective import Objective, Terms
from fullglow_jax.gans.parts import in_parts, pullback
from fullglow_jax.layers.norms import OF_BATCH, STATISTICS
from fullglow_jax.layers.spectral_norm import SPECTRAL
from fullglow_jax.models.interface import PyTree

MOVING = (STATISTICS, SPECTRAL)
"""Collections that forward passes of training change."""

Pair = tuple[Array, Array]
"""(what the discriminator reads beside an image, the true image), (B, H, W, C) each."""

Verdicts = tuple[Verdict, ...]
"""Of the scales of a discriminator."""


@dataclass(frozen=True)
class Drawing:
    """Images of a batch, and the way back to the generator's parameters.

    Attributes:
        images: (B, H, W, C) in [−1, 1].
        own: The generator's own terms, (B,) each.
        pull: (gradient by images, by own terms) → gradient by the parameters.
    """

    images: Array
    own: Terms
    pull: Callable[[tuple[Array, Terms]], PyTree]


@dataclass(frozen=True)
class Adversaries:
    """The two networks, whose losses pull at each other.

    A generator's images may be drawn once for both: the discriminator learns from them as they are;
    the generator's gradient comes back through the discriminator and then through the same pass.

    Attributes:
        generator: As in `GanModel`.
        discriminator: As in `GanModel`.
        objective: The losses.
        parts: Number of parts in which a batch is computed, one after the other.
        together: Whether the discriminator learns from true and drawn images in one pass, in which
            its norms and spectral vectors take them as one batch; else from one after the other.
    """

    generator: nn.Module
    discriminator: nn.Module | None
    objective: Objective
    parts: int = 1
    together: bool = False

    def draw(self, generator: Learner, reading: PyTree, noise: PyTree) -> tuple[Drawing, Learner]:
        """Images of a batch; the generator's running statistics move."""
        apply: Callable[..., Any] = self.generator.apply

        def drawn(params: PyTree, moving: PyTree, part: PyTree) -> tuple[PyTree, PyTree]:
            given = {"params": params, **moving}, *part, OF_BATCH
            result, moving = apply(*given, mutable=MOVING, method="with_terms")
            return result, moving

        learner, examples = (generator.params, generator.moving), (reading, noise)
        (images, own), pull, moving = pullback(drawn, *learner, examples, self.parts)
        return Drawing(images, own, pull), replace(generator, moving=moving)

    def discriminator_gradient(
        self, critic: Learner, pair: Pair, images: Array, alpha: Array
    ) -> tuple[PyTree, Terms, Learner]:
        """The gradient of the discriminator's loss by its parameters alone.

        `alpha`, (B,), are the places between true and drawn images that a penalty is taken at.
        """

        def terms(params: PyTree, moving: PyTree, part: PyTree) -> tuple[Terms, PyTree]:
            beside, target, drawn, alpha = part
            told, moving = self._told(params, moving, beside, target, drawn)
            judged = self._fixed(params, moving)
            found = self.objective.discriminator(judged, beside, target, told, drawn, alpha)
            return found, moving

        examples = *pair, images, alpha
        found, pull, moving = pullback(terms, critic.params, critic.moving, examples, self.parts)
        return pull(_means(found)), found, replace(critic, moving=moving)

    def generator_gradient(
        self, critic: Learner, pair: Pair, drawing: Drawing
    ) -> tuple[PyTree, Terms, Learner]:
        """The gradient of the generator's loss by its parameters, under a fixed discriminator."""
        count = len(drawing.images)

        def step(moving: PyTree, part: PyTree) -> tuple[PyTree, tuple[Terms, PyTree]]:
            beside, target, drawing = part

            def terms(drawing: tuple[Array, Terms]) -> tuple[Terms, PyTree]:
                drawn, own = drawing
                told: Verdicts = ()
                after = moving
                if self.discriminator:
                    told, after = self.judge(critic.params, moving, beside, drawn)
                judged = self._fixed(critic.params, moving)
                return self.objective.generator(judged, beside, target, told, drawn, own), after

            found, pull, after = jax.vjp(terms, drawing, has_aux=True)
            return after, (found, pull(_means(found, count))[0])

        examples = *pair, (drawing.images, drawing.own)
        moving, (found, gradient) = in_parts(step, critic.moving, examples, self.parts)
        return drawing.pull(gradient), found, replace(critic, moving=moving)

    def judge(
        self, params: PyTree, moving: PyTree, beside: Array, image: Array
    ) -> tuple[Verdicts, PyTree]:
        """The discriminator's verdicts; its running statistics move."""
        assert self.discriminator is not None
        apply: Callable[..., Any] = self.discriminator.apply
        variables = {"params": params, **moving}
        verdicts, moving = apply(variables, beside, image, OF_BATCH, mutable=MOVING)
        return verdicts, moving

    def _told(
        self, params: PyTree, moving: PyTree, beside: Array, target: Array, drawn: Array
    ) -> tuple[tuple[Verdicts, Verdicts], PyTree]:
        """The verdicts on true and on drawn images; the running statistics move."""
        if not self.together:
            false, moving = self.judge(params, moving, beside, drawn)
            true, moving = self.judge(params, moving, beside, target)
            return (true, false), moving
        both, moving = self.judge(
            params, moving, _in_turns(beside, beside), _in_turns(target, drawn)
        )
        true, false = (jax.tree.map(lambda x, n=n: x[n::2], both) for n in range(2))
        return (true, false), moving

    def _fixed(self, params: PyTree, moving: PyTree) -> Callable[[Array, Array], Verdicts]:
        """The discriminator, whose running statistics do not move by what it is asked."""
        return lambda beside, image: self.judge(params, moving, beside, image)[0]


def _in_turns(first: Array, second: Array) -> Array:
    """An example of the one, one of the other, and so on: each device keeps its own."""
    return jnp.stack([first, second], 1).reshape(-1, *first.shape[1:])


def _means(terms: Terms, count: int | None = None) -> Terms:
    """The gradient of the mean over so many examples, or all of these, of the sum of the terms."""
    return {name: jnp.full_like(x, 1 / (count or len(x))) for name, x in terms.items()}
