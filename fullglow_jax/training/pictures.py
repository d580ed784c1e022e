"""Samples during training, under fixed conditions and noise."""

from pathlib import Path

import numpy as np
from jax import Array
from ml_collections import ConfigDict
from PIL import Image

from fullglow_jax.data.pair import PairSource
from fullglow_jax.files.drafts import draft
from fullglow_jax.models.interface import Model, PyTree
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.pictures.grid import image_grid
from fullglow_jax.sampling.conditions import from_source, without
from fullglow_jax.sampling.sampler import Sampler


class SampleGrids:
    """Draws the same scenes from different variables, under the validation pairs' own classes."""

    def __init__(
        self, config: ConfigDict, model: Model, source: PairSource, devices: Devices, key: Array
    ) -> None:
        self.settings = config.train
        count = config.train.sample_conditions
        self.conditions = (
            from_source(source, count, model.shapes)._replace(matter=model.reads_conditions)
            if model.reads_conditions or model.shapes.annotations.label
            else without(count, model.shapes)
        )
        self.key = key
        self.sampler = Sampler(model, devices, config.train.samples_per_condition)

    def __call__(self, variables: PyTree) -> np.ndarray:
        """A row for each condition, uint8 (height, width, 3)."""
        shown = self.conditions.shown
        rows = [[images[i] for images in shown.values()] for i in range(len(self.conditions.names))]
        count, temperature = self.settings.samples_per_condition, self.settings.temperature
        drawn = self.sampler(variables, self.conditions.batch, count, temperature, self.key)
        for place, _, image in drawn:
            rows[place].append(image)
        return image_grid(rows, [*shown, *[f"T = {temperature:g}"] * count])


def save_picture(picture: np.ndarray, workdir: Path, step: int) -> None:
    """Writes a picture to `WORKDIR/samples/step_N.png`."""
    folder = workdir / "samples"
    folder.mkdir(exist_ok=True)
    with draft(folder / f"step_{step:07d}.png") as scratch:
        Image.fromarray(picture).save(scratch, "PNG")
