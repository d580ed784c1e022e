"""Strict JSON, without NaN and infinity, so that every reader accepts it. It may hold arrays."""

import json
import math
from base64 import b64decode, b64encode
from typing import Any

import numpy as np

_ARRAY = {"array", "shape", "bytes"}


def dumps(value: Any, *, indent: int | None = None) -> str:
    """JSON of plain values; numbers that are not finite become null, as pandas and jq expect.

    Arrays become objects, from which `loads` restores them, with any numbers in them.
    """
    return json.dumps(_strict(value), indent=indent, allow_nan=False)


def loads(text: str) -> Any:
    """The values of a text from `dumps`; raises ValueError if the text is not JSON."""
    return json.loads(text, object_hook=_array_if_any)


def _strict(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _strict(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(each) for each in value]
    if isinstance(value, np.ndarray):
        content = b64encode(value.tobytes()).decode()
        return {"array": value.dtype.str, "shape": value.shape, "bytes": content}
    return value


def _array_if_any(value: dict[str, Any]) -> Any:
    if value.keys() != _ARRAY:
        return value
    flat = np.frombuffer(b64decode(value["bytes"]), value["array"])
    return flat.reshape(value["shape"])
