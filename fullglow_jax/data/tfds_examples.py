"""Examples of a data set that TFDS has prepared, read without TensorFlow."""

import difflib
import io
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image
from tensorflow_datasets.core.read_only_builder import builder_from_files

from fullglow_jax.data.images import check_pixels
from fullglow_jax.data.pixels import WrongPixelsError, to_ids, to_rgb
from fullglow_jax.errors import UserError
from fullglow_jax.files.paths import user_path

T = TypeVar("T")

_HOW_TO_PREPARE = """\
Prepare it there once, in any environment that has TensorFlow:
  tfds build {name} --data_dir {root} --file_format array_record
(with --manual_dir where the data must be downloaded by hand), and point --config.data.root to
that folder."""


class TfdsExample(NamedTuple):
    """One example with encoded images.

    Attributes:
        values: TFDS' values, by feature.
        name: Its name for messages.
    """

    values: Mapping[str, Any]
    name: str

    def rgb(self, feature: str) -> np.ndarray:
        """Decodes an image, uint8 (H, W, 3), as `to_rgb` does.

        Raises:
            UserError: If it cannot be decoded, or has too many pixels.
        """
        return self._decoded(feature, to_rgb)

    def ids(self, feature: str, colours: np.ndarray) -> np.ndarray:
        """Decodes a map of ids, int32 (H, W), as `to_ids` does.

        Raises:
            UserError: If it cannot be decoded, or the ids of its pixels are not certain.
        """
        return self._decoded(feature, partial(to_ids, colours=colours))

    def _decoded(self, feature: str, convert: Callable[[Image.Image], T]) -> T:
        try:
            with Image.open(io.BytesIO(self.values[feature])) as image:
                check_pixels(image)
                return convert(image)
        except Image.DecompressionBombError as error:
            raise UserError(
                f"{feature!r} of {self.name} is too large to be decoded safely: {error}. Prepare "
                "the data set anew, of smaller images."
            ) from error
        except WrongPixelsError as error:
            raise UserError(f"{feature!r} of {self.name} has {error}.") from error
        # All exceptions: given garbage, decoders raise many types, depending on the format.
        except Exception as error:
            raise UserError(
                f"{feature!r} of {self.name} is damaged, or no image. Prepare the data set anew."
            ) from error

    def label(self, feature: str) -> int:
        """A class, counted from 0."""
        return int(self.values[feature])


class TfdsExamples:
    """The examples of one split, by index, readable from several threads.

    Args:
        name: TFDS' name of the data set: NAME, NAME/CONFIG or NAME/CONFIG:VERSION.
        root: The folder that TFDS prepared it in.
        split: The split in TFDS' notation, for example 'train' or 'train[:90%]'.

    Attributes:
        name: The data set's name with its version.
        features: The features of an example.

    Raises:
        UserError: If there is no such data set or split, or the data set is not prepared in the
            folder in a file format that can be read in any order.
    """

    def __init__(self, name: str, root: Path | str, split: str) -> None:
        root = user_path(root)
        builder = _prepared(name, root)
        self.name = builder.info.full_name
        self.features: Mapping[str, Any] = dict(builder.info.features)
        self._split = split
        # TFDS itself would decode every image of an example, and cannot decode 16-bit images.
        encoded = {
            key: tfds.decode.SkipDecoding()
            for key, feature in self.features.items()
            if isinstance(feature, tfds.features.Image)
        }
        try:
            self._examples = builder.as_data_source(split, decoders=encoded)
        except NotImplementedError as error:
            raise UserError(
                f"{builder.data_dir} holds {builder.info.file_format.value} files, which cannot "
                "be read in any order; expected array_record files. Remove it.\n"
                + _HOW_TO_PREPARE.format(name=name, root=root)
            ) from error
        except ValueError as error:
            raise UserError(
                f"{self.name} has no split {split!r}: {str(error).splitlines()[0]} It has "
                f"{', '.join(builder.info.splits)}, and slices of them such as 'train[:90%]'."
            ) from error

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, index: int) -> TfdsExample:
        """Reads the example at `index`.

        Raises:
            UserError: If its file is missing or bad.
        """
        name = f"example {index} of {self.name}, split {self._split!r}"
        try:
            return TfdsExample(self._examples[index], name)
        except Exception as error:  # TFDS and ArrayRecord do not document their types.
            raise UserError(
                f"{name} cannot be read: {error}. Prepare the data set anew."
            ) from error


def _prepared(name: str, root: Path) -> Any:
    how = _HOW_TO_PREPARE.format(name=name, root=root)
    if not root.is_dir():
        raise UserError(f"the data folder {root} does not exist. It is to hold {name}.\n{how}")
    try:
        # From its files only: a data set's own code may need TensorFlow.
        return builder_from_files(name, data_dir=root)
    except tfds.core.DatasetNotFoundError:
        pass
    except ValueError as error:
        raise UserError(
            f"{name!r} is not the name of a TFDS data set: expected NAME, NAME/CONFIG or "
            "NAME/CONFIG:VERSION."
        ) from error
    there = _names_in(root)
    known = {*tfds.list_builders(with_community_datasets=False), *(n.split("/")[0] for n in there)}
    plain = name.split("/")[0].split(":")[0]
    if plain not in known:
        near = difflib.get_close_matches(plain, sorted(known))
        raise UserError(
            f"there is no TFDS data set {plain!r}, neither in its catalogue nor in {root}. "
            + (f"Did you mean {' or '.join(map(repr, near))}?" if near else "")
        )
    raise UserError(
        f"the TFDS data set {name} is not prepared in {root}, which holds "
        f"{', '.join(there) or 'none'}.\n{how}"
    )


def _names_in(root: Path) -> list[str]:
    """The data sets prepared in a folder, as NAME/VERSION or NAME/CONFIG/VERSION."""
    files = (*root.glob("*/*/features.json"), *root.glob("*/*/*/features.json"))
    return sorted(str(path.parent.relative_to(root)) for path in files)
