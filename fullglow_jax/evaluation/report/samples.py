"""A picture of scored images: conditions, true images, drawn ones, and a judge's labels."""

import io

import numpy as np
from PIL import Image

from fullglow_jax.data.faults import Fault
from fullglow_jax.data.images import resize_bilinear, resize_nearest
from fullglow_jax.evaluation.drawn_images import DrawnImages
from fullglow_jax.evaluation.judge import Judge
from fullglow_jax.evaluation.truths import Truths
from fullglow_jax.palette import EVALUATED_COLOURS
from fullglow_jax.pictures.grid import image_grid

PAIRS = 6
"""Number of pairs that are shown, evenly chosen from all."""

WIDTH = 256
"""Largest width of images in pixels."""


def samples_picture(drawn: DrawnImages, truths: Truths, judge: Judge | None) -> bytes | None:
    """PNG: a row for each of some pairs that have all their images; None if there are none.

    A judge's labels of true and drawn photos are shown in the palette's colours.
    """
    places = np.unique(np.linspace(0, len(truths) - 1, PAIRS).astype(int))
    rounds = [f"round {number + 1}" for number in range(len(drawn.rounds))]
    titles = ["condition", "true image", *rounds]
    titles += [] if judge is None else ["found in the true one", "found in round 1"]
    rows: list[list[np.ndarray]] = []
    size: tuple[int, int] | None = None
    for place in places:
        truth = truths[int(place)]
        read = drawn(truth.name, truth.target.shape[:2])
        images = [image for image in read if not isinstance(image, Fault)]
        if len(images) < len(read):
            continue
        height, width = truth.target.shape[:2]
        size = size or (round(height * min(1, WIDTH / width)), min(width, WIDTH))
        row = [resize_nearest(truth.condition, size)]
        row += [resize_bilinear(image, size) for image in (truth.target, *images)]
        if judge is not None:
            for classes in judge.classes([truth.target, images[0]]):
                row.append(resize_nearest(EVALUATED_COLOURS[classes], size))
        rows.append(row)
    if not rows:
        return None
    png = io.BytesIO()
    Image.fromarray(image_grid(rows, titles)).save(png, "png")
    return png.getvalue()
