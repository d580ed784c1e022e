"""Pairs from a folder laid out as Cityscapes is, every file checked before training starts."""

from collections.abc import Sequence
from pathlib import Path

from fullglow_jax.data.boundary import boundary_map
from fullglow_jax.data.images import check_png, read_ids, read_rgb, resize_bilinear
from fullglow_jax.data.pair import Pair
from fullglow_jax.errors import UserError

_PHOTOS = "leftImg8bit"
_PHOTO = "_leftImg8bit.png"
_LABELS = "gtFine"
_COLOR = "_gtFine_color.png"
_IDS = "_gtFine_instanceIds.png"

_HOW_TO_GET_DATA = """\
Cityscapes is free for research after registering at https://www.cityscapes-dataset.com/:
unpack leftImg8bit_trainvaltest.zip and gtFine_trainvaltest.zip into one folder, so that it holds
  leftImg8bit/train/aachen/aachen_000000_000019_leftImg8bit.png
  gtFine/train/aachen/aachen_000000_000019_gtFine_color.png
and point --config.data.root to that folder. To run without it, on street scenes generated here,
use --config configs/street_scenes.py."""

Key = tuple[str, str]
"""(city, image): what the file names of one example share."""


class Cityscapes:
    """Label colour maps and photos of one split, by city and then by name.

    Reads ROOT/leftImg8bit/SPLIT/CITY/*_leftImg8bit.png as targets,
    ROOT/gtFine/SPLIT/CITY/*_gtFine_color.png as conditions and, where boundary maps are asked
    for, *_gtFine_instanceIds.png beside those. Images are stretched to `image_size` (antialiased
    bilinear); boundaries are found at the files' own size and then stretched the same way.

    Args:
        root: The folder that holds leftImg8bit and gtFine.
        split: 'train', 'val' or 'test'.
        image_size: (H, W) of the pairs.
        boundary: Whether pairs carry boundary maps.

    Raises:
        UserError: At construction: the root or the split is missing or empty, a file has no
            partner, is cut short or differs from its partner in size. Later: a file that began
            and ended well does not decode.
    """

    def __init__(
        self, root: Path | str, split: str, image_size: tuple[int, int], *, boundary: bool = False
    ) -> None:
        self.root = Path(root).expanduser()
        self.split = split
        self.image_size = image_size
        self.boundary = boundary
        self._check_root()
        photos = self._find(_PHOTOS, _PHOTO)
        labels = self._find(_LABELS, _COLOR)
        if not photos:
            raise UserError(self._no_photos())
        self._check_partners(photos, labels)
        self._keys = sorted(photos)
        self._check_files()

    def __len__(self) -> int:
        """Number of pairs in the split."""
        return len(self._keys)

    def __getitem__(self, index: int) -> Pair:
        """Reads the pair at `index`; raises UserError where a file does not decode."""
        key = self._keys[index]
        pair: Pair = {
            "condition": read_rgb(self._label(key), self.image_size),
            "target": read_rgb(self._photo(key), self.image_size),
            "name": key[1],
        }
        if self.boundary:
            native = boundary_map(read_ids(self._ids(key)))
            pair["boundary"] = resize_bilinear(native, self.image_size)
        return pair

    def __repr__(self) -> str:
        return (
            f"Cityscapes(root={str(self.root)!r}, split={self.split!r}, "
            f"image_size={self.image_size}, boundary={self.boundary})"
        )

    def _photo(self, key: Key) -> Path:
        return self.root / _PHOTOS / self.split / key[0] / (key[1] + _PHOTO)

    def _label(self, key: Key) -> Path:
        return self.root / _LABELS / self.split / key[0] / (key[1] + _COLOR)

    def _ids(self, key: Key) -> Path:
        return self.root / _LABELS / self.split / key[0] / (key[1] + _IDS)

    def _find(self, folder: str, suffix: str) -> set[Key]:
        return {
            (path.parent.name, path.name.removesuffix(suffix))
            for path in (self.root / folder / self.split).glob(f"*/*{suffix}")
            # macOS leaves '._NAME.png' files, which are no images, beside what it copies.
            if not path.name.startswith(".")
        }

    def _check_root(self) -> None:
        if not self.root.is_dir():
            raise UserError(f"the data folder {self.root} does not exist.\n{_HOW_TO_GET_DATA}")
        absent = [name for name in (_PHOTOS, _LABELS) if not (self.root / name).is_dir()]
        if absent:
            raise UserError(
                f"the data folder {self.root} has no {' and no '.join(absent)} in it.\n"
                f"{_HOW_TO_GET_DATA}"
            )

    def _no_photos(self) -> str:
        splits = sorted(
            path.name for path in (self.root / _PHOTOS).iterdir() if any(path.glob(f"*/*{_PHOTO}"))
        )
        pattern = self.root / _PHOTOS / self.split / "CITY" / f"*{_PHOTO}"
        there = f"The splits there are: {', '.join(splits)}." if splits else "No split has any."
        return f"the split {self.split!r} is empty: no {pattern}. {there}\n{_HOW_TO_GET_DATA}"

    def _check_partners(self, photos: set[Key], labels: set[Key]) -> None:
        _report(
            "photos without label map",
            [f"{self._photo(key)} needs {self._label(key)}" for key in sorted(photos - labels)],
            "Unpack gtFine_trainvaltest.zip into the same folder, or remove the photos.",
        )
        _report(
            "label maps without photo",
            [f"{self._label(key)} needs {self._photo(key)}" for key in sorted(labels - photos)],
            "Unpack leftImg8bit_trainvaltest.zip into the same folder, or remove the label maps.",
        )
        if self.boundary:
            _report(
                "photos without the instance ids that boundary maps are made from",
                [
                    f"{self._photo(key)} needs {self._ids(key)}"
                    for key in sorted(photos)
                    if not self._ids(key).is_file()
                ],
                "Unpack all of gtFine_trainvaltest.zip, or turn boundary maps off.",
            )

    def _check_files(self) -> None:
        damaged = []
        unequal = []
        for key in self._keys:
            paths = [self._photo(key), self._label(key)]
            if self.boundary:
                paths.append(self._ids(key))
            sizes = {}
            for path in paths:
                try:
                    sizes[path] = check_png(path)
                except UserError as error:
                    damaged.append(str(error))
            if len(set(sizes.values())) > 1:
                unequal.append(
                    ", ".join(
                        f"{path} is {height}×{width}" for path, (height, width) in sizes.items()
                    )
                )
        _report("damaged files", damaged, "Unpack the archive they come from again.")
        _report(
            "pairs whose files differ in size (height×width)",
            unequal,
            "Label map and photo must show the same pixels: restore the original files.",
        )


def _report(what: str, cases: Sequence[str], mend: str, shown: int = 3) -> None:
    """Raises one UserError for all `cases` of one fault; returns where there are none."""
    if not cases:
        return
    lines = [f"  {case}" for case in cases[:shown]]
    if len(cases) > shown:
        lines.append(f"  and {len(cases) - shown} more")
    raise UserError("\n".join([f"{what}: {len(cases)}", *lines, mend]))
