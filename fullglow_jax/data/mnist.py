"""MNIST: digits given their class, or given a coarse copy of themselves."""

import gzip
import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from fullglow_jax.data.class_image import class_image
from fullglow_jax.data.faults import Fault
from fullglow_jax.data.images import resize_bilinear
from fullglow_jax.data.options import chosen_direction
from fullglow_jax.data.pair import Pair
from fullglow_jax.errors import UserError
from fullglow_jax.files.paths import user_path
from fullglow_jax.files.unpacking import most_bytes, too_much

CLASSES = 10
DIGIT = "digit"
"""The value of `config.data.labels` for the digits as classes."""

SIDE = 28
"""Height and width of a digit."""

COARSE = 4
"""Height and width of a coarse digit's blocks, in the digit's own pixels."""

DIRECTIONS = {"class2digit": ("class", "digit"), "coarse2digit": ("coarse", "digit")}
SPLITS = ("train", "val")

_IDX_NAMES = {"train": "train", "val": "t10k"}
_TFDS_SPLITS = {"train": "train", "val": "test"}
_GZIP = b"\x1f\x8b"

_HOW_TO_GET_DATA = """\
MNIST is four files: train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz,
t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz (unpacked ones, without .gz, will do).
Download them anew from https://storage.googleapis.com/cvdf-datasets/mnist/ into one folder, and
point --config.data.root to it."""


class Digits(Protocol):
    """Digits and their classes by index, readable from several threads."""

    def __len__(self) -> int:
        """Number of digits."""

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        """uint8 (28, 28), 0 for paper and 255 for ink, and the class, 0 to 9."""


@dataclass(frozen=True)
class MnistPairs:
    """The digits of one split as targets, labelled with their class.

    The condition is the digit's class, as `class_image` paints it, or the digit itself, averaged
    over 4×4 pixels and enlarged again with nearest neighbour.

    Attributes:
        digits: The digits of the split.
        split: The split's name, which the pairs' names begin with.
        direction: One of `DIRECTIONS`.
        image_size: (H, W) of the pairs; digits are resized with antialiased bilinear.
        classes: Names of the classes in their order; () for that of the digits.
        faults: Always empty: files of MNIST with faults are refused as a whole.
    """

    digits: Digits
    split: str
    direction: str
    image_size: tuple[int, int]
    classes: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()

    def __len__(self) -> int:
        return len(self.digits)

    def __getitem__(self, index: int) -> Pair:
        """The pair at `index`."""
        index = range(len(self))[index]
        digit, label = self.digits[index]
        if self.direction == "class2digit":
            condition = class_image(label, CLASSES, self.image_size)
        else:
            condition = self._coarse(digit)
        return {
            "condition": condition,
            "target": resize_bilinear(_three_channels(digit), self.image_size),
            "name": self.name(index),
            "label": self.classes.index(str(label)) if self.classes else label,
        }

    def name(self, index: int) -> str:
        return f"{self.split}_{index:05d}_digit_{self.digits[index][1]}"

    @property
    def where(self) -> str:
        return f"MNIST, {self.direction}"

    def _coarse(self, digit: np.ndarray) -> np.ndarray:
        height, width = self.image_size
        coarse = Image.fromarray(digit).reduce(COARSE)
        return _three_channels(np.array(coarse.resize((width, height), Image.Resampling.NEAREST)))


def find_mnist(
    root: Path | str,
    split: str,
    files: str,
    direction: str | None,
    image_size: tuple[int, int],
    classes: tuple[str, ...] = (),
) -> MnistPairs:
    """MNIST in one direction, at one size.

    Args:
        root: The folder of the files.
        split: 'train' for the 60,000, 'val' for the 10,000 test digits.
        files: "idx" for MNIST's own files, "tfds" for a data set prepared by TFDS.
        direction: One of `DIRECTIONS`; None for the first.
        image_size: (H, W) of the pairs.
        classes: Names of the classes in their order; () for that of the digits.

    Returns:
        A source.

    Raises:
        UserError: If there is no such split or direction, or its files are missing or bad.
    """
    if split not in SPLITS:
        raise UserError(f"MNIST has no split {split!r}: it has {' and '.join(SPLITS)}.")
    direction = chosen_direction(direction, DIRECTIONS)
    digits = DIGITS[files](user_path(root), split)
    return MnistPairs(digits, split, direction, image_size, classes)


