"""True pairs of a split, at their size on disk, with which drawn images are compared."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from fullglow_jax.data.file_pairs import FilePairs
from fullglow_jax.data.image_files import name_below
from fullglow_jax.data.images import read_rgb
from fullglow_jax.data.pair import PairSource
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.image_folders import check_no_set, images_below
from fullglow_jax.sampling.file_names import FileNames, readable


class Truth(NamedTuple):
    """A pair of the data set.

    Attributes:
        name: The name of files drawn for it, without an ending.
        condition: uint8 (H, W, 3), of its original size if it comes from a file: the part
            of it that models of this data see.
        target: The true image, of the same kind.
        other_condition: The condition of the pair half a split away, since neighbours may show the
            same street; None if there is no other pair.
    """

    name: str
    condition: np.ndarray
    target: np.ndarray
    other_condition: np.ndarray | None


class TrueImages(Protocol):
    """What drawn images are compared with, pair by pair."""

    def __len__(self) -> int:
        """The number of pairs."""

    def __getitem__(self, place: int) -> Truth:
        """A pair, by its place."""


class Truths:
    """A source's (first) pairs, with the names that `sample.py --mode set` gives their images."""

    def __init__(self, source: PairSource, limit: int | None = None) -> None:
        self._source = source
        names = FileNames()
        count = min(len(source), limit or len(source))
        self._names = [names(source.name(place)) for place in range(count)]

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, place: int) -> Truth:
        place = range(len(self))[place]
        return Truth(self._names[place], *self._pair(place), self._other_condition(place))

    def _pair(self, place: int) -> tuple[np.ndarray, np.ndarray]:
        source = self._source
        if not isinstance(source, FilePairs):
            pair = source[place]
            return pair["condition"], pair["target"]
        native, shown = source.native(place), source.fitting.shown
        return shown(native[source.condition].pixels), shown(native[source.target].pixels)

    def _other_condition(self, place: int) -> np.ndarray | None:
        # From the whole split, even with a limit: its first pairs may all show one street.
        source, count = self._source, len(self._source)
        if count == 1:
            return None
        other = (place + count // 2) % count
        if not isinstance(source, FilePairs):
            return source[other]["condition"]
        part = source.condition
        pixels = source.layout.read(source.pairs[other], (part,))[part].pixels
        return source.fitting.shown(pixels)


class Namesakes:
    """The images of a folder as true ones of another folder's, by their names; no conditions.

    Args:
        names: Names of the other folder's images.
        folder: The folder.

    Raises:
        UserError: If a name has no image in the folder.
    """

    def __init__(self, names: Sequence[str], folder: Path) -> None:
        check_no_set(folder, "--against")
        files = images_below(folder, "--against")
        self._names = list(names)
        self._files = {readable(name_below(folder, path)): path for path in files}
        if missing := [name for name in names if readable(name) not in self._files]:
            raise UserError(
                f"--against {folder} has no image for {len(missing)} of {len(names)} of --images, "
                f"for example {missing[0]}. Metrics that compare single images take those of one "
                "name; fid, kid, fd_judge, kd_judge and precision_recall compare folders as sets."
            )

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, place: int) -> Truth:
        name = self._names[place]
        target = read_rgb(self._files[readable(name)])
        return Truth(name, np.zeros_like(target), target, None)
