"""The sources of pairs, by name."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from ml_collections import ConfigDict

from fullglow_jax.data import mnist
from fullglow_jax.data.checked import checked
from fullglow_jax.data.classes import listed
from fullglow_jax.data.faults import refuse
from fullglow_jax.data.file_pairs import FilePairs, find_pairs
from fullglow_jax.data.fitting import Fitting
from fullglow_jax.data.images import Picture, read_rgb
from fullglow_jax.data.layouts import LAYOUTS, Cityscapes, Layout, TwoFolders
from fullglow_jax.data.names import canonical
from fullglow_jax.data.numbering import painted_numbers
from fullglow_jax.data.options import check_annotations, chosen_direction
from fullglow_jax.data.pair import PairSource
from fullglow_jax.data.prepared import open_prepared
from fullglow_jax.errors import UserError
from fullglow_jax.files.paths import user_path
from fullglow_jax.models.annotations import NO_ANNOTATIONS, Annotations
from fullglow_jax.street_scenes import SPLITS, generate

ON_BAD_FILE = ("error", "skip")
"""Ways to handle files that cannot be used."""


def build_source(
    data_config: ConfigDict,
    split: str,
    annotations: Annotations = NO_ANNOTATIONS,
    *,
    training: bool = False,
) -> PairSource:
    """The source that `data_config.name` names; its prepared pairs, if there are some.

    Args:
        data_config: `config.data`.
        split: 'train' or 'val' ('test' too if the data set has one).
        annotations: Annotations of the pairs.
        training: Whether the pairs are for training, which cuts `config.data.image_size` out of
            them: they may be larger.

    Returns:
        The source; its `faults` are the pairs that `on_bad_file='skip'` left out.

    Raises:
        UserError: As `checked_source`, or if prepared pairs are damaged.
    """
    source = checked_source(data_config, split, annotations, training=training)
    return open_prepared(source, data_config, split) or source


def checked_source(
    data_config: ConfigDict,
    split: str,
    annotations: Annotations = NO_ANNOTATIONS,
    *,
    training: bool = False,
) -> PairSource:
    """The source after all its image files were read once; see `build_source`.

    Raises:
        UserError: If data or annotations are missing or, with `on_bad_file='error'`, files are bad.
    """
    found = find_source(data_config, split, annotations, training=training)
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
    data_config: ConfigDict,
    split: str,
    annotations: Annotations = NO_ANNOTATIONS,
    *,
    training: bool = False,
) -> PairSource:
    """The source without a check of its files; see `build_source`."""
    fitting = (Fitting.in_training if training else Fitting.of)(data_config)
    return SOURCES[data_config.name].find(data_config, split, annotations, fitting)


def with_classes(config: ConfigDict) -> ConfigDict:
    """The config with the names of its classes, if `config.data.labels` says where they come from.

    They are those of the training split, in the order of their names, or in that of
    `config.data.classes` if it is given.

    Raises:
        UserError: If the data has no such classes, or other ones than given.
    """
    data = config.data
    if not data.labels:
        if data.classes:
            raise UserError(
                "config.data.classes names classes, and config.data.labels is not set: it says "
                "where the class of each example comes from."
            )
        return config
    found = SOURCES[data.name].classes(data)
    if data.classes is not None:
        given = tuple(map(canonical, data.classes))
        if twice := sorted({name for name in given if given.count(name) > 1}):
            raise UserError(f"config.data.classes names {listed(twice)} twice. Name each once.")
        if unseen := sorted(set(given) - set(found)):
            raise UserError(
                f"config.data.classes names {listed(unseen)}, of which training would see no "
                f"example. Its data has: {listed(found)}."
            )
        if left_out := sorted(set(found) - set(given)):
            raise UserError(
                f"config.data.classes lacks {listed(left_out)}, which the training split has. "
                "Name all classes, or leave the key out."
            )
        found = given
    if data.classes == found:
        return config
    config = config.copy_and_resolve_references()
    config.data.classes = found
    return config


class Source(NamedTuple):
    """A kind of data.

    Attributes:
        parts: (condition, target), as names of parts, by direction; the first is the default.
        find: Finds a split's pairs with the given annotations, and with images brought to their
            size in the given way.
        classes: Names of the classes that `config.data.labels` asks for, which is not empty.
        layout: The class of its image files' layout; None if it is not made of image files.
    """

    parts: Mapping[str, tuple[str, str]]
    find: Callable[[ConfigDict, str, Annotations, Fitting], PairSource]
    classes: Callable[[ConfigDict], tuple[str, ...]]
    layout: type[Layout] | None = None

    @property
    def directions(self) -> tuple[str, ...]:
        """Names of its directions."""
        return tuple(self.parts)


def part_of(data_config: ConfigDict, role: str) -> str:
    """The name of the part of pairs that is their "condition" or "target"; any other is itself."""
    parts = SOURCES[data_config.name].parts
    condition, target = parts[chosen_direction(data_config.direction, parts)]
    return {"condition": condition, "target": target}.get(role, role)


def read_alone(path: Path, data_config: ConfigDict, role: str) -> Picture:
    """An image file of a user's, as the source reads its own: as "condition", "target" or other.

    Raises:
        UserError: If it cannot be read, or its colours are none of the numbers that it must hold.
    """
    layout = opened_layout(data_config)
    if layout and part_of(data_config, role) in layout.numbered:
        return painted_numbers(path)
    return Picture(read_rgb(path))


def opened_layout(data_config: ConfigDict, split: str = "train") -> Layout | None:
    """The layout of a split's image files, none of which is looked for yet; None for other data.

    Raises:
        UserError: If the config's options do not fit it.
    """
    layout = SOURCES[data_config.name].layout
    return _opened(layout, data_config, split) if layout else None


def _opened(layout: type[Layout], data_config: ConfigDict, split: str) -> Layout:
    return layout(data_config.root, split, *(data_config[key] for key in layout.options))


def _files(layout: type[Layout]) -> Source:
    """A source of image files."""

    def find(
        data_config: ConfigDict, split: str, annotations: Annotations, fitting: Fitting
    ) -> FilePairs:
        return find_pairs(
            _opened(layout, data_config, split),
            data_config.direction,
            fitting,
            annotations,
            tuple(data_config.classes or ()),
        )

    def classes(data_config: ConfigDict) -> tuple[str, ...]:
        parts = next(iter(layout.directions.values()))
        found = _opened(layout, data_config, "train").find(parts)
        if labels := sorted({pair.label for pair in found.pairs if pair.label}):
            return tuple(labels)
        refuse(found.faults)
        raise UserError(
            f"config.data.labels={data_config.labels!r}: no example of the training split has a "
            "class. Expected a folder for each, ROOT/train/CLASS/NAME.png in the layout 'images', "
            "or its name in each row of the CSV."
        )

    has_labels = "labels" in layout.options
    return Source(layout.directions, find, classes if has_labels else _no_classes, layout)


def _no_classes(data_config: ConfigDict) -> tuple[str, ...]:
    raise UserError(
        f"config.data.labels={data_config.labels!r}: config.data.name={data_config.name!r} has no "
        f"classes. {', '.join(n for n, s in SOURCES.items() if s.classes is not _no_classes)} have."
    )


def _street_scenes(
    data_config: ConfigDict, split: str, annotations: Annotations, fitting: Fitting
) -> PairSource:
    if split in SPLITS:
        scenes = data_config.street_scenes.to_dict()
        generate(user_path(data_config.root), splits=(split,), **scenes)
    return SOURCES["cityscapes"].find(data_config, split, annotations, fitting)


def _mnist(
    data_config: ConfigDict, split: str, annotations: Annotations, fitting: Fitting
) -> PairSource:
    check_annotations(annotations, there=["label"])
    return mnist.find_mnist(
        data_config.root,
        split,
        data_config.mnist.files,
        data_config.direction,
        fitting.size,
        tuple(data_config.classes or ()),
    )


def _digits(data_config: ConfigDict) -> tuple[str, ...]:
    if data_config.labels != mnist.DIGIT:
        raise UserError(
            f"config.data.labels={data_config.labels!r} must be {mnist.DIGIT!r}: MNIST's classes "
            "are its digits."
        )
    return mnist.digit_names()


def _tfds(
    data_config: ConfigDict, split: str, annotations: Annotations, fitting: Fitting
) -> PairSource:
    # This import takes half a second, which other sources need not wait for.
    from fullglow_jax.data.tfds_pairs import find_tfds

    check_annotations(annotations, there=["label"] if data_config.labels else [])
    return find_tfds(
        data_config.root,
        split,
        data_config.tfds.to_dict(),
        data_config.direction,
        fitting,
        data_config.labels,
        tuple(data_config.classes or ()),
    )


def _tfds_classes(data_config: ConfigDict) -> tuple[str, ...]:
    from fullglow_jax.data.tfds_pairs import tfds_classes  # see `_tfds`

    return tfds_classes(data_config.root, data_config.tfds.to_dict(), data_config.labels)


SOURCES: dict[str, Source] = {
    **{name: _files(layout) for name, layout in LAYOUTS.items()},
    "mnist": Source(mnist.DIRECTIONS, _mnist, _digits),
    "street_scenes": _files(Cityscapes)._replace(find=_street_scenes),
    "tfds": Source(TwoFolders.directions, _tfds, _tfds_classes),
}
