"""Where a sampler's conditions come from: a split, or image files."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from fullglow_jax.data.images import Picture, fit, read_rgb
from fullglow_jax.data.pair import Pair, PairSource
from fullglow_jax.data.pipeline import collate
from fullglow_jax.errors import UserError
from fullglow_jax.models.interface import Batch
from fullglow_jax.models.pair_shapes import PairShapes


class Conditions(NamedTuple):
    """Conditions on the host, with names, and with the images they belong to where known.

    Attributes:
        names: Of each.
        batch: The conditions, and the images they belong to.
        have_targets: Whether those are known.
        matter: Whether the model reads conditions at all; the batch is blank where not.
    """

    names: list[str]
    batch: Batch
    have_targets: bool
    matter: bool = True


def from_source(source: PairSource, count: int, architecture: PairShapes) -> Conditions:
    """The first pairs of a source."""
    pairs = [source[i] for i in range(min(count, len(source)))]
    return _collate(pairs, architecture, have_targets=True)


def without(count: int, architecture: PairShapes) -> Conditions:
    """As many places for images, for models that read no conditions."""
    blank = np.zeros((count, *architecture.image_size, architecture.channels), np.uint8)
    return Conditions(["image"] * count, Batch(blank, blank), have_targets=False, matter=False)


def from_files(
    conditions: Sequence[Path],
    boundaries: Sequence[Path],
    architecture: PairShapes,
    config: ConfigDict,
) -> Conditions:
    """Image files, resized as the training data was.

    Raises:
        UserError: Where a file cannot be read, or the boundary maps do not match the conditions.
    """
    wanted = len(conditions) if architecture.boundary else 0
    if len(boundaries) != wanted:
        raise UserError(
            f"{len(boundaries)} --boundary files for {len(conditions)} --condition files: this "
            f"model (config.model.condition={config.model.condition!r}) needs {wanted}."
        )
    pairs: list[Pair] = []
    for i, path in enumerate(conditions):
        image = fitted(path, config)
        pair: Pair = {"condition": image, "target": np.zeros_like(image), "name": path.stem}
        if boundaries:
            pair["boundary"] = fitted(boundaries[i], config)
        pairs.append(pair)
    return _collate(pairs, architecture, have_targets=False)


def fitted(path: Path, config: ConfigDict) -> np.ndarray:
    """An image file, uint8 (H, W, 3), resized as the training data was."""
    return fit(Picture(read_rgb(path)), tuple(config.data.image_size), config.data.fit)


def _collate(pairs: list[Pair], architecture: PairShapes, have_targets: bool) -> Conditions:
    host = collate(pairs, architecture.boundary_spec)
    batch = Batch(host["condition"], host["target"], host["boundary"])
    return Conditions(host["name"], batch, have_targets)
