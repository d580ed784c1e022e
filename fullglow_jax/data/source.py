"""Where pairs come from: the sources by name."""

import difflib
from collections.abc import Callable
from pathlib import Path

from ml_collections import ConfigDict

from fullglow_jax.data.faults import refuse
from fullglow_jax.data.file_pairs import FilePairs, find_pairs
from fullglow_jax.data.layouts import AlignedPairs, Cityscapes, Images, Layout, TwoFolders
from fullglow_jax.data.mnist import find_mnist
from fullglow_jax.data.options import check_boundary
from fullglow_jax.data.pair import PairSource
from fullglow_jax.data.prepared import open_prepared
from fullglow_jax.data.street_scenes import generate
from fullglow_jax.data.verification import verified
from fullglow_jax.errors import UserError

ON_BAD_FILE = ("error", "skip")
"""What can be done about files that cannot be used."""


def build_source(data_config: ConfigDict, split: str, *, boundary: bool) -> PairSource:
    """The source that `data_config.name` names, as it was prepared if it was.

    Args:
        data_config: `config.data`.
        split: 'train' or 'val' ('test' too where the data set has one).
        boundary: Whether pairs carry boundary maps.

    Returns:
        The source; its `faults` are what `on_bad_file='skip'` left out.

    Raises:
        UserError: As `verified_source`, or what was prepared is damaged.
    """
    source = verified_source(data_config, split, boundary=boundary)
    return open_prepared(source, data_config, split) or source


def verified_source(data_config: ConfigDict, split: str, *, boundary: bool) -> PairSource:
    """The source with all its image files read once; see `build_source`.

    Raises:
        UserError: The name is unknown, the source finds its data missing or, with
            `on_bad_file='error'`, some of it bad.
    """
    on_bad_file = data_config.on_bad_file
    if on_bad_file not in ON_BAD_FILE:
        raise UserError(
            f"config.data.on_bad_file={on_bad_file!r} is not one of {', '.join(ON_BAD_FILE)}."
        )
    found = find_source(data_config, split, boundary=boundary)
    if not isinstance(found, FilePairs):
        return found
    if on_bad_file == "error":
        refuse(found.faults)  # before anything is read, which takes longer
    source = verified(found, split, data_config.threads)
    if on_bad_file == "error" or not source:
        refuse(source.faults)
    return source


def find_source(data_config: ConfigDict, split: str, *, boundary: bool) -> PairSource:
    """The source as it is found, none of its pairs read; see `build_source`."""
    name = data_config.name
    if name not in SOURCES:
        near = difflib.get_close_matches(str(name), SOURCES) or sorted(SOURCES)
        raise UserError(
            f"there is no data source {name!r}. Set --config.data.name to "
            + " or ".join(repr(right) for right in near)
            + "."
        )
    return SOURCES[name](data_config, split, boundary)


Finder = Callable[[ConfigDict, str, bool], PairSource]
"""Finds a split's source, with boundary maps or without."""


def _files(layout: Callable[[ConfigDict, str], Layout]) -> Finder:
    def find(data_config: ConfigDict, split: str, boundary: bool) -> PairSource:
        return find_pairs(
            layout(data_config, split),
            data_config.direction,
            tuple(data_config.image_size),
            data_config.fit,
            boundary=boundary,
        )

    return find


def _aligned_pairs(data_config: ConfigDict, split: str) -> Layout:
    return AlignedPairs(data_config.root, split)


def _cityscapes(data_config: ConfigDict, split: str) -> Layout:
    return Cityscapes(data_config.root, split, data_config.label_files)


def _images(data_config: ConfigDict, split: str) -> Layout:
    return Images(data_config.root, split)


def _street_scenes(data_config: ConfigDict, split: str) -> Layout:
    generate(Path(data_config.root).expanduser(), **data_config.street_scenes.to_dict())
    return _cityscapes(data_config, split)


def _two_folders(data_config: ConfigDict, split: str) -> Layout:
    condition, target = data_config.folders
    return TwoFolders(data_config.root, split, (condition, target))


def _mnist(data_config: ConfigDict, split: str, boundary: bool) -> PairSource:
    check_boundary(boundary, there=False)
    return find_mnist(
        data_config.root,
        split,
        data_config.mnist.files,
        data_config.direction,
        tuple(data_config.image_size),
    )


def _tfds(data_config: ConfigDict, split: str, boundary: bool) -> PairSource:
    # Takes half a second, which the other sources need not wait for.
    from fullglow_jax.data.tfds_pairs import find_tfds

    check_boundary(boundary, there=False)
    return find_tfds(
        data_config.root,
        split,
        data_config.tfds.to_dict(),
        data_config.direction,
        tuple(data_config.image_size),
        data_config.fit,
    )


SOURCES: dict[str, Finder] = {
    "aligned_pairs": _files(_aligned_pairs),
    "cityscapes": _files(_cityscapes),
    "images": _files(_images),
    "mnist": _mnist,
    "street_scenes": _files(_street_scenes),
    "tfds": _tfds,
    "two_folders": _files(_two_folders),
}
