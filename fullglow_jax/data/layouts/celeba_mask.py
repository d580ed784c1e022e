"""CelebAMask-HQ, with the masks of each photo joined into one file of label ids."""

from typing import ClassVar

from fullglow_jax.data.layouts.labelled_photos import LabelledPhotos, Place

_FOLDERS = {"photo": "images", "label": "labels", "instances": "instances"}


class CelebaMask(LabelledPhotos):
    """ROOT/SPLIT/images, ROOT/SPLIT/labels and ROOT/SPLIT/instances.

    Without a folder val, test stands in its place, as in the data sets of INADE's users. Labels are
    the ids 0 to 18, skin and so on, and 0 is the background.
    """

    called = "CelebAMask-HQ"
    expected: ClassVar[str] = """\
  train/images/0.jpg       train/labels/0.png
  test/images/7.jpg        test/labels/7.png"""

    def place(self, part: str) -> Place:
        split = self.split
        if split == "val" and not (self.root / split).is_dir():
            split = "test"
        return Place(self.root / split / _FOLDERS[part])