def digit_names() -> tuple[str, ...]:
    """Names of the classes."""
    return tuple(map(str, range(CLASSES)))


@dataclass(frozen=True)
class _IdxDigits:
    """All digits of a split in memory: 47 MB for the 60,000."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        return self.images[index], int(self.labels[index])


def _idx_digits(root: Path, split: str) -> Digits:
    if not root.is_dir():
        raise UserError(f"the data folder {root} does not exist.\n{_HOW_TO_GET_DATA}")
    images_file = _find(root, f"{_IDX_NAMES[split]}-images-idx3-ubyte")
    labels_file = _find(root, f"{_IDX_NAMES[split]}-labels-idx1-ubyte")
    images, labels = _read_idx(images_file, 3), _read_idx(labels_file, 1)
    if images.shape[1:] != (SIDE, SIDE):
        height, width = images.shape[1:]
        raise UserError(
            f"{images_file} has images of {height}×{width}, where MNIST's are {SIDE}×{SIDE}. "
            f"Is it another data set's?\n{_HOW_TO_GET_DATA}"
        )
    if len(images) != len(labels):
        raise UserError(
            f"{images_file} has {len(images)} images and {labels_file} {len(labels)} labels, "
            f"where each image has one. Are they of the same split?\n{_HOW_TO_GET_DATA}"
        )
    if labels.size and labels.max() >= CLASSES:
        raise UserError(
            f"{labels_file} has the label {labels.max()}, where MNIST's are 0 to {CLASSES - 1}. "
            f"Is it another data set's?\n{_HOW_TO_GET_DATA}"
        )
    return _IdxDigits(images, labels)


class _TfdsDigits:
    """Digits of TFDS, decoded when they are asked for."""

    def __init__(self, root: Path, split: str) -> None:
        # This import takes half a second, which other sources need not wait for.
        from fullglow_jax.data.tfds_examples import TfdsExamples

        self.examples = TfdsExamples("mnist", root, _TFDS_SPLITS[split])

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        example = self.examples[index]
        return example.rgb("image")[..., 0], example.label("label")


DIGITS: dict[str, Callable[[Path, str], Digits]] = {"idx": _idx_digits, "tfds": _TfdsDigits}
"""Readers of digits, by kind of files."""


def _three_channels(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[..., None], 3, axis=-1)


def _find(root: Path, name: str) -> Path:
    for path in (root / f"{name}.gz", root / name):
        if path.is_file():
            return path
    raise UserError(f"{root} has neither {name}.gz nor {name}.\n{_HOW_TO_GET_DATA}")


def _read_idx(path: Path, dimensions: int) -> np.ndarray:
    """Reads an IDX file of bytes, packed or not, with any suffix.

    Some browsers unpack their downloads and keep the name.
    """
    try:
        data = path.read_bytes()
        if data.startswith(_GZIP):
            with gzip.open(path) as packed:
                data = packed.read(most_bytes(path) + 1)
            if len(data) > most_bytes(path):
                raise too_much(path, "unpacked it has more")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{path} is damaged or cut short: {error}.\n{_HOW_TO_GET_DATA}") from error
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror}. Check its permissions and its disk."
        ) from error
    # 8 means bytes; the number of dimensions follows.
    magic, expected = int.from_bytes(data[:4]), 0x800 + dimensions
    if magic != expected:
        raise UserError(
            f"{path} begins with the number {magic}, where such a file begins with {expected}. "
            f"Is it another file, renamed?\n{_HOW_TO_GET_DATA}"
        )
    header = 4 * (1 + dimensions)
    shape = tuple(int.from_bytes(data[at : at + 4]) for at in range(4, header, 4))
    announced = header + math.prod(shape)
    if len(data) != announced:
        raise UserError(
            f"{path} holds {len(data)} bytes, where its first ones announce {announced}: "
            f"it is damaged or cut short.\n{_HOW_TO_GET_DATA}"
        )
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)
