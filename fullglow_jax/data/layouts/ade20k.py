"""ADE20K, as the challenge of 2016 released it."""

from pathlib import Path
from typing import ClassVar

from fullglow_jax.data.layouts.labelled_photos import LabelledPhotos, Place
from fullglow_jax.data.names import canonical

_SPLITS = {"train": ("training", "_train_"), "val": ("validation", "_val_")}
"""By split, its folder, and the part of its files' names."""

_FOLDERS = {"photo": "images", "label": "annotations", "instances": "instances"}

_TOPS = (_FOLDERS["photo"], _FOLDERS["label"])

_PHOTOS = (".jpg", ".jpeg")
"""Suffixes of photos, where they lie beside label maps."""


class Ade20k(LabelledPhotos):
    """ROOT/images, ROOT/annotations and ROOT/instances, each with training and validation in it.

    A folder without those two has both splits, told apart by the names of files: ADE_train_… and
    ADE_val_…. So has ROOT itself, if it has no images and annotations: then a .jpg is a photo, and
    a .png a label map. Ids are those of the files: 0 is what has no label, and classes begin at 1.
    """

    called = "ADE20K (ADEChallengeData2016)"
    expected: ClassVar[str] = """\
  images/training/ADE_train_00000001.jpg       annotations/training/ADE_train_00000001.png
  images/validation/ADE_val_00000001.jpg       annotations/validation/ADE_val_00000001.png"""

    def place(self, part: str) -> Place:
        if self.split not in _SPLITS:
            raise self.unknown_split(tuple(_SPLITS))
        folder, _ = _SPLITS[self.split]
        top = self.root / _FOLDERS[part]
        if any((top / name).is_dir() for name, _ in _SPLITS.values()):
            return Place(top / folder)
        if top.is_dir():
            return Place(top, lambda path: self._owner(path, part))
        if part != "instances" and not any((self.root / name).is_dir() for name in _TOPS):
            return Place(self.root, lambda path: self._owner(path, self._part(path)))
        return Place(top / folder)

    def name(self, folder: Path, path: Path) -> str:
        del folder  # whose parts may differ in their sub-folders
        return canonical(path.stem)

    def _owner(self, path: Path, part: str) -> tuple[str, str] | None:
        """The split of a file by its name, and its part."""
        splits = [split for split, (_, named) in _SPLITS.items() if named in path.name]
        return (splits[0], part) if splits else None

    def _part(self, path: Path) -> str:
        """The part of a file somewhere below ROOT."""
        if path.relative_to(self.root).parts[0] == _FOLDERS["instances"]:
            return "instances"
        return "photo" if path.suffix.lower() in _PHOTOS else "label"
