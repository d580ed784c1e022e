"""Files of several parts, matched by their keys."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from fullglow_jax.data.faults import Fault

K = TypeVar("K", bound=Any)
"""What the files of one example have in common, a name say; keys can be sorted."""


class Lonely(NamedTuple):
    """A file without the file of another part.

    Attributes:
        key: The key of both.
        missing: The part whose file is missing.
        present: A part whose file is there.
        path: The file that is there.
    """

    key: Any
    missing: str
    present: str
    path: Path


def match(
    there: Mapping[str, Mapping[K, Path]], fault: Callable[[Lonely], Fault]
) -> tuple[list[K], list[Fault]]:
    """The keys of which every part has a file, in order, and a fault for each missing file.

    Args:
        there: Files by their keys, for each part.
        fault: The fault of a file that is missing; it names one of those that are there.
    """
    keys = sorted({key for files in there.values() for key in files})
    faults = [
        fault(Lonely(key, part, present, there[present][key]))
        for part, files in there.items()
        for key in keys
        if key not in files
        for present in [next(other for other in there if key in there[other])]
    ]
    return [key for key in keys if all(key in files for files in there.values())], faults
