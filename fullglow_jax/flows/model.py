"""Models of flows: objective, sampling and scores."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array

from fullglow_jax.flows.flow import Conditions, Flow, LevelMaps
from fullglow_jax.flows.likelihood import (
    bits_per_dim,
    dequantise,
    from_centred,
    quantise,
    to_centred,
    to_unit_interval,
)
from fullglow_jax.flows.step_tables import boundary_maps, label_maps, whole_condition
from fullglow_jax.models.batch import ArrayLike, Batch
from fullglow_jax.models.encoding import Encoding, Images
from fullglow_jax.models.interface import PyTree, TrainState
from fullglow_jax.models.mean_gradient import MeanGradient, mean_gradient
from fullglow_jax.models.objective_model import ObjectiveModel


class FlowModel(ObjectiveModel):
    """A normalising flow of a batch's targets, trained on its bits per dimension.

    With classes (`architecture.classes`), it is a density for each class.

    Attributes:
        flow: The flow; its last image is the batch's target.
        bits: Bits per channel of the pixels.
        centred: Whether the flow's images are around 0, see `likelihood.to_centred`. Images that go
            in and come out of the model are in [0, 1] nevertheless.
        headline: Name of the target's bits per dimension.
        optimizer: The optimiser of all parameters.
        mean_gradient: Computes gradients over a batch.
    """

    reads_conditions = False

    def __init__(
        self,
        flow: Flow,
        *,
        bits: int,
        optimizer: optax.GradientTransformation,
        centred: bool = False,
        headline: str = "image",
        mean_gradient: MeanGradient = mean_gradient,
    ) -> None:
        super().__init__(flow, flow.architecture, optimizer, mean_gradient)
        self.bits, self.centred, self.headline = bits, centred, headline

    def init(self, key: Array, batch: Batch) -> TrainState:
        """Initialises networks at random and actnorms from the batch."""
        noise_key, parameters_key = jax.random.split(key)
        images = self._dequantised(batch, jax.random.split(noise_key, len(batch.target)))
        return self._first_state(self.network.init(parameters_key, *self._inputs(images, batch)))

    def bits_per_dim(self, variables: PyTree, batch: Batch, keys: Array) -> dict[str, Array]:
        """(B,) bits per dimension of the target, under the headline's name, and their parts.

        NAME/prior, NAME/log_det and the pixels' bits add up to NAME; NAME/level_1 and so on are
        each level's share of the first two.
        """
        (encoding,) = self._encode(variables, batch, keys)
        return self._bits(self.headline, encoding)

    def read_conditions(self, variables: PyTree, batch: Batch) -> Conditions:
        """The parameters that the target's operations and priors read, computed once.

        They are of the other images, without noise, and of maps and classes; () if there are none
        of these.
        """
        others = tuple(map(self._entering, self._images(batch)[:-1]))
        images, maps = self._inputs(others, batch)
        if not images and not maps:
            return ()
        conditions: Conditions = self._apply(variables, images, maps, method=Flow.read_conditions)
        return conditions

    def sample(
        self, variables: PyTree, conditions: Conditions, keys: Array, temperature: Array
    ) -> Array:
        """Targets decoded from noise, under the conditions if there are any."""
        noise = self._noise(keys, temperature)
        return self._decode(variables, noise, conditions, True).clip(0.0, 1.0)

    def pixels(self, images: ArrayLike) -> Array:
        """Quantised images, see `quantise`."""
        return quantise(images, self.bits)

    def encode(self, variables: PyTree, batch: Batch) -> Encoding:
        """The targets' latents, given their conditions; z or ε, as the flow keeps."""
        images = tuple(map(self._entering, self._images(batch)))
        encodings: tuple[Encoding, ...] = self._apply(variables, *self._inputs(images, batch))
        return encodings[-1]

    def decode(self, variables: PyTree, conditions: Conditions, latents: Images) -> Array:
        """Targets from their latents, under conditions."""
        return self._decode(variables, latents, conditions)

    def redraw(
        self, variables: PyTree, batch: Batch, keys: Array, temperature: Array | float
    ) -> Array:
        """The targets again, with noise for all latents but the last level's."""
        encode = self.network.clone(keeps_noise=True).apply
        images = tuple(map(self._entering, self._images(batch)))
        encodings: Any = encode(variables, *self._inputs(images, batch))
        *drawn, _ = self._noise(keys, temperature)
        latents = (*drawn, encodings[-1].latents[-1])
        conditions = self.read_conditions(variables, batch)
        return self._decode(variables, latents, conditions, True).clip(0.0, 1.0)

    def _objective(
        self, params: PyTree, constants: PyTree, batch: Batch, keys: Array
    ) -> tuple[Array, dict[str, Array]]:
        bits = self.bits_per_dim({**constants, "params": params}, batch, keys)
        return self._loss(bits), {f"bits_per_dim/{name}": each for name, each in bits.items()}

    def _loss(self, bits: dict[str, Array]) -> Array:
        """The loss, (B,), from the bits per dimension by name."""
        return bits[self.headline]

    def _images(self, batch: Batch) -> tuple[ArrayLike, ...]:
        """The batch's images that count; the target is the last one."""
        return (batch.target,)

    def _entering(self, image: ArrayLike) -> Array:
        """A quantised image as the flow has it."""
        pixels = self.pixels(image)
        return to_centred(pixels, self.bits) if self.centred else pixels

    def _inputs(self, images: Images, batch: Batch) -> tuple[Images, LevelMaps]:
        """What the flow encodes, and the maps that it reads, from the batch's first images."""
        return images, self._maps(batch)

    def _maps(self, batch: Batch) -> LevelMaps:
        """Maps for the conditioners; not quantised, as they have no likelihood."""
        boundary = boundary_maps(tuple(map(to_unit_interval, batch.boundary)))
        return {**boundary, **label_maps(batch.label, self.network.architecture)}

    def _dequantised(self, batch: Batch, keys: Array) -> Images:
        """The images with dequantisation noise, a key for each."""
        images = self._images(batch)
        per_image = keys[None]
        if len(images) > 1:
            per_image = jnp.moveaxis(
                jax.vmap(lambda key: jax.random.split(key, len(images)))(keys), 1, 0
            )
        add_noise = jax.vmap(lambda image, key: dequantise(image, key, self.bits))
        return tuple(
            add_noise(self._entering(image), key)
            for image, key in zip(images, per_image, strict=True)
        )

    def _encode(self, variables: PyTree, batch: Batch, keys: Array) -> tuple[Encoding, ...]:
        """Encodings of all images, with noise under each example's key."""
        inputs = self._inputs(self._dequantised(batch, keys), batch)
        encodings: tuple[Encoding, ...] = self._apply(variables, *inputs)
        return encodings

    def _decode(self, variables: PyTree, *args: Any, **options: Any) -> Array:
        image: Array = self._apply(variables, *args, **options, method=Flow.decode)
        return from_centred(image, self.bits) if self.centred else image

    def _noise(self, keys: Array, temperature: Array | float) -> Images:
        """Standard-normal noise for every level's latent, times the temperature."""

        def example_noise(key: Array) -> Images:
            shapes = self.shapes.latent_shapes
            return tuple(map(jax.random.normal, jax.random.split(key, len(shapes)), shapes))

        return jax.tree.map(lambda noise: temperature * noise, jax.vmap(example_noise)(keys))

    def _bits(self, name: str, encoding: Encoding) -> dict[str, Array]:
        """(B,) bits per dimension of an image, and their parts."""
        dimensions = self.shapes.dimensions
        log_prior, log_det = encoding.log_prior, encoding.log_det
        per_bit = dimensions * math.log(2)
        prior_bits, log_det_bits = -log_prior / per_bit, -log_det / per_bit
        levels = jnp.moveaxis(prior_bits + log_det_bits, -1, 0)
        return {
            name: bits_per_dim(log_prior.sum(-1), log_det.sum(-1), dimensions, self.bits),
            f"{name}/prior": prior_bits.sum(-1),
            f"{name}/log_det": log_det_bits.sum(-1),
            **{f"{name}/level_{i}": share for i, share in enumerate(levels, start=1)},
        }


