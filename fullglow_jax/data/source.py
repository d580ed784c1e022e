"""Where pairs come from: what a source must offer, and the sources by name."""

import difflib
from collections.abc import Callable
from pathlib import Path
from typing import NotRequired, Protocol, TypedDict

import numpy as np
from ml_collections import ConfigDict

from fullglow_jax.errors import UserError


class Pair(TypedDict):
    """One example: a label map and its photo, of the same size.

    Attributes:
        condition: uint8 (H, W, 3), the label map's colours.
        target: uint8 (H, W, 3), the photo.
        boundary: uint8 (H, W, 3), 255 where two objects meet; only where it was asked for.
        name: What the data set calls the example.
    """

    condition: np.ndarray
    target: np.ndarray
    boundary: NotRequired[np.ndarray]
    name: str


class PairSource(Protocol):
    """Pairs by index, readable from several threads (a `grain.RandomAccessDataSource`)."""

    def __len__(self) -> int:
        """Number of pairs."""

    def __getitem__(self, index: int) -> Pair:
        """The pair at `index`, the same at each call."""


def build_source(data_config: ConfigDict, split: str, *, boundary: bool) -> PairSource:
    """Builds the source that `data_config.name` names.

    Args:
        data_config: name, root, image_size (H, W) and, for 'street_scenes', the sub-dict
            street_scenes with train, val, height, width and seed.
        split: 'train' or 'val' ('test' too where the data set has one).
        boundary: Whether pairs carry boundary maps.

    Returns:
        The source, its files checked.

    Raises:
        UserError: The name is unknown, or the source finds its data missing or bad.
    """
    name = data_config.name
    if name not in SOURCES:
        near = difflib.get_close_matches(str(name), SOURCES) or sorted(SOURCES)
        raise UserError(
            f"there is no data source {name!r}. Set --config.data.name to "
            + " or ".join(repr(right) for right in near)
            + "."
        )
    return SOURCES[name](data_config, split, boundary)


def _cityscapes(data_config: ConfigDict, split: str, boundary: bool) -> PairSource:
    from fullglow_jax.data.cityscapes import Cityscapes

    return Cityscapes(data_config.root, split, tuple(data_config.image_size), boundary=boundary)


def _street_scenes(data_config: ConfigDict, split: str, boundary: bool) -> PairSource:
    from fullglow_jax.data.street_scenes import generate

    generate(Path(data_config.root).expanduser(), **data_config.street_scenes.to_dict())
    return _cityscapes(data_config, split, boundary)


SOURCES: dict[str, Callable[[ConfigDict, str, bool], PairSource]] = {
    "cityscapes": _cityscapes,
    "street_scenes": _street_scenes,
}
