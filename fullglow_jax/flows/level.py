"""One level of a flow: squeeze, steps, split."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from fullglow_jax.bijections import squeeze, unsqueeze
from fullglow_jax.flows.architecture import Architecture
from fullglow_jax.flows.inverting_backward import encode_storing_nothing
from fullglow_jax.flows.priors import GaussianPrior
from fullglow_jax.flows.step import Maps, Operation, State, Step, StepParameters
from fullglow_jax.layers.row_tiles import KEPT

Table = Callable[[Architecture, int], tuple[Operation, ...]]
"""(architecture, channels at a level) → the operations of a step."""


class LevelEncoding(NamedTuple):
    """One image's output of a level.

    `kept`, (B, H/2, W/2, C), is the next level's input (no channels at the last one); `latent` is
    the level's latent; `log_prior` and `log_det` are (B,).
    """

    kept: Array
    latent: Array
    log_prior: Array
    log_det: Array


class Level(nn.Module):
    """Squeeze → K steps → split, of all images together.

    All steps have the same shapes, so their parameters are stacked and scanned: compilation takes
    as long for 32 steps as for one.

    Attributes:
        architecture: The model's numbers.
        table: The operations of a step.
        images: Names of the images.
        level: Index of this level, from 0.
    """

    architecture: Architecture
    table: Table
    images: tuple[str, ...]
    level: int

    def setup(self) -> None:
        """Builds the step that is scanned, and the priors."""
        a = self.architecture
        self.steps = Step(self.table(a, a.level_channels[self.level]))
        for image in self.images:
            prior = GaussianPrior(a.latent_shapes[self.level][-1], a.compute)
            setattr(self, self._prior_name(image), prior)

    def encode(self, images: dict[str, Array], maps: Maps) -> dict[str, LevelEncoding]:
        """Encodes images, (B, H, W, C), by this level."""
        zeros = {name: jnp.zeros(image.shape[0], image.dtype) for name, image in images.items()}
        state = State({name: squeeze(image) for name, image in images.items()}, zeros)
        state = self._encode_steps(state, maps)
        encodings = {}
        for name, image in state.images.items():
            kept, latent = self._split(name, image)
            log_prior = self._prior(name).log_density(latent, kept)
            encodings[name] = LevelEncoding(kept, latent, log_prior, state.log_dets[name])
        return encodings

    def read_conditions(
        self, images: dict[str, Array], maps: Maps, drawn: str
    ) -> tuple[dict[str, Array], StepParameters]:
        """The kept parts of the other images, and `drawn`'s parameters, stacked over the steps."""
        read = self._scan(partial(Step.read_conditions, drawn=drawn))
        squeezed = {name: squeeze(image) for name, image in images.items()}
        images, parameters = read(self.steps, squeezed, maps)
        return {name: self._split(name, image)[0] for name, image in images.items()}, parameters

    def decode(
        self,
        name: str,
        kept: Array,
        latent: Array,
        parameters: StepParameters | None,
        from_noise: bool,
    ) -> Array:
        """One image from its kept part and its latent, or from noise for the latent."""
        z = self._prior(name).latent(latent, kept) if from_noise else latent
        decode = self._scan(
            partial(Step.decode, name=name),
            reverse=True,
            in_axes=nn.broadcast if parameters is None else 0,
        )
        image, _ = decode(self.steps, jnp.concatenate([kept, z], axis=-1), parameters)
        return unsqueeze(image)

    def _encode_steps(self, state: State, maps: Maps) -> State:
        """The state through all steps, in the architecture's memory mode."""
        mode = self.architecture.memory_mode
        if mode == "invert" and not self.is_initializing():
            step = self.steps.clone(parent=None)
            return encode_storing_nothing(step, self.steps.variables, state, maps)
        body: Callable[..., Any] = Step.encode
        if mode == "remat":
            body = nn.remat(
                body,
                # It is for code that XLA could merge with its recomputation; in a scan it cannot.
                prevent_cse=False,
                policy=jax.checkpoint_policies.save_only_these_names(KEPT),
            )
        encoded: State = self._scan(body)(self.steps, state, maps)[0]
        return encoded

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

    def _prior(self, image: str) -> GaussianPrior:
        prior: GaussianPrior = getattr(self, self._prior_name(image))
        return prior

    def _prior_name(self, image: str) -> str:
        return f"{image}_prior" if len(self.images) > 1 else "prior"
