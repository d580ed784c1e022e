"""A tiny folder laid out as Cityscapes is."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

# Made in an order that is not the sorted one.
NAMES = {
    "train": ["ulm_000001", "aachen_000007", "aachen_000002", "jena_000003", "ulm_000000"],
    "val": ["bochum_000000"],
}
HEIGHT, WIDTH = 8, 16


def city_file(root: Path, split: str, name: str, kind: str) -> Path:
    folder = "leftImg8bit" if kind == "leftImg8bit" else "gtFine"
    return root / folder / split / name.split("_")[0] / f"{name}_{kind}.png"


def write_cityscapes(root: Path) -> None:
    rng = np.random.default_rng(0)
    for split, names in NAMES.items():
        for name in names:
            photo = rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
            color = rng.integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8)
            ids = np.zeros((HEIGHT, WIDTH), np.uint16)
            ids[2:6, 4:12] = 26001
            images = {"leftImg8bit": photo, "gtFine_color": color, "gtFine_instanceIds": ids}
            for kind, pixels in images.items():
                path = city_file(root, split, name, kind)
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(path)


@pytest.fixture
def cityscapes_root(tmp_path: Path) -> Path:
    root = tmp_path / "cityscapes"
    write_cityscapes(root)
    return root
