"""A picture of what several models draw under the same conditions."""

import io
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
from ml_collections import ConfigDict
from PIL import Image

from fullglow_jax.data.images import resize_bilinear, resize_nearest
from fullglow_jax.data.pair import Pair
from fullglow_jax.data.pipeline import collate
from fullglow_jax.data.source import build_source
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.pictures.grid import as_uint8, image_grid
from fullglow_jax.runs.trained import load_trained
from fullglow_jax.sampling.operations import Operations
from fullglow_jax.studies.request import StudyRequest

PAIRS = 6
"""Number of pairs that are shown, evenly chosen from all."""

WIDTH = 256
"""Largest width of images in pixels."""


def side_by_side(models: Iterable[tuple[str, ConfigDict, Path]], request: StudyRequest) -> bytes:
    """PNG: a row for each of some pairs of the split, a column for each model.

    Noise is the same in all columns, as far as models draw it in the same way.

    Args:
        models: (title, config, workdir) of each.
        request: The flags.

    Raises:
        UserError: If a model or its data cannot be read.
    """
    shown: dict[str, list[np.ndarray]] = {}
    size: tuple[int, int] | None = None
    for title, config, workdir in models:
        operations = _operations(config, workdir, request)
        pairs = _pairs(config, operations, request.split)
        if size is None:
            height, width = pairs[0]["target"].shape[:2]
            size = round(height * min(1, WIDTH / width)), min(width, WIDTH)
            if operations.reads_conditions:
                shown["condition"] = [resize_nearest(pair["condition"], size) for pair in pairs]
            shown["true image"] = [resize_bilinear(pair["target"], size) for pair in pairs]
        drawn = _drawn(operations, pairs, config, request)
        shown[title] = [resize_bilinear(image, size) for image in drawn]
    png = io.BytesIO()
    rows = list(zip(*shown.values(), strict=True))
    Image.fromarray(image_grid(rows, list(shown))).save(png, "png")
    return png.getvalue()


def _operations(config: ConfigDict, workdir: Path, request: StudyRequest) -> Operations:
    devices = Devices(config.parallel)
    trained = load_trained(config, workdir, request.checkpoint, devices)
    return Operations(trained, config.model.name, devices, request.batch_size)


def _pairs(config: ConfigDict, operations: Operations, split: str) -> list[Pair]:
    source = build_source(config.data, split, operations.shapes.annotations)
    places = np.unique(np.linspace(0, len(source) - 1, PAIRS).astype(int))
    return [source[int(place)] for place in places]


def _drawn(
    operations: Operations, pairs: list[Pair], config: ConfigDict, request: StudyRequest
) -> list[np.ndarray]:
    """An image for each pair, uint8."""
    batch = collate(pairs, operations.shapes.annotations).batch
    if not operations.reads_conditions:
        batch = replace(batch, condition=np.zeros_like(batch.condition))
    drawn = operations.draw(batch, 1, request.temperature_of(config), request.seed)
    images = {place: as_uint8(image, config.data.bits) for place, _, image in drawn}
    return [images[place] for place in range(len(pairs))]
