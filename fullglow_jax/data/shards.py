"""The ArrayRecord files that prepared pairs are written to, each of them whole or not there."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from fullglow_jax.data.file_pairs import FilePairs
from fullglow_jax.data.prepared import DATASET, Checksum, checksum, image_parts
from fullglow_jax.drafts import draft

PER_SHARD = 128
"""Pairs in a file, which is what a stopped run keeps."""

_WRITER_OPTIONS = "group_size:1,uncompressed"  # PNGs are compressed


class StoppedError(Exception):
    """A shard was given up."""


class Shard(NamedTuple):
    """A file to be, and what goes into it."""

    path: Path
    pairs: FilePairs


def shards_of(source: FilePairs, split: str, folder: Path) -> list[Shard]:
    """What files a split is written to, in TFDS' naming and the source's order."""
    starts = range(0, len(source), PER_SHARD)
    return [
        Shard(
            folder / f"{DATASET}-{split}.array_record-{k:05d}-of-{len(starts):05d}",
            replace(source, examples=source.examples[start : start + PER_SHARD], faults=()),
        )
        for k, start in enumerate(starts)
    ]


def make_shard(shard: Shard, stopped: Callable[[], bool] = lambda: False) -> Checksum:
    """Writes a shard, where it is not there yet.

    Args:
        shard: What to write, and where.
        stopped: Asked before each pair whether to give up.

    Returns:
        The checksum of the shard as it is on disk.

    Raises:
        UserError: A pair cannot be read.
        StoppedError: It was given up.
        OSError: It cannot be written.
    """
    if not shard.path.exists():
        with draft(shard.path) as path:
            _write(path, shard.pairs, stopped)
    return checksum(shard.path)


def features_of(source: FilePairs) -> Any:
    """TFDS' description of a source's pairs."""
    import tensorflow_datasets as tfds  # takes half a second, which shards that are there save

    image = tfds.features.Image(shape=(*source.image_size, 3), encoding_format="png")
    images = dict.fromkeys(image_parts(source), image)
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
            images = {part: _encoded(pair[part]) for part in image_parts(pairs)}
            encoded = features.encode_example({**images, "name": pair["name"]})
            # Left to itself, each process would write the features in an order of its own.
            example = serializer.get_tf_example(encoded)
            writer.write(example.SerializeToString(deterministic=True))
        writer.close()
    except RuntimeError as error:  # what ArrayRecord makes of a full disk
        raise OSError(str(error)) from error


def _encoded(image: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(image).save(content, "PNG", compress_level=6)
    return content.getvalue()
