"""Checkpoints of TensorFlow, read without it.

Its `Saver` writes PREFIX.index, a table of LevelDB whose values are protocol buffers, and
PREFIX.data-00000-of-00001 and so on, the bytes of the tensors (tensorflow/core/util/tensor_bundle,
tensorflow/core/lib/io/table_format.txt). Only float32 is read, which all weights are.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fullglow_jax.errors import UserError, mended
from fullglow_jax.interop.tensors import Tensors

INDEX = ".index"

MAGIC = bytes.fromhex("57fb808b247547db")
"""The last bytes of LevelDB's tables."""

FOOTER = 48
"""Bytes at the end of a table."""

FLOAT = 1
"""`DT_FLOAT`."""

# Fields of `BundleHeaderProto`, of `BundleEntryProto`, of its `TensorShapeProto`, and of that one's
# dimensions.
SHARDS = 1
DTYPE, SHAPE, SHARD, OFFSET, SIZE = 1, 2, 3, 4, 5
DIMENSION, LENGTH = 2, 1

# Kinds of fields of protocol buffers; those of a fixed length, in bytes.
VARINT, BYTES, FIXED = 0, 2, {1: 8, 5: 4}


def read_tensorflow_file(path: Path, expected: str) -> Tensors:
    """The float32 tensors of a checkpoint, by name.

    Args:
        path: PREFIX or PREFIX.index.
        expected: The expected kind of file, for messages.

    Raises:
        UserError: If a file of the checkpoint is missing, damaged or not TensorFlow's.
    """
    prefix = path.parent / path.name.removesuffix(INDEX)
    index = path.parent / f"{prefix.name}{INDEX}"
    if not index.is_file():
        raise UserError(
            f"{index}: no such file; expected {expected}: the folder must have that file and "
            f"{prefix.name}.data-…, of which {prefix.name} is the name."
        )
    with mended(f"{prefix} cannot be read", "Check its permissions and its disk."):
        try:
            return dict(_tensors(prefix, index.read_bytes()))
        except FileNotFoundError as error:
            raise UserError(
                f"{error.filename}: no such file. It belongs to {index.name}: copy both."
            ) from None
        except (ValueError, IndexError, KeyError, OverflowError, MemoryError) as error:
            raise UserError(
                f"{prefix} is not a whole TensorFlow checkpoint ({type(error).__name__}). Expected "
                f"{index.name} and {prefix.name}.data-…, as tf.train.Saver writes them; they may "
                "have been cut off: copy them again."
            ) from None


def _tensors(prefix: Path, index: bytes) -> Iterator[tuple[str, np.ndarray]]:
    """(name, tensor) of a checkpoint with this index."""
    if index[-len(MAGIC) :] != MAGIC:
        raise ValueError("no table")
    _, at = _handle(index, len(index) - FOOTER)
    blocks, _ = _handle(index, at)
    entries = {
        key: _fields(value)
        for _, block in _block(index, *blocks)
        for key, value in _block(index, *_handle(block, 0)[0])
    }
    header = entries.pop(b"")
    shards: dict[int, np.ndarray] = {}
    for name, entry in entries.items():
        if _first(entry, DTYPE) != FLOAT:
            continue
        shard = _first(entry, SHARD)
        if shard not in shards:
            file = f"{prefix.name}.data-{shard:05}-of-{_first(header, SHARDS):05}"
            shards[shard] = np.memmap(prefix.parent / file, np.uint8, "r")
        dimensions = _fields(_first(entry, SHAPE, b"")).get(DIMENSION, [])
        shape = [_first(_fields(each), LENGTH) for each in dimensions]
        start, size = _first(entry, OFFSET), _first(entry, SIZE)
        data = shards[shard][start : start + size]
        if not len(data) == size == math.prod(shape) * np.float32().nbytes:
            raise ValueError("a tensor of another size")
        yield name.decode(), data.view("<f4").reshape(shape)


def _block(table: bytes, start: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """(key, value) of a block; a key is stored without what it shares with the one before."""
    block = table[start : start + size]
    if len(block) < size or table[start + size] != 0:
        raise ValueError("a block is cut off or compressed")
    # At the end stand places where keys are whole, four bytes each, and how many.
    end = size - 4 * (int.from_bytes(block[-4:], "little") + 1)
    key, at = b"", 0
    while at < end:
        shared, at = _varint(block, at)
        more, at = _varint(block, at)
        length, at = _varint(block, at)
        key = key[:shared] + block[at : at + more]
        at += more + length
        yield key, block[at - length : at]


def _handle(data: bytes, at: int) -> tuple[tuple[int, int], int]:
    """((start, size) of a block, the place after them)."""
    start, at = _varint(data, at)
    size, at = _varint(data, at)
    return (start, size), at


def _fields(message: bytes) -> dict[int, list[Any]]:
    """The values of a protocol buffer, integers or bytes, by the number of their field."""
    fields: dict[int, list[Any]] = {}
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, kind = tag >> 3, tag & 7
        value: int | bytes
        if kind == VARINT:
            value, at = _varint(message, at)
        else:
            length, at = _varint(message, at) if kind == BYTES else (FIXED[kind], at)
            value, at = message[at : at + length], at + length
        fields.setdefault(number, []).append(value)
    return fields


def _first(fields: dict[int, list[Any]], number: int, default: Any = 0) -> Any:
    """A field's first value; protocol buffers leave out those that have the default."""
    return fields.get(number, [default])[0]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """(integer, the place after it): seven bits a byte, the lowest first."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
