"""Pairs of two features of any TFDS data set."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from fullglow_jax.data.class_image import class_image
from fullglow_jax.data.faults import Fault
from fullglow_jax.data.images import Picture, fit
from fullglow_jax.data.options import check_fit, chosen_direction
from fullglow_jax.data.pair import Pair
from fullglow_jax.data.palette import LABELS, colours_from_ids
from fullglow_jax.data.tfds_examples import TfdsExample, TfdsExamples
from fullglow_jax.errors import UserError

DIRECTIONS = ("AtoB", "BtoA")
PALETTES = ("none", "cityscapes")

MOST_CLASSES = 256
"""That eight bits tell apart."""


@dataclass(frozen=True)
class TfdsPairs:
    """Pairs of one split, in one direction, at one size.

    Attributes:
        examples: Reads them.
        condition: The feature that is the condition: an image, or a class as `class_image` paints
            it.
        target: The feature that is the target, of the same kinds.
        palette: One of `PALETTES`: what the values of images of one channel are painted with.
        split: Its name, for the pairs' own.
        image_size: (H, W) of the pairs.
        how: How images get there, one of `images.FITS`.
        faults: None, ever: a bad example is refused when it is read.
    """

    examples: TfdsExamples
    condition: str
    target: str
    palette: str
    split: str
    image_size: tuple[int, int]
    how: str
    faults: tuple[Fault, ...] = ()

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.examples)

    def __getitem__(self, index: int) -> Pair:
        """Reads the pair at `index`; raises UserError where its example is bad."""
        index = range(len(self))[index]
        example = self.examples[index]
        pictures = self._pictures(example)

        def fitted(feature: str) -> np.ndarray:
            if feature in pictures:
                return fit(pictures[feature], self.image_size, self.how)
            return self._class_image(example, feature)

        return {
            "condition": fitted(self.condition),
            "target": fitted(self.target),
            "name": f"{self.split}_{index:05d}",
        }

    @property
    def where(self) -> str:
        """See `PairSource`."""
        return f"{self.examples.name}, {self.condition} → {self.target}"

    def _pictures(self, example: TfdsExample) -> dict[str, Picture]:
        """What is an image, at its own size, which is the same for both."""
        pictures = {}
        for name in (self.condition, self.target):
            feature = self.examples.features[name]
            if not isinstance(feature, tfds.features.Image):
                continue
            image = example.image(name)
            if self.palette == "cityscapes" and feature.shape[-1] == 1:
                pictures[name] = Picture(_painted(image, name, example), labels=True)
            else:
                pictures[name] = Picture(_rgb(image))
        sizes = {name: picture.pixels.shape[:2] for name, picture in pictures.items()}
        if len(set(sizes.values())) > 1:
            named = ", ".join(f"{name!r} is {h}×{w}" for name, (h, w) in sizes.items())
            raise UserError(
                f"images of one pair differ in size (height×width): {named} in {example.name}. "
                "They must show the same pixels: choose other features."
            )
        return pictures

    def _class_image(self, example: TfdsExample, name: str) -> np.ndarray:
        label, classes = example.label(name), self.examples.features[name].num_classes
        if not 0 <= label < classes:
            raise UserError(
                f"{name!r} of {example.name} is {label}, where its classes are 0 to "
                f"{classes - 1}. Is it a split without labels?"
            )
        return class_image(label, classes, self.image_size)


def find_tfds(
    root: Path | str,
    split: str,
    settings: Mapping[str, str],
    direction: str | None,
    image_size: tuple[int, int],
    how: str,
) -> TfdsPairs:
    """Pairs of two features of a data set that TFDS has prepared.

    Args:
        root: The folder it is prepared in, TFDS' data_dir.
        split: 'train' or 'val', which the settings translate, or a split in TFDS' own words.
        settings: `config.data.tfds`.
        direction: One of `DIRECTIONS`; None for the first.
        image_size: (H, W) of the pairs.
        how: How images get there, one of `images.FITS`.

    Returns:
        A source.

    Raises:
        UserError: The data set, its split or one of the features is not there or not of use.
    """
    direction = chosen_direction(direction, DIRECTIONS)
    check_fit(how)
    palette = settings["palette"]
    if palette not in PALETTES:
        raise UserError(
            f"config.data.tfds.palette={palette!r} is not one of {', '.join(PALETTES)}."
        )
    if not settings["name"]:
        raise UserError(
            "config.data.tfds.name is not set. Name a TFDS data set, for example "
            "--config.data.tfds.name=cityscapes/semantic_segmentation."
        )
    tfds_split = {"train": settings["train"], "val": settings["val"]}.get(split, split)
    examples = TfdsExamples(settings["name"], root, tfds_split)
    a, b = (_checked(examples, key, settings[key]) for key in ("condition", "target"))
    condition, target = (a, b) if direction == "AtoB" else (b, a)
    return TfdsPairs(examples, condition, target, palette, split, image_size, how)


def _checked(examples: TfdsExamples, key: str, name: str) -> str:
    """The feature's name, where it can be made an image."""
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


def _rgb(image: Image.Image) -> np.ndarray:
    """Alpha is dropped, and of 16 bits the high byte kept, as in image files."""
    if image.mode.startswith("I"):
        grey = (np.array(image).astype(np.int32) >> 8).astype(np.uint8)
        return np.stack([grey, grey, grey], axis=-1)
    return np.array(image.convert("RGB"))


def _painted(image: Image.Image, feature: str, example: TfdsExample) -> np.ndarray:
    ids = np.array(image)
    if ids.ndim != 2 or ids.max() >= len(LABELS):
        raise UserError(
            f"{feature!r} of {example.name} is no map of Cityscapes' label ids, which go from 0 to "
            f"{len(LABELS) - 1}. Set --config.data.tfds.palette=none to read it as grey."
        )
    return colours_from_ids(ids.astype(np.uint8))
