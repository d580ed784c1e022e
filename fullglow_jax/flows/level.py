"""One level of a flow: squeeze, steps, split."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from fullglow_jax.bijections import squeeze, unsqueeze
from fullglow_jax.flows.architecture import FlowArchitecture
from fullglow_jax.flows.inverting_backward import encode_storing_nothing
from fullglow_jax.flows.priors import Prior
from fullglow_jax.flows.step import Maps, Operation, State, Step, StepParameters
from fullglow_jax.layers.row_tiles import KEPT


class LevelTable(NamedTuple):
    """All that a family decides about a level.

    Attributes:
        operations: The operations of each step, in order.
        priors: The prior of each image's latent, as an unbound module, by the image's name. The
            latents of images before it may be among what it reads.
    """

    operations: tuple[Operation, ...]
    priors: Mapping[str, Prior]


Table = Callable[[Any, int], LevelTable]
"""(the family's architecture, index of a level) → the level's table."""


class LevelEncoding(NamedTuple):
    """One image's output of a level.

    `kept`, (B, H/2, W/2, C), is the next level's input (no channels at the last one); `latent` is
    the level's latent z, and `noise` is ε, of which its prior makes z; `log_prior` and `log_det`
    are (B,).
    """

    kept: Array
    latent: Array
    noise: Array
    log_prior: Array
    log_det: Array


class LevelConditions(NamedTuple):
    """All that decoding an image by a level needs from conditions.

    Attributes:
        steps: The parameters of its operations, stacked over the steps.
        prior: The parameters of its prior.
    """

    steps: StepParameters
    prior: Array | None


class Level(nn.Module):
    """Squeeze → K steps → split, of all images together.

    All steps have the same shapes, so their parameters are stacked and scanned: compilation takes
    as long for 32 steps as for one.

    Attributes:
        architecture: The model's numbers.
        table: The family's tables.
        level: Index of this level, from 0.
    """

    architecture: FlowArchitecture
    table: Table
    level: int

    def setup(self) -> None:
        """Builds the step that is scanned, and the priors."""
        operations, priors = self.table(self.architecture, self.level)
        self.steps = Step(operations)
        self.images = tuple(priors)
        for image, prior in priors.items():
            # A new module for each: Flax shares a module that it has already seen.
            setattr(self, self._prior_name(image), prior.clone(parent=None))

    def encode(self, images: dict[str, Array], maps: Maps) -> dict[str, LevelEncoding]:
        """Encodes images, (B, H, W, C), by this level."""
        zeros = {name: jnp.zeros(image.shape[0], image.dtype) for name, image in images.items()}
        state = State({name: squeeze(image) for name, image in images.items()}, zeros)
        state = self._encode_steps(state, maps)
        encodings: dict[str, LevelEncoding] = {}
        latents: dict[str, Array] = {}
        for name in self.images:
            kept, latent = self._split(name, state.images[name])
            prior = self._prior(name)
            parameters = prior.parameters({**maps, **latents})
            noise, log_prior = prior.standardise(latent, kept, parameters)
            log_det = state.log_dets[name]
            encodings[name] = LevelEncoding(kept, latent, noise, log_prior, log_det)
            latents[name] = latent
        return encodings

    def read_conditions(
        self, images: dict[str, Array], maps: Maps, drawn: str
    ) -> tuple[dict[str, Array], LevelConditions]:
        """The kept parts of the other images, and all that decoding `drawn` needs."""
        read = self._scan(self._forgetting(partial(Step.read_conditions, drawn=drawn)))
        squeezed = {name: squeeze(image) for name, image in images.items()}
        images, parameters = read(self.steps, squeezed, maps)
        split = {name: self._split(name, image) for name, image in images.items()}
        latents = {name: latent for name, (_, latent) in split.items()}
        prior = self._prior(drawn).parameters({**maps, **latents})
        return {name: kept for name, (kept, _) in split.items()}, LevelConditions(parameters, prior)

    def decode(
        self,
        name: str,
        kept: Array,
        latent: Array,
        conditions: LevelConditions | None,
        from_noise: bool,
    ) -> Array:
        """One image from its kept part and its latent, or from noise for the latent."""
        steps, prior = conditions or (None, None)
        z = self._prior(name).latent(latent, kept, prior) if from_noise else latent
        decode = self._scan(
            self._forgetting(partial(Step.decode, name=name)),
            reverse=True,
            in_axes=nn.broadcast if steps is None else 0,
        )
        image, _ = decode(self.steps, jnp.concatenate([kept, z], axis=-1), steps)
        return unsqueeze(image)

    def _encode_steps(self, state: State, maps: Maps) -> State:
        """The state through all steps, in the architecture's memory mode."""
        if self.architecture.memory_mode == "invert" and not self.is_initializing():
            step = self.steps.clone(parent=None)
            return encode_storing_nothing(step, self.steps.variables, state, maps)
        encoded: State = self._scan(self._forgetting(Step.encode))(self.steps, state, maps)[0]
        return encoded

    def _forgetting(self, body: Callable[..., Any]) -> Callable[..., Any]:
        """`body`, of which gradients compute most again; as it is, if the mode is "store"."""
        if self.architecture.memory_mode == "store":
            return body
        return nn.remat(
            body,
            # It is for code that XLA could merge with its recomputation; in a scan it cannot.
            prevent_cse=False,
            policy=jax.checkpoint_policies.save_only_these_names(KEPT),
        )

    def _scan(self, body: Callable[..., Any], **options: Any) -> Callable[..., Any]:
        """A function that calls `body` with one step after the other."""
        return nn.scan(
            body,
            variable_axes={"params": 0, "constants": 0},
            split_rngs={"params": True},
            length=self.architecture.steps[self.level],
            check_constancy_invariants=False,  # it would trace the step once more
            **{"in_axes": nn.broadcast, **options},
        )

    def _split(self, name: str, image: Array) -> tuple[Array, Array]:
        """(kept, latent): halves of the channels; the last level keeps none."""
        kept = image.shape[-1] - self._prior(name).channels
        return image[..., :kept], image[..., kept:]

    def _prior(self, image: str) -> Prior:
        prior: Prior = getattr(self, self._prior_name(image))
        return prior

    def _prior_name(self, image: str) -> str:
        return f"{image}_prior" if len(self.images) > 1 else "prior"
