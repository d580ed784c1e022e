"""Two scenes with known instances in the layout of Cityscapes, and the toy model of them."""

from pathlib import Path

import numpy as np
import optax
from PIL import Image

from fullglow_jax.config import default_config
from fullglow_jax.model_registry import build_model
from fullglow_jax.palette import COLOURS, ID
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.runs.trained import Trained
from fullglow_jax.sampling.operations import Operations
from tests.sampling.toy_instances import NAME

SIZE = (12, 16)
SKY, ROAD, CAR, PERSON = (ID[name] for name in ("sky", "road", "car", "person"))
SMALL, LARGE, LONELY, WALKER = 26001, 26002, 26003, 24001

NAMES = ("town_000000_000000", "town_000001_000000")
"""Two cars; and one car, larger, beside a person."""

PHOTO_COLOURS = {LONELY: (200, 40, 40), WALKER: (30, 180, 60)}
"""Of the instances of the second photo; all else is grey."""


def instance_maps():
    """The `instanceIds` of both, (2, H, W)."""
    ids = np.full((2, *SIZE), SKY)
    ids[:, 6:] = ROAD
    ids[0, 7:9, 1:4], ids[0, 7:11, 8:13] = SMALL, LARGE
    ids[1, 6:11, 1:7], ids[1, 4:9, 12:14] = LONELY, WALKER
    return ids


def label_maps():
    """Their conditions, uint8 (2, H, W, 3)."""
    ids = instance_maps()
    return COLOURS[np.where(ids >= 1000, ids // 1000, ids)]


def photos():
    pictures = np.full((2, *SIZE, 3), 120, np.uint8)
    for id_, colour in PHOTO_COLOURS.items():
        pictures[instance_maps() == id_] = colour
    return pictures


def write_scenes(root: Path) -> Path:
    for number, name in enumerate(NAMES):
        for split in ("train", "val"):
            pictures = {
                "leftImg8bit": {"leftImg8bit": photos()[number]},
                "gtFine": {
                    "gtFine_color": label_maps()[number],
                    "gtFine_instanceIds": instance_maps()[number].astype(np.uint16),
                },
            }
            for top, files in pictures.items():
                folder = root / top / split / "town"
                folder.mkdir(parents=True, exist_ok=True)
                for kind, pixels in files.items():
                    Image.fromarray(pixels).save(folder / f"{name}_{kind}.png")
    return root


def toy_config(root: Path, **settings):
    config = default_config(NAME)
    config.model.update(settings)
    config.data.update(
        name="cityscapes", root=str(root), image_size=SIZE, label_maps=("label",), threads=0
    )
    return config


def toy_operations(config, batch_size=4):
    trained = Trained(build_model(config, optax.constant_schedule(0.0)), {}, 3)
    return Operations(trained, NAME, Devices(), batch_size)
