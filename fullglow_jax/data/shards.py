"""The ArrayRecord files of prepared pairs, each of which is whole or not there."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fullglow_jax.data.file_pairs import FilePairs
from fullglow_jax.data.prepared import (
    BYTES_OF_IDS,
    DATASET,
    IDS,
    NOT_TEXT,
    Checksum,
    checksum,
    encoded,
    image_parts,
)
from fullglow_jax.files.drafts import draft

PER_SHARD = 128
"""Number of pairs in a file; a stopped run keeps whole files."""

_WRITER_OPTIONS = "group_size:1,uncompressed"  # PNGs are compressed


class StoppedError(Exception):
    """A shard was given up."""


class Shard(NamedTuple):
    """A file that is to be written, and its pairs."""

    path: Path
    pairs: FilePairs


def shards_of(source: FilePairs, split: str, folder: Path) -> list[Shard]:
    """The files of a split, with TFDS' names and in the source's order."""
    starts = range(0, len(source), PER_SHARD)
    whole = replace(source, faults=(), left_alone=())
    return [
        Shard(
            folder / f"{DATASET}-{split}.array_record-{k:05d}-of-{len(starts):05d}",
            replace(whole, pairs=source.pairs[start : start + PER_SHARD]),
        )
        for k, start in enumerate(starts)
    ]


def make_shard(shard: Shard, stopped: Callable[[], bool] = lambda: False) -> Checksum:
    """Writes a shard, if it is not there yet.

    Args:
        shard: The shard.
        stopped: Called before each pair; returns whether to give up.

    Returns:
        The checksum of the shard on disk.

    Raises:
        UserError: If a pair cannot be read.
        StoppedError: If it was given up.
        OSError: If it cannot be written.
    """
    if not shard.path.exists():
        with draft(shard.path) as path:
            _write(path, shard.pairs, stopped)
    return checksum(shard.path)


def features_of(source: FilePairs) -> Any:
    """TFDS' description of a source's pairs."""
    import tensorflow_datasets as tfds  # takes half a second

    size = source.fitting.size if source.fitting.fixed else (None, None)

    def image(channels: int) -> Any:
        return tfds.features.Image(shape=(*size, channels), dtype=np.uint8, encoding_format="png")

    images = {part: image(BYTES_OF_IDS if part in IDS else 3) for part in image_parts(source)}
    return tfds.features.FeaturesDict({**images, "name": tfds.features.Text()})


def _write(path: Path, pairs: FilePairs, stopped: Callable[[], bool]) -> None:
    from array_record.python.array_record_module import ArrayRecordWriter
    from tensorflow_datasets.core.example_serializer import ExampleSerializer

    features = features_of(pairs)
    serializer = ExampleSerializer(features.get_serialized_info())
    try:
        writer = ArrayRecordWriter(str(path), _WRITER_OPTIONS)
        for index in range(len(pairs)):
            if stopped():
                raise StoppedError
            pair: Any = pairs[index]
            images = {part: encoded(pair[part], part) for part in image_parts(pairs)}
            name = pair["name"].encode(errors=NOT_TEXT)
            whole = features.encode_example({**images, "name": name})
            # By default, each process would write the features in a different order.
            example = serializer.get_tf_example(whole)
            writer.write(example.SerializeToString(deterministic=True))
        writer.close()
    except RuntimeError as error:  # ArrayRecord's error for a full disk
        raise OSError(str(error)) from error
