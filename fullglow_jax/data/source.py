"""The sources of pairs, by name."""

from collections.abc import Callable
from typing import NamedTuple

from ml_collections import ConfigDict

from fullglow_jax.data import mnist
from fullglow_jax.data.checked import checked
from fullglow_jax.data.faults import refuse
from fullglow_jax.data.file_pairs import FilePairs, find_pairs
from fullglow_jax.data.layouts import LAYOUTS, Cityscapes, Layout, TwoFolders
from fullglow_jax.data.options import check_annotations
from fullglow_jax.data.pair import PairSource
from fullglow_jax.data.prepared import open_prepared
from fullglow_jax.files.paths import user_path
from fullglow_jax.models.annotations import NO_ANNOTATIONS, Annotations
from fullglow_jax.street_scenes import SPLITS, generate

ON_BAD_FILE = ("error", "skip")
"""Ways to handle files that cannot be used."""


def build_source(
    data_config: ConfigDict, split: str, annotations: Annotations = NO_ANNOTATIONS
) -> PairSource:
    """The source that `data_config.name` names; its prepared pairs, if there are some.

    Args:
        data_config: `config.data`.
        split: 'train' or 'val' ('test' too if the data set has one).
        annotations: Annotations of the pairs.

    Returns:
        The source; its `faults` are the pairs that `on_bad_file='skip'` left out.

    Raises:
        UserError: As `checked_source`, or if prepared pairs are damaged.
    """
    source = checked_source(data_config, split, annotations)
    return open_prepared(source, data_config, split) or source


def checked_source(
    data_config: ConfigDict, split: str, annotations: Annotations = NO_ANNOTATIONS
) -> PairSource:
    """The source after all its image files were read once; see `build_source`.

    Raises:
        UserError: If data or annotations are missing or, with `on_bad_file='error'`, files are bad.
    """
    found = find_source(data_config, split, annotations)
    if not isinstance(found, FilePairs):
        return found
    strict = data_config.on_bad_file == "error"
    if strict:
        refuse(found.faults)  # before the files are read, which takes longer
    source = checked(found, split, data_config.threads)
    if strict or not source:
        refuse(source.faults)
    return source


def find_source(
    data_config: ConfigDict, split: str, annotations: Annotations = NO_ANNOTATIONS
) -> PairSource:
    """The source without a check of its files; see `build_source`."""
    return SOURCES[data_config.name].find(data_config, split, annotations)


class Source(NamedTuple):
    """A kind of data.

    Attributes:
        directions: Names of its directions; the first is the default.
        find: Finds a split's pairs with the given annotations.
    """

    directions: tuple[str, ...]
    find: Callable[[ConfigDict, str, Annotations], PairSource]


def _files(layout: type[Layout]) -> Source:
    """A source of image files."""

    def find(data_config: ConfigDict, split: str, annotations: Annotations) -> PairSource:
        return find_pairs(
            layout(data_config.root, split, *(data_config[key] for key in layout.options)),
            data_config.direction,
            tuple(data_config.image_size),
            data_config.fit,
            annotations,
        )

    return Source(tuple(layout.directions), find)


def _street_scenes(data_config: ConfigDict, split: str, annotations: Annotations) -> PairSource:
    if split in SPLITS:
        scenes = data_config.street_scenes.to_dict()
        generate(user_path(data_config.root), splits=(split,), **scenes)
    return SOURCES["cityscapes"].find(data_config, split, annotations)


def _mnist(data_config: ConfigDict, split: str, annotations: Annotations) -> PairSource:
    check_annotations(annotations, there=["label"])
    return mnist.find_mnist(
        data_config.root,
        split,
        data_config.mnist.files,
        data_config.direction,
        tuple(data_config.image_size),
    )


def _tfds(data_config: ConfigDict, split: str, annotations: Annotations) -> PairSource:
    # This import takes half a second, which other sources need not wait for.
    from fullglow_jax.data.tfds_pairs import find_tfds

    check_annotations(annotations, there=[])
    return find_tfds(
        data_config.root,
        split,
        data_config.tfds.to_dict(),
        data_config.direction,
        tuple(data_config.image_size),
        data_config.fit,
    )


SOURCES: dict[str, Source] = {
    **{name: _files(layout) for name, layout in LAYOUTS.items()},
    "mnist": Source(mnist.DIRECTIONS, _mnist),
    "street_scenes": Source(tuple(Cityscapes.directions), _street_scenes),
    "tfds": Source(tuple(TwoFolders.directions), _tfds),
}
