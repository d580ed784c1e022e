"""Instance maps of conditions that come from image files, or are painted."""

from itertools import count
from pathlib import Path

import numpy as np
from ml_collections import ConfigDict

from fullglow_jax.data.fitting import Fitting
from fullglow_jax.data.images import Picture, read_ids, read_rgb
from fullglow_jax.errors import UserError
from fullglow_jax.sampling.palettes import Palette

PER_CLASS = 1000
"""Ids of a countable class's instances begin with its id times this, as Cityscapes' do."""


def read_instances(path: Path, condition: Path, config: ConfigDict, most: int) -> np.ndarray:
    """An instance map's file, int32 (H, W), resized like the data.

    Args:
        path: A map of integer ids.
        condition: The file of its condition, which has the same size.
        config: The config, which says how images are resized.
        most: The most instances of one image that the model takes.

    Raises:
        UserError: If it cannot be read, has no ids, has another size, or too many instances.
    """
    ids, size = read_ids(path), read_rgb(condition).shape[:2]
    if ids.shape != size:
        (height, width), (h, w) = ids.shape, size
        raise UserError(
            f"{path} is {height}×{width} and {condition}, whose instances it tells apart, is "
            f"{h}×{w} (height×width). Give maps of one size."
        )
    fitted = Fitting.of(config.data)(Picture(ids, labels=True), "instances").astype(np.int32)
    if (there := len(np.unique(fitted))) > most:
        raise UserError(
            f"{path} has {there} instances, and the model takes {most} of an image "
            "(config.model.instances). Give small ones the id of what is around them."
        )
    return fitted


def connected_instances(condition: np.ndarray, palette: Palette, most: int) -> np.ndarray:
    """An instance map of a condition that has none, int32 (H, W).

    Each connected region of a countable class, a car's say, is an instance; every other class is
    one, wherever it is. If there would be more than `most`, the smallest regions stay together as
    one of their class.

    Args:
        condition: uint8 (H, W, 3).
        palette: The classes of its colours.
        most: The most instances of one image that the model takes.
    """
    classes = palette.nearest(condition)
    there = np.unique(classes)
    of_colour = np.array([palette.id_of(index) for index in range(len(palette.names))], np.int32)
    ids = of_colour[classes]
    found: list[tuple[int, int, int]] = []  # pixels, the class's place, and the region's number
    regions = {}
    for index in there[[palette.names[index] in palette.countable for index in there]]:
        regions[int(index)] = connected(classes == index)
        sizes = np.bincount(regions[index].ravel())[1:]
        found += [(int(size), int(index), n) for n, size in enumerate(sizes, start=1)]
    found.sort(key=lambda region: -region[0])
    numbers = dict.fromkeys(regions, 0)
    for _, index, region in found[: max(0, most - len(there))]:
        numbers[index] += 1
        ids[regions[index] == region] = of_colour[index] * PER_CLASS + numbers[index]
    return ids


def instances_with_strokes(
    instances: np.ndarray, classes: np.ndarray, painted: np.ndarray, palette: Palette
) -> np.ndarray:
    """An instance map under strokes, int32 (H, W).

    A connected stroke is a new instance. If the palette tells which classes are countable, strokes
    of others, of sky say, belong to the largest instance of their class, if there is one.

    Args:
        instances: The ids of the unpainted condition, int32 (H, W).
        classes: The index of each unpainted pixel's class in the palette, (H, W).
        painted: The index of each stroke's class, -1 where there is none, (H, W).
        palette: The classes.
    """
    found, taken = instances.copy(), set(np.unique(instances).tolist())
    free = (number for number in count(1) if number not in taken)
    for index in np.unique(painted[painted >= 0]):
        mask, own = painted == index, instances[(classes == index) & (painted < 0)]
        counted = not palette.countable or palette.names[index] in palette.countable
        if len(own) and not counted:
            ids, pixels = np.unique(own, return_counts=True)
            found[mask] = ids[pixels.argmax()]
            continue
        regions = connected(mask) if counted else mask.astype(int)
        for region in range(1, int(regions.max()) + 1):
            found[regions == region] = next(free)
    return found


def connected(mask: np.ndarray) -> np.ndarray:
    """The numbers of a mask's connected regions, counted from 1, and 0 outside of it, int (H, W).

    Pixels touch at corners too.
    """
    from scipy import ndimage  # which --help need not wait for

    return np.asarray(ndimage.label(mask, np.ones((3, 3)))[0])
