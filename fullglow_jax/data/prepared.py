"""Prepared pairs: resized once and stored, so that training need not resize them again and again.

A folder holds one split as a TFDS data set of ArrayRecord files. Its name has a fingerprint of all
that the pixels depend on: pairs from other files, or resized in another way, are not found.
"""

import hashlib
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
from ml_collections import ConfigDict
from PIL import Image

from fullglow_jax.data.faults import Fault
from fullglow_jax.data.file_pairs import FilePairs, fingerprint
from fullglow_jax.data.fitting import Fitting
from fullglow_jax.data.images import check_pixels
from fullglow_jax.data.names import canonical
from fullglow_jax.data.pair import Pair, PairSource
from fullglow_jax.errors import UserError
from fullglow_jax.files.paths import user_path
from fullglow_jax.installation import as_called

VERSION = 1
"""Raise it whenever the same pixels give other records."""

NOT_TEXT = "surrogateescape"
"""Python's way to keep bytes in file names that are not text; also for names of pairs."""

DATASET = "pairs"
"""TFDS' name of the data set."""

IDS = ("instances",)
"""The parts that are ids, int32 (H, W), and no pictures."""

BYTES_OF_IDS = 4

CHECKSUMS = "checksums.json"
"""The file of all checksums of a folder; it is written last, when all other files are there."""

PREPARE = as_called("python -m fullglow_jax.data.prepare")
MEND = f"{PREPARE}, run again, mends it; or delete this folder."


class Checksum(NamedTuple):
    """A file's length in bytes, and its hash."""

    length: int
    sha256: str


@dataclass(frozen=True)
class PreparedPairs:
    """Pairs of a prepared folder; readable from several threads, and picklable.

    Attributes:
        examples: TFDS' data source with encoded images.
        images: The parts of a pair that are images.
        folder: The folder.
        faults: Faults of pairs that were left out.
        labels: Classes of the pairs, which are not stored; () if they have none.
    """

    examples: Any
    images: tuple[str, ...]
    folder: Path
    faults: tuple[Fault, ...]
    labels: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> Pair:
        """Reads the pair at `index`; raises UserError if it is damaged."""
        index = range(len(self))[index]
        with self._explained(index):
            example = self.examples[index]
            pair: dict[str, Any] = {part: _decoded(example[part], part) for part in self.images}
            if self.labels:
                pair["label"] = self.labels[index]
            return cast(Pair, {**pair, "name": _name(example)})

    def name(self, index: int) -> str:
        with self._explained(index):
            return _name(self.examples[index])

    @contextmanager
    def _explained(self, index: int) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # ArrayRecord, TFDS and Pillow raise many types.
            raise UserError(
                f"pair {index} in {self.folder} cannot be read: {error}.\n"
                f"{PREPARE} --verify finds what is damaged and mends it; or delete this folder."
            ) from error

    @property
    def where(self) -> str:
        return f"prepared pairs, {self.folder}"


def _name(example: Any) -> str:
    return str(example["name"].decode(errors=NOT_TEXT))


def open_prepared(source: PairSource, data_config: ConfigDict, split: str) -> PreparedPairs | None:
    """The prepared pairs of a split's source, the same pixel for pixel.

    It is None if no pairs are prepared from the same files in the same way.

    Raises:
        UserError: If they are damaged.
    """
    # A fingerprint needs the state of every file, so look first whether anything is prepared.
    if not isinstance(source, FilePairs) or not _base(data_config).is_dir():
        return None
    folder = prepared_folder(source, data_config, split)
    wrong = damage(folder)
    if wrong is None:
        return None
    if wrong:
        name, what = next(iter(wrong.items()))
        more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise UserError(f"the prepared pairs are damaged: {folder / name} {what}{more}.\n{MEND}")
    # This import takes half a second, which sources that are not prepared need not wait for.
    import tensorflow_datasets as tfds

    images = image_parts(source)
    # TFDS would decode with OpenCV on some machines and with Pillow on others.
    decoders = {part: tfds.decode.SkipDecoding() for part in images}
    builder = tfds.builder_from_directory(folder)
    examples = builder.as_data_source(split, decoders=decoders)
    labels = tuple(map(source.label, range(len(source)))) if source.classes else ()
    return PreparedPairs(examples, images, folder, source.faults, labels)