class PairFlowModel(FlowModel):
    """A flow of targets given conditions; there is noise in both where it is trained and scored."""

    reads_conditions = True

    def __init__(self, flow: Flow, **options: Any) -> None:
        super().__init__(flow, headline="conditional", **options)

    def _images(self, batch: Batch) -> tuple[ArrayLike, ...]:
        return (batch.condition, batch.target)


class ConditionalFlowModel(PairFlowModel):
    """A flow of targets, whose operations read the whole conditions (C-Glow).

    The objective is bits(target | condition), averaged over the batch.
    """

    def _inputs(self, images: Images, batch: Batch) -> tuple[Images, LevelMaps]:
        condition, *targets = images
        whole = whole_condition(condition, self.network.architecture)
        return tuple(targets), {**self._maps(batch), **whole}


class JointFlowModel(PairFlowModel):
    """A flow of targets given conditions, and of the conditions themselves (Full-Glow, equation 4).

    The objective is λ·bits(source) + bits(target | source), averaged over the batch.

    Attributes:
        source_weight: λ.
    """

    def __init__(self, flow: Flow, *, source_weight: float, **options: Any) -> None:
        super().__init__(flow, **options)
        self.source_weight = source_weight

    def bits_per_dim(self, variables: PyTree, batch: Batch, keys: Array) -> dict[str, Array]:
        """(B,) bits per dimension, "conditional" (target given source) and "source".

        The parts of both are as in `FlowModel`.
        """
        source, target = self._encode(variables, batch, keys)
        return self._bits(self.headline, target) | self._bits("source", source)

    def sample_conditions(self, variables: PyTree, keys: Array, temperature: Array) -> Array:
        """Conditions, decoded from noise by the source's Glow."""
        noise = self._noise(keys, temperature)
        source = self.network.images[0]
        return self._decode(variables, noise, None, True, image=source).clip(0.0, 1.0)

    def _loss(self, bits: dict[str, Array]) -> Array:
        return self.source_weight * bits["source"] + bits[self.headline]
