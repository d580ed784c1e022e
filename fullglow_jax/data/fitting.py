"""The way of pictures of any size to a model's size."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from ml_collections import ConfigDict
from PIL import Image

from fullglow_jax.data.images import Picture
from fullglow_jax.errors import UserError

FITS = ("stretch", "crop", "width", "rounded", "none")
"""Ways of resizing: to the size; the largest middle part with its proportions, to the size; to its
width in proportion, and at least its height; each side to a multiple of 4; not at all."""

FILTERS = ("bilinear", "bicubic")
"""Filters of resizing, antialiased; of label maps, whose colours must not be mixed, it is nearest
neighbour."""

_WHOLE = ("stretch", "crop")
"""The ways after which a picture has the size."""

_MULTIPLE = 4

_AS_LARGE = ("none", "rounded")
"""The ways that leave pictures about as large as they are: some may be too small then."""


@dataclass(frozen=True)
class Fitting:
    """The way of pictures to a size: they are resized, and cut if they are larger then.

    Attributes:
        size: (H, W).
        how: One of `FITS`.
        filter: One of `FILTERS`.
        label_maps: Names of the parts of pairs that are label maps, beside pictures that say so.
        cuts: Whether the middle is cut out of pictures that are larger than the size when they are
            resized; else they stay so, and none is smaller.
    """

    size: tuple[int, int]
    how: str = "stretch"
    filter: str = "bilinear"
    label_maps: tuple[str, ...] = ()
    cuts: bool = True

    @classmethod
    def of(cls, data_config: ConfigDict) -> Self:
        """The way that `config.data` describes.

        Raises:
            UserError: If its `load_size` is smaller than the images that are cut out of it.
        """
        size, loaded = tuple(data_config.image_size), data_config.load_size
        if loaded is not None and any(
            large < small for large, small in zip(loaded, size, strict=True)
        ):
            raise UserError(
                f"config.data.load_size={tuple(loaded)} is smaller than "
                f"config.data.image_size={size}, which is cut out of it: both are height,width, "
                "for example 286,286 and 256,256."
            )
        label_maps = tuple(data_config.label_maps or ())
        return cls(size, data_config.fit, data_config.filter, label_maps)

    @classmethod
    def in_training(cls, data_config: ConfigDict) -> Self:
        """The way of training pairs, out of which `config.data.image_size` is yet to be cut."""
        fitting = cls.of(data_config)
        loaded = None if fitting.how in _AS_LARGE else data_config.load_size
        return replace(fitting, size=tuple(loaded or fitting.size), cuts=False)

    def __call__(self, picture: Picture, part: str) -> np.ndarray:
        """A picture as a part of a pair: (h, w) or (h, w, 3), of the picture's type.

        Args:
            picture: The picture, not smaller than the size where `fault` says so.
            part: The part's name.

        Raises:
            UserError: If the picture is too small.
        """
        native = picture.pixels.shape[:2]
        if fault := self.fault(native):
            raise UserError(fault)
        height, width = self._resized(native)
        labels = picture.labels or part in self.label_maps
        kind = Image.Resampling["NEAREST" if labels else self.filter.upper()]
        box = self._box(native) if self.how == "crop" else None
        image = Image.fromarray(picture.pixels).resize((width, height), kind, box=box)
        return middle(np.array(image), self.size) if self.cuts else np.array(image)

    @property
    def fixed(self) -> bool:
        """Whether all pictures get the size."""
        return self.cuts or self.how in _WHOLE

    @property
    def limits(self) -> tuple[object, ...]:
        """All that `fault` depends on; () if it finds none."""
        return (self.how, self.size) if self.how in _AS_LARGE else ()

    def fault(self, native: tuple[int, ...]) -> str | None:
        """A message if pictures of this size (h, w) on disk are too small; else None."""
        (height, width), (least_height, least_width) = self._resized(native), self.size
        if height >= least_height and width >= least_width:
            return None
        return (
            f"images of {native[0]}×{native[1]} (height×width) are smaller than "
            f"config.data.image_size={self.size}, and config.data.fit={self.how!r} does not "
            "enlarge them. Leave them out, choose a smaller size, or set --config.data.fit=stretch."
        )

    def shown(self, pixels: np.ndarray) -> np.ndarray:
        """The part of a picture, (h, w) or (h, w, 3), that is left at the size; at its own size."""
        left, top, right, bottom = map(round, self._box(pixels.shape[:2]))
        return pixels[top:bottom, left:right]

    def _resized(self, native: tuple[int, ...]) -> tuple[int, int]:
        """The size (h, w) of a picture after resizing, before anything is cut off."""
        (height, width), (h, w) = self.size, native
        match self.how:
            case "width":
                return max(int(width * h / w), height), width
            case "rounded":
                return round(h / _MULTIPLE) * _MULTIPLE, round(w / _MULTIPLE) * _MULTIPLE
            case "none":
                return h, w
            case _:
                return height, width

    def _box(self, native: tuple[int, ...]) -> tuple[float, float, float, float]:
        """The part (left, top, right, bottom) of a picture that is left at the size."""
        height, width = self.size
        h, w = float(native[0]), float(native[1])
        if self.how == "crop":
            scale = min(w / width, h / height)
            left, top = (w - scale * width) / 2, (h - scale * height) / 2
            return left, top, left + scale * width, top + scale * height
        if not self.cuts:
            return 0.0, 0.0, w, h
        resized_h, resized_w = self._resized(native)
        top, left = _middle((resized_h, resized_w), self.size)
        x, y = w / resized_w, h / resized_h
        return left * x, top * y, (left + width) * x, (top + height) * y


def cut(image: np.ndarray, size: tuple[int, int], at: tuple[float, float]) -> np.ndarray:
    """A part of an image, (h, w) or (h, w, 3), not smaller than `size` (H, W).

    Args:
        image: The image.
        size: (H, W).
        at: (y, x), the place among all there are, from 0 for the first to below 1 for the last.
    """
    (height, width), (h, w) = size, image.shape[:2]
    top, left = int(at[0] * (h - height + 1)), int(at[1] * (w - width + 1))
    return image[top : top + height, left : left + width]


def middle(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The middle of an image, as `cut`."""
    (height, width), (top, left) = size, _middle(image.shape[:2], size)
    return image[top : top + height, left : left + width]


def _middle(large: tuple[int, ...], small: tuple[int, int]) -> tuple[int, int]:
    return (large[0] - small[0]) // 2, (large[1] - small[1]) // 2
