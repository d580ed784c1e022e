"""A segmentation network as a model of label maps given photos."""

import math

import jax
import jax.numpy as jnp
import optax
from jax import Array

from fullglow_jax.models.batch import ArrayLike, Batch
from fullglow_jax.models.interface import PyTree, TrainState
from fullglow_jax.models.mean_gradient import MeanGradient, mean_gradient
from fullglow_jax.models.objective_model import ObjectiveModel
from fullglow_jax.models.shapes import Shapes
from fullglow_jax.palette import EVALUATED_COLOURS, IGNORED
from fullglow_jax.segmentation import PSPNet, PSPNetArchitecture
from fullglow_jax.segmentation.pixels import DEVIATION, MEAN

AUXILIARY_WEIGHT = 0.4
"""Weight of the second head's loss (PSPNet, section 3.3)."""


class Segmentation(ObjectiveModel):
    """A PSPNet that gives the probability of each of the 19 evaluated classes at every pixel.

    Conditions are photos, and targets label maps in Cityscapes' colours. Pixels of other colours
    are ignored: labels that are not evaluated, and colours mixed by resizing.

    Attributes:
        network: The PSPNet.
        shapes: Shapes of photo and label map.
        optimizer: The optimiser of all parameters.
        mean_gradient: Computes gradients over a batch.
    """

    network: PSPNet
    headline = "cross_entropy"
    reads_conditions = True

    def __init__(
        self,
        architecture: PSPNetArchitecture,
        shapes: Shapes,
        *,
        optimizer: optax.GradientTransformation,
        mean_gradient: MeanGradient = mean_gradient,
    ) -> None:
        super().__init__(PSPNet(architecture), shapes, optimizer, mean_gradient)

    def init(self, key: Array, batch: Batch) -> TrainState:
        """Initialises the network at random; only the batch's shape is read."""
        photos = jnp.zeros((1, *batch.condition.shape[1:]))
        return self._first_state(self.network.init(key, photos, method=PSPNet.with_auxiliary))

    def scores(self, variables: PyTree, batch: Batch, keys: Array) -> dict[str, Array]:
        """(B,), "cross_entropy": bits for the class of an evaluated pixel, given the photo."""
        del keys
        logits = self.read_conditions(variables, batch)
        return {"cross_entropy": _cross_entropy(logits, batch.target)}

    def read_conditions(self, variables: PyTree, batch: Batch) -> Array:
        """The classes' logits, (B, H, W, 19)."""
        logits: Array = self._apply(variables, _normalised(batch.condition))
        return logits

    def sample(
        self, variables: PyTree, conditions: Array, keys: Array, temperature: Array
    ) -> Array:
        """Label maps in Cityscapes' colours; each pixel's class is drawn independently.

        At temperature 0 it is the most probable class.
        """
        logits = jnp.repeat(conditions, len(keys) // len(conditions), axis=0)
        noise = jax.vmap(lambda key: jax.random.gumbel(key, logits.shape[1:]))(keys)
        classes = (logits + temperature * noise).argmax(-1)
        return jnp.asarray(EVALUATED_COLOURS)[classes].astype(jnp.float32) / 255

    def _objective(
        self, params: PyTree, constants: PyTree, batch: Batch, keys: Array
    ) -> tuple[Array, dict[str, Array]]:
        """Both heads' cross-entropy, with dropout under each example's own key."""

        def example_losses(photo: Array, label_map: Array, key: Array) -> tuple[Array, Array]:
            heads = self._apply(
                {**constants, "params": params},
                photo[None],
                train=True,
                method=PSPNet.with_auxiliary,
                rngs={"dropout": key},
            )
            main, auxiliary = (_cross_entropy(logits, label_map[None])[0] for logits in heads)
            return main, auxiliary

        main, auxiliary = jax.vmap(example_losses)(_normalised(batch.condition), batch.target, keys)
        return main + AUXILIARY_WEIGHT * auxiliary, {"cross_entropy": main}


def _normalised(photos: ArrayLike) -> Array:
    return (_pixels(photos) - MEAN) / DEVIATION


def _pixels(images: ArrayLike) -> Array:
    """Float32, 0 to 255."""
    images = jnp.asarray(images)
    return images.astype(jnp.float32) * (1 if images.dtype == jnp.uint8 else 255)


def classes_of(label_maps: ArrayLike) -> Array:
    """The evaluated class of each pixel, (B, H, W); `palette.IGNORED` if there is none."""
    pixels = jnp.rint(_pixels(label_maps)).astype(jnp.int32)
    same = (pixels[..., None, :] == EVALUATED_COLOURS).all(-1)
    return jnp.where(same.any(-1), same.argmax(-1), IGNORED)


def _cross_entropy(logits: Array, label_maps: ArrayLike) -> Array:
    """(B,), the mean over evaluated pixels of −log2 of their class's probability."""
    classes = classes_of(label_maps)
    counted = classes != IGNORED
    nats = optax.softmax_cross_entropy_with_integer_labels(
        logits.astype(jnp.float32), jnp.where(counted, classes, 0)
    )
    pixels = jnp.maximum(counted.sum((1, 2)), 1)
    return (nats * counted).sum((1, 2)) / (pixels * math.log(2))
