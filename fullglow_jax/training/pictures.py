"""Samples under fixed conditions and noise, drawn as training goes on."""

from pathlib import Path

import numpy as np
from jax import Array
from ml_collections import ConfigDict
from PIL import Image

from fullglow_jax.data.pair import PairSource
from fullglow_jax.models.interface import LikelihoodModel, PyTree
from fullglow_jax.models.pair_shapes import PairShapes
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.sampling.conditions import from_source, without
from fullglow_jax.sampling.grid import samples_grid
from fullglow_jax.sampling.sampler import Sampler


class SampleGrids:
    """Draws the same scenes from different variables."""

    def __init__(
        self,
        config: ConfigDict,
        architecture: PairShapes,
        model: LikelihoodModel,
        source: PairSource,
        devices: Devices,
        key: Array,
    ) -> None:
        self.settings = config.train
        count = config.train.sample_conditions
        self.conditions = (
            from_source(source, count, architecture)
            if model.reads_conditions
            else without(count, architecture)
        )
        self.key = key
        self.sampler = Sampler(model, devices, config.train.samples_per_condition)

    def __call__(self, variables: PyTree) -> np.ndarray:
        """The picture, uint8 (height, width, 3)."""
        rows: list[list[np.ndarray]] = [[] for _ in self.conditions.names]
        count, temperature = self.settings.samples_per_condition, self.settings.temperature
        drawn = self.sampler(variables, self.conditions.batch, count, temperature, self.key)
        for place, _, image in drawn:
            rows[place].append(image)
        return samples_grid(self.conditions, rows, (temperature,))


def save_picture(picture: np.ndarray, workdir: Path, step: int) -> None:
    """Writes it to `WORKDIR/samples/step_N.png`."""
    folder = workdir / "samples"
    folder.mkdir(exist_ok=True)
    Image.fromarray(picture).save(folder / f"step_{step:07d}.png")
