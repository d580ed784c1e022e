"""Pairs that were resized once and written down, so that training need not do it again and again.

A folder holds one split as a TFDS data set of ArrayRecord files. Its name has a fingerprint of all
that decides the pixels: what was made of other files, or in another way, is not even found.
"""

import hashlib
import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
from ml_collections import ConfigDict
from PIL import Image

from fullglow_jax.data.faults import Fault
from fullglow_jax.data.file_pairs import FilePairs, file_states
from fullglow_jax.data.pair import Pair, PairSource
from fullglow_jax.errors import UserError

VERSION = 1
"""Raised whenever the same image files give other records."""

DATASET = "pairs"
"""What TFDS calls the data set."""

CHECKSUMS = "checksums.json"
"""Of all files of a folder; written last, so that its presence says that they are all there."""

MEND = "python -m fullglow_jax.data.prepare, run again, mends it; or delete this folder."


class Checksum(NamedTuple):
    """What is remembered of a file: its length in bytes, and a hash of them."""

    length: int
    sha256: str


@dataclass(frozen=True)
class PreparedPairs:
    """Pairs read from a folder that was prepared; readable from several threads, and picklable.

    Attributes:
        examples: TFDS' data source, images left encoded.
        images: The parts of a pair that are images.
        folder: Where they are read from.
        faults: What is wrong with examples that were left out.
    """

    examples: Any
    images: tuple[str, ...]
    folder: Path
    faults: tuple[Fault, ...]

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.examples)

    def __getitem__(self, index: int) -> Pair:
        """Reads the pair at `index`; raises UserError where it is damaged."""
        index = range(len(self))[index]
        try:
            example = self.examples[index]
            pair = {part: _decoded(example[part]) for part in self.images}
            pair["name"] = example["name"].decode()
        except Exception as error:  # ArrayRecord, TFDS and Pillow have many.
            raise UserError(
                f"pair {index} in {self.folder} cannot be read: {error}.\n"
                "python -m fullglow_jax.data.prepare --verify finds what is damaged and mends it; "
                "or delete this folder."
            ) from error
        return cast(Pair, pair)

    @property
    def where(self) -> str:
        """See `PairSource`."""
        return f"prepared pairs, {self.folder}"


def open_prepared(source: PairSource, data_config: ConfigDict, split: str) -> PreparedPairs | None:
    """What was prepared of a source's pairs, the same pixel for pixel.

    Args:
        source: The source, as it is without.
        data_config: `config.data`.
        split: The source's split.

    Returns:
        Its pairs, or None where none are prepared of just these files in just this way.

    Raises:
        UserError: They are there but damaged.
    """
    # Fingerprints ask for the state of every file: not where there is nothing to be found.
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
    # Takes half a second, which sources that are not prepared need not wait for.
    import tensorflow_datasets as tfds

    images = image_parts(source)
    # TFDS would decode with OpenCV here and with Pillow there.
    decoders = {part: tfds.decode.SkipDecoding() for part in images}
    builder = tfds.builder_from_directory(folder)
    examples = builder.as_data_source(split, decoders=decoders)
    return PreparedPairs(examples, images, folder, source.faults)


def image_parts(source: FilePairs) -> tuple[str, ...]:
    """The parts of a source's pairs that are images."""
    return ("condition", "target", "boundary") if source.boundary else ("condition", "target")


def prepared_folder(source: FilePairs, data_config: ConfigDict, split: str) -> Path:
    """Where a source's pairs are prepared, whether they are yet or not.

    Args:
        source: The pairs.
        data_config: `config.data`; pairs go below its `prepared`, or else below its root.
        split: The source's split.
    """
    height, width = source.image_size
    kind = [f"{height}x{width}", source.how, source.condition, source.target]
    kind += ["boundary"] if source.boundary else []
    root = Path(data_config.root).expanduser()
    return _base(data_config) / "-".join(kind) / f"{split}-{_fingerprint(source, root)[:16]}"


def damage(folder: Path, *, thorough: bool = False) -> dict[str, str] | None:
    """What is wrong with a folder's files, by name.

    Args:
        folder: The folder.
        thorough: Whether to read the files, rather than to compare their lengths alone.

    Returns:
        Nothing where all is well, and None where nothing is prepared there, or not to the end.

    Raises:
        UserError: The system does not let them be read.
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
        # Nothing says of any file that it is the right one.
        return {path.name: f"cannot be trusted without {CHECKSUMS}" for path in folder.iterdir()}
    return {name: what for name, what in found.items() if what}


def checksum(path: Path) -> Checksum:
    """Reads a file to its end."""
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
    return Path(data_config.prepared or Path(data_config.root) / "prepared").expanduser()


def _fingerprint(source: FilePairs, root: Path) -> str:
    """Of the files, as they are, and of how they are read."""
    how = (VERSION, type(source.layout).__name__, source.parts)
    digest = hashlib.sha256(repr(how).encode())
    for name, part, path, state in file_states(source):
        # Relative, so that what is below the root may be moved with it.
        digest.update(repr((name, part, os.path.relpath(path, root), state)).encode())
    return digest.hexdigest()


def _decoded(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as image:
        return np.array(image)
