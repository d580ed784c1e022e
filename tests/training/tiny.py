"""A run inside this process, of a model of a few thousand parameters on four pairs of images."""

from pathlib import Path

import numpy as np
from ml_collections import ConfigDict
from PIL import Image

from fullglow_jax.config import default_config

STEPS = 6
NAMES = ("pair_0", "pair_1", "pair_2", "pair_3")
MARKS = (0, 0, 1, 2)
"""The first value of each one's target."""


def write_pairs(root: Path) -> Path:
    """Noise, in two folders, marked."""
    rng = np.random.default_rng(0)
    for split in ("train", "val"):
        for folder in "AB":
            (root / split / folder).mkdir(parents=True)
            for name, mark in zip(NAMES, MARKS, strict=True):
                image = rng.integers(0, 256, (10, 10, 3), np.uint8)
                image[0, 0] = mark
                Image.fromarray(image).save(root / split / folder / f"{name}.png")
    return root


def tiny_config(root: Path, family: str = "glow") -> ConfigDict:
    """Of a glow, the likelihood model that compiles soonest, unless another family is named."""
    config = default_config(family)
    if family == "glow":
        config.model.update(steps=(1,), coupling_width=4)
    config.update_from_flattened_dict(
        {
            "data.name": "two_folders",
            "data.root": str(root),
            "data.image_size": (10, 10),
            "optimizer.average_decay": 0.9,
            "train.batch_size": 2,
            "train.steps": STEPS,
            "train.log_every": 1,
            "train.validation_examples": 2,
            "train.sample_conditions": 1,
            "train.samples_per_condition": 1,
            "train.checkpoint_every": 1,
            "train.keep_last": STEPS,
        }
    )
    return config