def image_parts(source: FilePairs) -> tuple[str, ...]:
    """The parts of a source's pairs that are images."""
    return ("condition", "target", *source.annotations)


def prepared_folder(source: FilePairs, data_config: ConfigDict, split: str) -> Path:
    """The folder for the prepared pairs of a split's source, which need not exist yet.

    It is below `config.data.prepared`, or else below `config.data.root`.
    """
    numbered = (f"numbers_{part}" for part in source.layout.numbered)
    parts = (source.condition, source.target, *source.annotations)
    kind = (*_fitted(source.fitting), *numbered, *parts)
    root = user_path(data_config.root)
    # By relative paths, so that files and prepared pairs may be moved together.
    files = fingerprint(source, lambda path: canonical(os.path.relpath(path, root)), VERSION)
    return _base(data_config) / "-".join(kind) / f"{split}-{files[:16]}"


def _fitted(fitting: Fitting) -> tuple[str, ...]:
    """Names for all of a way of fitting on which pixels depend."""
    height, width = fitting.size
    uncut = () if fitting.fixed else ("uncut",)
    other = () if fitting.filter == "bilinear" else (fitting.filter,)
    nearest = (f"nearest_{part}" for part in fitting.label_maps)
    return f"{height}x{width}", fitting.how, *uncut, *other, *nearest


def damage(folder: Path, *, thorough: bool = False) -> dict[str, str] | None:
    """The damage of a folder's files, by name.

    Args:
        folder: The folder.
        thorough: Whether to read the files, instead of comparing only their lengths.

    Returns:
        An empty dictionary if all is well; None if the folder is not completely prepared.

    Raises:
        UserError: If the system does not let the files be read.
    """
    try:
        stored = json.loads((folder / CHECKSUMS).read_bytes())
        checksums = {name: Checksum(**checksum) for name, checksum in stored.items()}
        found = {name: _damage(folder / name, checksums[name], thorough) for name in checksums}
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UserError(f"the prepared pairs in {folder} cannot be read: {error}.") from error
    except (ValueError, TypeError, AttributeError):
        # Without checksums, no file is known to be right.
        return {path.name: f"cannot be trusted without {CHECKSUMS}" for path in folder.iterdir()}
    return {name: what for name, what in found.items() if what}


def checksum(path: Path) -> Checksum:
    """The checksum of a file, which is read to its end."""
    with path.open("rb") as file:
        return Checksum(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def _damage(path: Path, right: Checksum, thorough: bool) -> str:
    if not path.is_file():
        return "is missing"
    length = path.stat().st_size
    if length != right.length:
        return f"has {length} bytes, where {right.length} were written"
    if thorough and checksum(path) != right:
        return "has other content than was written"
    return ""


def _base(data_config: ConfigDict) -> Path:
    return user_path(data_config.prepared or Path(data_config.root) / "prepared")


def encoded(image: np.ndarray, part: str) -> bytes:
    """A part of a pair as a PNG: a picture, or the four bytes of each id, the lowest first."""
    if part in IDS:
        image = image.astype("<i4")[..., None].view(np.uint8)
    content = io.BytesIO()
    Image.fromarray(image).save(content, "PNG", compress_level=6)
    return content.getvalue()


def _decoded(png: bytes, part: str) -> np.ndarray:
    """The part that was `encoded`."""
    with Image.open(io.BytesIO(png)) as image:
        check_pixels(image)
        pixels = np.array(image)
    return pixels.view("<i4")[..., 0] if part in IDS else pixels
