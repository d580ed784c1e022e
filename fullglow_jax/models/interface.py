"""The interface of models to trainer, sampler and evaluator."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import jax.numpy as jnp
from flax import struct
from jax import Array

from fullglow_jax.models.batch import ArrayLike, Batch
from fullglow_jax.models.encoding import Encoding, Images
from fullglow_jax.models.shapes import Shapes

PyTree = Any

ABSENT = int(jnp.iinfo(jnp.int32).max)
"""The id in places of `Styles.ids` that hold no instance: above all ids."""


@struct.dataclass
class TrainState:
    """Everything that training changes.

    Attributes:
        step: Steps taken, a scalar.
        variables: The model's variable collections.
        optimizer: The state of its optimiser, or of all its optimisers.
        average: The moving average of the parameters, which the trainer keeps; () without one.
        critic: Variables of networks that training alone needs, a GAN's discriminator for one, so
            that sampling does not read them; () without any.
    """

    step: Array
    variables: PyTree
    optimizer: PyTree
    average: PyTree = ()
    critic: PyTree = ()


@struct.dataclass
class StepReport:
    """The report of a training step.

    Attributes:
        scalars: Values to log, by name. A step counts only if all of them are finite, so the norms
            of all gradients must be among them.
        finite: (B,), whether each example's own loss is finite.
    """

    scalars: dict[str, Array]
    finite: Array


class Model(Protocol):
    """An image model. Its methods are pure: jit them, shard their arguments.

    `variables` are the model's variable collections. There is one random key per example, (B,), so
    that an example's result does not depend on its batch.

    Attributes:
        shapes: Shapes of its images, and of all that it reads beside them.
        reads_conditions: Whether images depend on the conditions and boundary maps of a batch.
            If not, the model reads targets, and classes where `shapes.annotations` has them.
    """

    shapes: Shapes
    reads_conditions: bool

    def init(self, key: Array, batch: Batch) -> TrainState:
        """The first state of training; a model may initialise it from the batch."""

    def train_step(
        self, state: TrainState, batch: Batch, key: Array
    ) -> tuple[TrainState, StepReport]:
        """One step of training under the run's key, and its report."""

    def read_conditions(self, variables: PyTree, batch: Batch) -> PyTree:
        """All that sampling needs from B conditions, computed once for any number of images.

        The batch's targets are not read.
        """

    def sample(
        self, variables: PyTree, conditions: PyTree, keys: Array, temperature: Array
    ) -> Array:
        """Draws n images in a row for each of B conditions: (B·n, H, W, C), float in [0, 1].

        `conditions` are a result of `read_conditions`, there are B·n keys, and `temperature` is a
        factor of the noise's deviation.
        """


@runtime_checkable
class ScoringModel(Model, Protocol):
    """A model that scores how far it is from true images.

    Attributes:
        headline: The name in `scores` by which training chooses its best checkpoint by default.
    """

    headline: str

    def scores(self, variables: PyTree, batch: Batch, keys: Array) -> dict[str, Array]:
        """Scores of each example, (B,), by name, for example "cross_entropy"; lower is better.

        The keys are for scores that draw random numbers.
        """


Activations = Callable[[Array], Sequence[Array]]
"""Images in [−1, 1], (B, H, W, C) → a network's activations by layer, (B, h, w, c)."""

ReadJudge = Callable[[str], tuple[str, Activations]]
"""A workdir or file of a judge → its name and what it sees; raises UserError."""


@runtime_checkable
class TaughtModel(Model, Protocol):
    """A model whose objective may ask pretrained networks, which drawing does not need."""

    def read_teachers(self, judge: ReadJudge) -> Sequence[str]:
        """Reads them, before training, and returns their names.

        Raises:
            UserError: If one cannot be read.
        """


@runtime_checkable
class LikelihoodModel(Model, Protocol):
    """A model that gives exact likelihoods.

    Attributes:
        headline: The name in `bits_per_dim` that training and reports use by default.
    """

    headline: str

    def bits_per_dim(self, variables: PyTree, batch: Batch, keys: Array) -> dict[str, Array]:
        """Bits per dimension of each example, (B,), by name; for example "conditional".

        The keys are for the dequantisation noise.
        """


@runtime_checkable
class InvertibleModel(LikelihoodModel, Protocol):
    """A model whose images are latents in another form: a flow."""

    def pixels(self, images: ArrayLike) -> Array:
        """Quantised images, which `encode` maps to latents and `decode` restores.

        Images of any shape, uint8 or float in [0, 1], become float in [0, 1], with at most 2^bits
        different values.
        """

    def encode(self, variables: PyTree, batch: Batch) -> Encoding:
        """Latents of the targets and the parts of their density; no noise is added."""

    def decode(self, variables: PyTree, conditions: PyTree, latents: Images) -> Array:
        """Images from their latents under B conditions, as `read_conditions` reads them.

        It is the inverse of `encode`: (B, H, W, C), float, in [0, 1] where the latents, an array
        (B, h, w, c) per level, are those of images.
        """

    def redraw(
        self, variables: PyTree, batch: Batch, keys: Array, temperature: Array | float
    ) -> Array:
        """The targets drawn anew, but for their coarsest latent: (B, H, W, C), float in [0, 1].

        The temperature is a factor of the noise's deviation in all other latents.
        """


@runtime_checkable
class ConditionModel(Model, Protocol):
    """A model that also draws conditions."""

    def sample_conditions(self, variables: PyTree, keys: Array, temperature: Array) -> Array:
        """Conditions drawn from noise, one per key: (B, H, W, C), float in [0, 1].

        The temperature is a factor of the noise's deviation.
        """


@struct.dataclass
class Styles:
    """The styles of B images, out of which a model draws them.

    Attributes:
        image: Noise of each image as a whole, (B, z).
        ids: The ids of each image's instances, ascending, (B, N) int32; `ABSENT` in places that
            are not used.
        instances: The styles of these instances, (B, N, 2, n): a vector for the scale and one for
            the shift of its pixels' features.
    """

    image: Array
    ids: Array
    instances: Array


@runtime_checkable
class InstanceModel(Model, Protocol):
    """A model that draws a style for each instance of a label map.

    An instance is drawn anew by its row of `Styles.instances` from other keys, all else kept.
    """

    def instance_ids(self, batch: Batch) -> Array:
        """The ids that the model works with, (B, H, W) int32.

        They are the batch's instance ids, or classes, where each class is one instance.
        """

    def draw_styles(
        self, variables: PyTree, conditions: PyTree, keys: Array, temperature: Array
    ) -> Styles:
        """Styles of the images that `sample` draws with the same arguments: B·n of them."""

    def sample_styled(self, variables: PyTree, conditions: PyTree, styles: Styles) -> Array:
        """The images of some styles, n in a row for each condition: (B·n, H, W, C) in [0, 1].

        `sample` is this, of what `draw_styles` draws.
        """

    def read_styles(self, variables: PyTree, batch: Batch) -> tuple[Styles, Styles] | None:
        """Mean and deviation of the styles of a batch's targets; None without an encoder.

        Each row is of an instance; the whole image's noise has mean 0 and deviation 1.
        """
