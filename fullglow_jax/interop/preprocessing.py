"""Recorded values of pix2pix's preprocessing, of its schedules and of its saved pixels."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from fullglow_jax.config import default_config
from fullglow_jax.data.fitting import Fitting, cut
from fullglow_jax.data.images import Picture
from fullglow_jax.interop.recording import RecordedArrays
from fullglow_jax.interop.row import Row, compare, compare_values
from fullglow_jax.optimization.schedule import learning_rate
from fullglow_jax.pictures.grid import as_uint8

RELATIVE = 1e-5

ONE_LEVEL = 1.0
"""Of 255. The original truncates what is rounded here, so it may be one below."""

FITS = {
    "resize_and_crop": "stretch",
    "crop": "none",
    "scale_width": "width",
    "scale_width_and_crop": "width",
    "none": "rounded",
}
"""`config.data.fit` by the original's `--preprocess`."""


def preprocessing(recording: RecordedArrays) -> list[Row]:
    """Images as training sees them, learning rates by epoch, and saved pixels."""
    images = {
        f"case{number}": _preprocessed(recording["image"], case)
        for number, case in enumerate(recording.meta["cases"])
    }
    rates = {
        f"schedule_{constant}_{decay}": _factors(constant, decay)
        for constant, decay in recording.meta["schedules"]
    }
    rows = [
        compare_values(name, ours, recording[name], RELATIVE)
        for name, ours in (images | rates).items()
    ]
    saved = as_uint8(np.asarray(recording.image("to_save"))[0] / 2 + 0.5)
    name = "saved (truncated there)"
    return [*rows, compare(name, saved, recording["saved"], "absolute", ONE_LEVEL)]


def _preprocessed(image: np.ndarray, case: Mapping[str, Any]) -> np.ndarray:
    """An image as training sees it, in [-1, 1], CHW."""
    mode, load, size = case["preprocess"], case["load_size"], case["crop_size"]
    how = FITS[mode]
    # Both sides; the least height and the width; or any size.
    loaded = {"stretch": (load, load), "width": (size, load)}.get(how, (1, 1))
    fitting = Fitting(loaded, how, filter="bicubic", cuts=False)
    ours = fitting(Picture(image), "target")
    if "crop" in mode:
        left, top = case["crop_xy"]
        height, width = ours.shape[:2]
        # The middles of the intervals that chance would hit.
        place = (top + 0.5) / (height - size + 1), (left + 0.5) / (width - size + 1)
        ours = cut(ours, (size, size), place)
    if case["flip"]:
        ours = np.flip(ours, 1)
    return np.moveaxis(ours, -1, 0) / 127.5 - 1


def _factors(constant: int, decay: int) -> list[float]:
    """The learning rate of each epoch, as a factor."""
    config: ConfigDict = default_config()
    config.optimizer.update(
        {
            "learning_rate": 1.0,
            "constant_epochs": float(constant),
            "decay_epochs": float(decay),
            "schedule": "linear_epoch_ends",
        }
    )
    rate = learning_rate(config, steps_per_epoch=1)
    return [float(rate(epoch)) for epoch in range(constant + decay)]
