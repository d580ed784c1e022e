"""What trainer, sampler and evaluator know of a model."""

from typing import Any, Protocol, runtime_checkable

from flax import struct
from jax import Array

from fullglow_jax.models.encoding import Encoding, Images

PyTree = Any

ArrayLike = Any
"""An array on the device or on the host, or only its shape and type."""


@struct.dataclass
class TrainState:
    """Everything that training changes.

    Attributes:
        step: Steps taken, a scalar.
        variables: The model's variable collections.
        optimizer: The state of its optimiser, or of as many as it has.
        average: The parameters' moving average, which the trainer keeps; () without one.
    """

    step: Array
    variables: PyTree
    optimizer: PyTree
    average: PyTree = ()


@struct.dataclass
class StepReport:
    """What a training step tells of itself.

    Attributes:
        scalars: To log, by name. A step counts only if all of them are finite, so the norms of all
            gradients must be among them.
        finite: (B,), whether each example's own loss is finite.
    """

    scalars: dict[str, Array]
    finite: Array


@struct.dataclass
class Batch:
    """Image pairs.

    Attributes:
        condition: (B, H, W, C), uint8, or float in [0, 1].
        target: Likewise.
        boundary: Boundary maps, (B, h, w, 3) for each level, likewise; () for models without.
    """

    condition: ArrayLike
    target: ArrayLike
    boundary: tuple[ArrayLike, ...] = ()


class Model(Protocol):
    """An image model. Its methods are pure: jit them, shard their arguments.

    Keys come one an example, (B,), so that what an example gets does not depend on its batch.

    Attributes:
        reads_conditions: Whether images depend on the conditions and boundary maps of a batch.
            Where they do not, only its targets count.
    """

    reads_conditions: bool

    def init(self, key: Array, batch: Batch) -> TrainState:
        """A state to train from, started from the first batch where the model does so."""

    def train_step(
        self, state: TrainState, batch: Batch, key: Array
    ) -> tuple[TrainState, StepReport]:
        """One step of training under the run's key, and what it tells of itself."""

    def read_conditions(self, variables: PyTree, batch: Batch) -> PyTree:
        """All that sampling takes from conditions, to be computed once for any number of images.

        Args:
            variables: The model's variable collections.
            batch: B conditions; its targets are not read.
        """

    def sample(
        self, variables: PyTree, conditions: PyTree, keys: Array, temperature: Array
    ) -> Array:
        """Images under conditions that were read.

        Args:
            variables: The model's variable collections.
            conditions: What `read_conditions` returned for B of them.
            keys: (B·n,), n images for each condition in a row.
            temperature: Factor of the noise's deviation.

        Returns:
            (B·n, H, W, C), float in [0, 1].
        """


class LikelihoodModel(Model, Protocol):
    """A model that also gives exact likelihoods.

    Attributes:
        headline: The name, of those of `bits_per_dim`, that curves and the best checkpoint go by.
    """

    headline: str

    def bits_per_dim(self, variables: PyTree, batch: Batch, keys: Array) -> dict[str, Array]:
        """Bits per dimension of each example, (B,), by name; for example "conditional".

        Args:
            variables: The model's variable collections.
            batch: B pairs.
            keys: (B,), for the dequantisation noise.
        """


@runtime_checkable
class InvertibleModel(LikelihoodModel, Protocol):
    """A model whose images are latents in another form: a flow."""

    def encode(self, variables: PyTree, batch: Batch) -> Encoding:
        """The targets' latents, and what their density is made of; no noise is added.

        Args:
            variables: The model's variable collections.
            batch: B pairs.
        """

    def decode(self, variables: PyTree, conditions: PyTree, latents: Images) -> Array:
        """Images from their latents, the inverse of `encode`.

        Args:
            variables: The model's variable collections.
            conditions: What `read_conditions` returned for B of them.
            latents: One array a level, (B, h, w, c).

        Returns:
            (B, H, W, C), float, in [0, 1] where the latents are those of images.
        """


@runtime_checkable
class ConditionModel(Model, Protocol):
    """A model that also draws conditions, and needs none for that."""

    def sample_conditions(self, variables: PyTree, keys: Array, temperature: Array) -> Array:
        """Conditions drawn from noise, one a key.

        Args:
            variables: The model's variable collections.
            keys: (B,).
            temperature: Factor of the noise's deviation.

        Returns:
            (B, H, W, C), float in [0, 1].
        """
