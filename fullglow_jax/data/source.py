"""Where pairs come from: the sources by name."""

import difflib
from collections.abc import Callable
from pathlib import Path

from ml_collections import ConfigDict

from fullglow_jax.data.cityscapes import Cityscapes
from fullglow_jax.data.pair import PairSource
from fullglow_jax.data.street_scenes import generate
from fullglow_jax.errors import UserError


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
    return Cityscapes(data_config.root, split, tuple(data_config.image_size), boundary=boundary)


def _street_scenes(data_config: ConfigDict, split: str, boundary: bool) -> PairSource:
    generate(Path(data_config.root).expanduser(), **data_config.street_scenes.to_dict())
    return _cityscapes(data_config, split, boundary)


SOURCES: dict[str, Callable[[ConfigDict, str, bool], PairSource]] = {
    "cityscapes": _cityscapes,
    "street_scenes": _street_scenes,
}
