"""Where pairs come from: the sources by name."""

import difflib
from collections.abc import Callable
from pathlib import Path

from ml_collections import ConfigDict

from fullglow_jax.data.faults import refuse
from fullglow_jax.data.file_pairs import FilePairs, find_pairs
from fullglow_jax.data.layouts import AlignedPairs, Cityscapes, Layout, TwoFolders
from fullglow_jax.data.pair import PairSource
from fullglow_jax.data.street_scenes import generate
from fullglow_jax.data.verification import verified
from fullglow_jax.errors import UserError

ON_BAD_FILE = ("error", "skip")
"""What can be done about files that cannot be used."""


def build_source(data_config: ConfigDict, split: str, *, boundary: bool) -> PairSource:
    """Builds the source that `data_config.name` names, all its files read once.

    Args:
        data_config: `config.data`.
        split: 'train' or 'val' ('test' too where the data set has one).
        boundary: Whether pairs carry boundary maps.

    Returns:
        The source; its `faults` are what `on_bad_file='skip'` left out.

    Raises:
        UserError: The name is unknown, the source finds its data missing or, with
            `on_bad_file='error'`, some of it bad.
    """
    found = find_source(data_config, split, boundary=boundary)
    on_bad_file = data_config.on_bad_file
    if on_bad_file not in ON_BAD_FILE:
        raise UserError(
            f"config.data.on_bad_file={on_bad_file!r} is not one of {', '.join(ON_BAD_FILE)}."
        )
    if on_bad_file == "error":
        refuse(found.faults)  # before anything is read, which takes longer
    source = verified(found, split, data_config.threads)
    if on_bad_file == "error" or not source:
        refuse(source.faults)
    return source


def find_source(data_config: ConfigDict, split: str, *, boundary: bool) -> FilePairs:
    """The source as its files are found, none of them opened; see `build_source`."""
    return find_pairs(
        _layout(data_config, split),
        data_config.direction,
        tuple(data_config.image_size),
        data_config.fit,
        boundary=boundary,
    )


def _layout(data_config: ConfigDict, split: str) -> Layout:
    name = data_config.name
    if name not in LAYOUTS:
        near = difflib.get_close_matches(str(name), LAYOUTS) or sorted(LAYOUTS)
        raise UserError(
            f"there is no data source {name!r}. Set --config.data.name to "
            + " or ".join(repr(right) for right in near)
            + "."
        )
    return LAYOUTS[name](data_config, split)


def _aligned_pairs(data_config: ConfigDict, split: str) -> Layout:
    return AlignedPairs(data_config.root, split)


def _cityscapes(data_config: ConfigDict, split: str) -> Layout:
    return Cityscapes(data_config.root, split, data_config.label_files)


def _street_scenes(data_config: ConfigDict, split: str) -> Layout:
    generate(Path(data_config.root).expanduser(), **data_config.street_scenes.to_dict())
    return _cityscapes(data_config, split)


def _two_folders(data_config: ConfigDict, split: str) -> Layout:
    condition, target = data_config.folders
    return TwoFolders(data_config.root, split, (condition, target))


LAYOUTS: dict[str, Callable[[ConfigDict, str], Layout]] = {
    "aligned_pairs": _aligned_pairs,
    "cityscapes": _cityscapes,
    "street_scenes": _street_scenes,
    "two_folders": _two_folders,
}
