"""Photos as FID's Inception reads them, in the two forms that are in use."""

from dataclasses import dataclass

import numpy as np

from fullglow_jax.perception.inception import SIZE


@dataclass(frozen=True)
class Preprocessing:
    """Bilinear resizing without antialiasing, and scaling to about [-1, 1].

    Both are of every photo, also of one of the right size. Figures of the two cannot be compared.

    Attributes:
        half_pixel: Whether pixel i of the result lies at (i + ½)·(in/out) − ½ of the photo, so
            that the two have the same centre, as in PyTorch; or else at i·(in/out), as in
            TensorFlow 1.
        centre: The pixel value that becomes 0.
        half_range: What values are divided by after that.
    """

    half_pixel: bool
    centre: float
    half_range: float

    def __call__(self, photo: np.ndarray, size: tuple[int, int] = (SIZE, SIZE)) -> np.ndarray:
        """float32 (h, w, 3) of a photo, uint8 (H, W, 3)."""
        resized = self.resize(photo.astype(np.float32), size)
        return (resized - np.float32(self.centre)) / np.float32(self.half_range)

    def resize(self, image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """float32 (h, w, C) of float32 (H, W, C)."""
        for axis, length in enumerate(size):
            low, high, fraction = self._neighbours(image.shape[axis], length)
            fraction = fraction.reshape((-1,) + (1,) * (image.ndim - 1 - axis))
            below, above = image.take(low, axis), image.take(high, axis)
            image = below + (above - below) * fraction
        return image

    def _neighbours(self, source: int, target: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of each place, the pixels beside it, and how far it is from the first to the second."""
        shift = 0.5 if self.half_pixel else 0.0
        places = np.maximum((np.arange(target) + shift) * (source / target) - shift, 0)
        low = np.minimum(places.astype(int), source - 1)
        high = np.minimum(low + 1, source - 1)
        return low, high, (places - low).astype(np.float32)


PREPROCESSINGS = {
    "torch_fidelity": Preprocessing(half_pixel=False, centre=128.0, half_range=128.0),
    "pytorch_fid": Preprocessing(half_pixel=True, centre=127.5, half_range=127.5),
}
"""By the program whose figures they give."""
