"""Bits per dimension of the validation split, as training goes on."""

from jax import Array
from ml_collections import ConfigDict

from fullglow_jax.data.pair import PairSource
from fullglow_jax.data.pipeline import evaluation_batches
from fullglow_jax.evaluation.bits_per_dim import BitsPerDim
from fullglow_jax.models.interface import LikelihoodModel, PyTree
from fullglow_jax.models.pair_shapes import PairShapes
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.training.metrics import VALIDATION


class Validation:
    """Scores variables on the validation split, under the same noise every time."""

    def __init__(
        self,
        config: ConfigDict,
        architecture: PairShapes,
        model: LikelihoodModel,
        source: PairSource,
        devices: Devices,
        key: Array,
    ) -> None:
        self.config, self.architecture, self.source = config, architecture, source
        self.key = key
        self.score = BitsPerDim(model, devices)

    def __call__(self, variables: PyTree) -> dict[str, float]:
        """Means by name."""
        batches = evaluation_batches(
            self.source,
            batch_size=self.config.train.batch_size,
            threads=self.config.data.threads,
            boundary=self.architecture.boundary_spec,
            limit=self.config.train.validation_examples,
            **self.score.devices.share,
        )
        bits = self.score(variables, batches, self.key)
        return {f"{VALIDATION}bits_per_dim/{name}": float(v.mean()) for name, v in bits.items()}
