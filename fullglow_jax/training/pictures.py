"""Samples during training, under fixed conditions and noise."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jax import Array
from ml_collections import ConfigDict
from PIL import Image

from fullglow_jax.data.pair import PairSource
from fullglow_jax.errors import UserError, with_article
from fullglow_jax.files.drafts import draft
from fullglow_jax.models.batch import Batch
from fullglow_jax.models.interface import Model, PyTree
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.parallel.in_batches import InBatches
from fullglow_jax.pictures.grid import image_grid
from fullglow_jax.sampling.capabilities import LATENTS, lacking
from fullglow_jax.sampling.conditions import from_source, without
from fullglow_jax.sampling.redraws import reconstructed, redrawn
from fullglow_jax.sampling.sampler import Sampler


class SampleGrids:
    """Draws the same scenes from different variables, under the validation pairs' own classes.

    Raises:
        UserError: If re-draws are asked for, and the model has no latents.
    """

    def __init__(
        self, config: ConfigDict, model: Model, source: PairSource, devices: Devices, key: Array
    ) -> None:
        self.settings, self.key = config.train, key
        count = config.train.sample_conditions
        self.conditions = (
            from_source(source, count, model.shapes)._replace(matter=model.reads_conditions)
            if model.reads_conditions
            or model.shapes.annotations.label
            or config.train.sample_redraws
            else without(count, model.shapes)
        )
        self.sampler = Sampler(model, devices, config.train.samples_per_condition)
        redraws, temperature = config.train.sample_redraws, config.train.temperature
        self.temperatures = sorted({1.0, temperature}, reverse=True) if redraws else [temperature]
        self.redraws = _Redraws(config, model, devices) if redraws else None

    def __call__(self, variables: PyTree) -> np.ndarray:
        """A row for each condition, uint8 (height, width, 3)."""
        batch, count = self.conditions.batch, self.settings.samples_per_condition
        beside = self.conditions.shown
        if self.redraws:
            beside |= self.redraws(variables, batch, self.key, self.temperatures)
        titles = [*beside]
        rows = [[images[i] for images in beside.values()] for i in range(len(batch.target))]
        for temperature in self.temperatures:
            titles += [f"T = {temperature:g}"] * count
            drawn = self.sampler(variables, batch, count, temperature, self.key)
            for place, _, image in drawn:
                rows[place].append(image)
        return image_grid(rows, titles)


class _Redraws:
    """True images' reconstructions, and their re-draws."""

    def __init__(self, config: ConfigDict, model: Model, devices: Devices) -> None:
        for reason in lacking(model, (LATENTS,)):
            raise UserError(
                "config.train.sample_redraws=True: this model, "
                f"{with_article(config.model.name)}, {reason}. "
                "Leave it out."
            )
        able: Any = model
        at_once = -(-config.train.batch_size // devices.mesh.size) * devices.mesh.size
        self._reconstruct = InBatches(partial(reconstructed, able), devices, at_once)
        self._redraw = InBatches(partial(redrawn, able), devices, at_once)

    def __call__(
        self, variables: PyTree, batch: Batch, key: Array, temperatures: list[float]
    ) -> dict[str, np.ndarray]:
        """Images by title, (B, H, W, C) each."""
        rows = batch, np.arange(len(batch.target))
        found = {"reconstruction": self._reconstruct(variables, batch)}
        for temperature in temperatures:
            shared = variables, key, np.float32(temperature)
            found[f"redrawn, T = {temperature:g}"] = self._redraw(shared, rows)
        return found


def save_picture(picture: np.ndarray, workdir: Path, step: int) -> None:
    """Writes a picture to `WORKDIR/samples/step_N.png`."""
    folder = workdir / "samples"
    folder.mkdir(exist_ok=True)
    with draft(folder / f"step_{step:07d}.png") as scratch:
        Image.fromarray(picture).save(scratch, "PNG")
