"""What semseg's own code computed of a small network."""

import json
from pathlib import Path

import numpy as np

from fullglow_jax.segmentation import PSPNetArchitecture

FILE = Path(__file__).parents[1] / "golden" / "semseg" / "pspnet_small.npz"


class Recorded:
    def __init__(self):
        with np.load(FILE) as file:
            self._arrays = dict(file)
        meta = json.loads(self._arrays["meta"].tobytes())
        self.architecture = PSPNetArchitecture(
            blocks=tuple(meta["blocks"]),
            width=meta["width"],
            classes=meta["classes"],
            bins=tuple(meta["bins"]),
        )
        self.sizes = [tuple(size) for size in meta["sizes"]]
        self.state = {
            name.removeprefix("state::"): array.astype(np.float32)
            for name, array in self._arrays.items()
            if name.startswith("state::")
        }

    def image(self, name, size):
        """NHWC, of "x", "logits" or "aux"."""
        array = self._arrays[f"{name}_{size[0]}x{size[1]}"].astype(np.float32)
        return array.transpose(0, 2, 3, 1)
