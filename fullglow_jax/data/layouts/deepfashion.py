"""DeepFashion with label ids, as SMIS and INADE have it."""

from pathlib import Path
from typing import ClassVar

from fullglow_jax.data.layouts.labelled_photos import LabelledPhotos, Place

_FOLDERS = {
    "photo": ("{}_img", "{}"),
    "label": ("{}_label", "{}_mask", "cihp_{}_mask"),
    "instances": ("{}_inst",),
}
"""The possible folders of a split, by part; the first is INADE's, the last SMIS'."""


class DeepFashion(LabelledPhotos):
    """ROOT/SPLIT_img, ROOT/SPLIT_label and ROOT/SPLIT_inst.

    Without SPLIT_label, label ids are the first channel of ROOT/SPLIT_mask or cihp_SPLIT_mask; the
    photos may be in ROOT/SPLIT. Without a split val, test stands in its place. Labels are the ids 0
    to 7.
    """

    called = "DeepFashion"
    expected: ClassVar[str] = """\
  train_img/NAME.jpg       train_mask/NAME.png, or train_label/NAME.png
  test_img/NAME.jpg        test_mask/NAME.png, or test_label/NAME.png"""
    first_channel = True

    def place(self, part: str) -> Place:
        split = self.split
        if split == "val" and not any(folder.is_dir() for folder in self._folders("photo", split)):
            split = "test"
        there = self._folders(part, split)
        return Place(next((folder for folder in there if folder.is_dir()), there[0]))

    def _folders(self, part: str, split: str) -> list[Path]:
        return [self.root / name.format(split) for name in _FOLDERS[part]]
