"""Pairs of two features of a TFDS data set."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from fullglow_jax.data.class_image import class_image
from fullglow_jax.data.classes import class_index
from fullglow_jax.data.faults import Fault
from fullglow_jax.data.fitting import Fitting
from fullglow_jax.data.images import Picture
from fullglow_jax.data.numbering import NUMBERINGS, PALETTES
from fullglow_jax.data.options import check_label_maps, chosen_direction
from fullglow_jax.data.pair import Pair
from fullglow_jax.data.tfds_examples import TfdsExample, TfdsExamples
from fullglow_jax.errors import UserError

DIRECTIONS = ("AtoB", "BtoA")

MOST_CLASSES = 256
"""The number of different values of eight bits."""


@dataclass(frozen=True)
class TfdsPairs:
    """Pairs of one split, in one direction.

    Attributes:
        examples: The examples.
        condition: The feature that is the condition: an image, or a class, which `class_image`
            paints.
        target: The feature that is the target: an image or a class, too.
        palette: One of `PALETTES`, for images of one channel.
        split: The split's name, which the pairs' names begin with.
        fitting: The way of their images to the pairs' size.
        label: The feature that is each example's class; empty for no classes.
        classes: Names of the classes.
        faults: Always empty: a bad example is refused when it is read.
    """

    examples: TfdsExamples
    condition: str
    target: str
    palette: str
    split: str
    fitting: Fitting
    label: str = ""
    classes: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> Pair:
        """Reads the pair at `index`; raises UserError if its example is bad."""
        index = range(len(self))[index]
        example = self.examples[index]
        pictures = self._pictures(example)

        def fitted(feature: str) -> np.ndarray:
            if feature in pictures:
                return self.fitting(pictures[feature], feature)
            return self._class_image(example, feature)

        pair: Pair = {
            "condition": fitted(self.condition),
            "target": fitted(self.target),
            "name": self.name(index),
        }
        if self.classes:
            number = self._class(example, self.label)
            name = self.examples.features[self.label].int2str(number)
            what = f"{self.label!r} of {example.name} is"
            pair["label"] = class_index(name, self.classes, what)
        return pair

    def name(self, index: int) -> str:
        return f"{self.split}_{index:05d}"

    @property
    def where(self) -> str:
        return f"{self.examples.name}, {self.condition} → {self.target}"

    def _pictures(self, example: TfdsExample) -> dict[str, Picture]:
        """The features that are images, at their own size, which must be the same for both."""
        pictures = {}
        for name in (self.condition, self.target):
            feature = self.examples.features[name]
            if not isinstance(feature, tfds.features.Image):
                continue
            numbering = PALETTES[self.palette]
            if numbering and feature.shape[-1] == 1:
                pictures[name] = Picture(_painted(example, name, numbering), labels=True)
            else:
                pictures[name] = Picture(example.rgb(name))
        sizes = {name: picture.pixels.shape[:2] for name, picture in pictures.items()}
        if len(set(sizes.values())) > 1:
            named = ", ".join(f"{name!r} is {h}×{w}" for name, (h, w) in sizes.items())
            raise UserError(
                f"images of one pair differ in size (height×width): {named} in {example.name}. "
                "They must show the same pixels: choose other features."
            )
        for name, size in sizes.items():
            if fault := self.fitting.fault(size):
                raise UserError(f"{name!r} of {example.name}: {fault}")
        return pictures

    def _class_image(self, example: TfdsExample, name: str) -> np.ndarray:
        classes = self.examples.features[name].num_classes
        return class_image(self._class(example, name), classes, self.fitting.size)

    def _class(self, example: TfdsExample, name: str) -> int:
        label, classes = example.label(name), self.examples.features[name].num_classes
        if not 0 <= label < classes:
            raise UserError(
                f"{name!r} of {example.name} is {label}, where its classes are 0 to "
                f"{classes - 1}. Is it a split without labels?"
            )
        return label


def find_tfds(
    root: Path | str,
    split: str,
    settings: Mapping[str, str],
    direction: str | None,
    fitting: Fitting,
    label: str = "",
    classes: tuple[str, ...] = (),
) -> TfdsPairs:
    """Pairs of two features of a data set that TFDS has prepared.

    Args:
        root: The folder it is prepared in, TFDS' data_dir.
        split: 'train' or 'val', which the settings translate, or a split in TFDS' notation.
        settings: `config.data.tfds`.
        direction: One of `DIRECTIONS`; None for the first.
        fitting: The way of their images to the pairs' size.
        label: The feature that is each example's class; empty for no classes.
        classes: Names of the classes.

    Returns:
        A source.

    Raises:
        UserError: If the data set, its split or a feature is missing or cannot be used.
    """
    direction = chosen_direction(direction, DIRECTIONS)
    examples = _examples(root, split, settings)
    if label:
        _check_label(examples, label)
    a, b = (_checked(examples, key, settings[key]) for key in ("condition", "target"))
    condition, target = (a, b) if direction == "AtoB" else (b, a)
    features = {"A": a, "B": b}
    check_label_maps(fitting.label_maps, features)
    fitting = replace(fitting, label_maps=tuple(features[part] for part in fitting.label_maps))
    palette, classes = settings["palette"], classes if label else ()
    return TfdsPairs(examples, condition, target, palette, split, fitting, label, classes)


def tfds_classes(root: Path | str, settings: Mapping[str, str], label: str) -> tuple[str, ...]:
    """Names of a feature's classes, in TFDS' order; arguments are as in `find_tfds`.

    Raises:
        UserError: If the data set is missing, or has no such feature of classes.
    """
    examples = _examples(root, "train", settings)
    _check_label(examples, label)
    feature = examples.features[label]
    return tuple(map(feature.int2str, range(feature.num_classes)))


def _examples(root: Path | str, split: str, settings: Mapping[str, str]) -> TfdsExamples:
    if not settings["name"]:
        raise UserError(
            "config.data.tfds.name is not set. Name a TFDS data set, for example "
            "--config.data.tfds.name=cityscapes/semantic_segmentation."
        )
    tfds_split = {"train": settings["train"], "val": settings["val"]}.get(split, split)
    return TfdsExamples(settings["name"], root, tfds_split)


def _check_label(examples: TfdsExamples, name: str) -> None:
    features = examples.features
    there = sorted(n for n, f in features.items() if isinstance(f, tfds.features.ClassLabel))
    if name not in there or not features[name].num_classes:
        raise UserError(
            f"config.data.labels={name!r} is no feature of classes of {examples.name}. Those are: "
            f"{', '.join(there) or 'none'}."
        )


def _checked(examples: TfdsExamples, key: str, name: str) -> str:
    """The feature's name, after a check that it can become an image."""
    features = examples.features
    if name not in features:
        nearest = difflib.get_close_matches(name, features, n=len(features), cutoff=0.0)
        raise UserError(
            f"config.data.tfds.{key}={name!r} is no feature of {examples.name}, which has "
            f"{', '.join(nearest)}."
        )
    feature = features[name]
    if isinstance(feature, tfds.features.Image):
        if feature.np_dtype not in (np.uint8, np.uint16):
            raise UserError(
                f"config.data.tfds.{key}={name!r} is an image of {feature.np_dtype} pixels, where "
                "8 or 16 unsigned bits are expected."
            )
    elif isinstance(feature, tfds.features.ClassLabel):
        if not 1 <= (feature.num_classes or 0) <= MOST_CLASSES:
            raise UserError(
                f"config.data.tfds.{key}={name!r} has {feature.num_classes} classes, where an "
                f"image can stand for {MOST_CLASSES}."
            )
    else:
        raise UserError(
            f"config.data.tfds.{key}={name!r} is {type(feature).__name__}, neither an image nor a "
            f"class label. Of {examples.name}, those are "
            f"{', '.join(sorted(n for n, f in features.items() if _usable(f))) or 'none'}."
        )
    return name


def _usable(feature: object) -> bool:
    return isinstance(feature, tfds.features.Image | tfds.features.ClassLabel)


def _painted(example: TfdsExample, feature: str, kind: str) -> np.ndarray:
    numbering = NUMBERINGS[kind]
    ids = example.ids(feature, numbering.colours)
    strange = numbering.strange(ids)
    if strange is None:
        return numbering.colours[ids]
    fitting = [n for n, k in PALETTES.items() if k and NUMBERINGS[k].strange(ids) is None]
    other = fitting[0] if fitting else "none"
    meant = "to read it as grey" if other == "none" else "if that is what it is"
    raise UserError(
        f"{feature!r} of {example.name} is no map of Cityscapes' {numbering.called}s, which "
        f"{numbering.extent}: it has {strange}. Set --config.data.tfds.palette={other} {meant}."
    )
