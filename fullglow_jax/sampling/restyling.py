"""Other styles of one instance of a photo, all else of it kept."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from fullglow_jax.models.batch import Batch
from fullglow_jax.models.interface import Styles
from fullglow_jax.sampling.operations import Operations

CANDIDATES = 32
"""Random styles among which those most like a reference are looked for, without an encoder."""


class Photo(NamedTuple):
    """A photo of a condition, by its styles.

    Attributes:
        batch: The condition, a batch of one.
        styles: The styles of its image and instances, (1, …).
        temperature: Factor of the noise's deviation, of these styles and of others of this photo.
        seed: Seed of the noise, likewise.
        place: The condition's place among others, on which its noise depends.
    """

    batch: Batch
    styles: Styles
    temperature: float
    seed: int
    place: int = 0


class Reference(NamedTuple):
    """An instance whose style another one is to get.

    Attributes:
        batch: A batch of one, with the photo as target.
        ids: The ids of its instances, int (H, W).
        id: The instance's id.
    """

    batch: Batch
    ids: np.ndarray
    id: int


def drawn_photo(
    operations: Operations, batch: Batch, temperature: float, seed: int, place: int = 0
) -> Photo:
    """The first photo that `Operations.draw` draws of a condition."""
    styles = operations.draw_styles(batch, [0], temperature, seed, place)
    return Photo(batch, styles, temperature, seed, place)


def images_of(operations: Operations, photo: Photo, styles: Styles | None = None) -> np.ndarray:
    """The images of n styles of a photo, its own if none are given, float32 (n, H, W, C)."""
    return operations.sample_styled(photo.batch, photo.styles if styles is None else styles)


def redrawn(operations: Operations, photo: Photo, id_: int, numbers: Sequence[int]) -> Styles:
    """A photo's styles with one instance drawn anew, (n, …).

    Args:
        operations: The model's.
        photo: The photo.
        id_: The instance's id, which must be there.
        numbers: The numbers of the draws whose styles of the instance are taken; the photo itself
            was draw 0.
    """
    return with_rows(photo.styles, id_, rows_of(_drawn(operations, photo, numbers), id_))


def restyled(
    operations: Operations, photo: Photo, id_: int, reference: Reference, count: int
) -> tuple[Styles, bool]:
    """A photo's styles with one instance's like a reference's, (count, …).

    With an encoder, they are drawn from what it reads off the reference: ε·deviation + mean.
    Without one, `CANDIDATES` random styles are drawn, and those are taken, the nearest first, whose
    drawn instance has a colour most like the reference's, in its mean and its deviation.

    Returns:
        The styles, and whether an encoder has read them.
    """
    read = operations.read_styles(reference.batch)
    if read is not None:
        noise = rows_of(_drawn(operations, photo, range(1, count + 1)), id_)
        mean, deviation = (rows_of(styles, reference.id) for styles in read)
        return with_rows(photo.styles, id_, noise * deviation + mean), True
    candidates = redrawn(operations, photo, id_, range(1, max(CANDIDATES, count) + 1))
    inside = operations.instance_ids(photo.batch)[0] == id_
    wanted = look(_unit(reference.batch.target[0]), reference.ids == reference.id)
    looks = [look(image, inside) for image in images_of(operations, photo, candidates)]
    nearest = np.argsort([np.square(each - wanted).sum() for each in looks], kind="stable")
    return rows(candidates, nearest[:count]), False


def look(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Mean and deviation of an image's colours inside a mask, (6,); floats (H, W, 3) in [0, 1]."""
    inside = image[mask]
    return np.concatenate([inside.mean(0), inside.std(0)])


def rows(styles: Styles, places: np.ndarray) -> Styles:
    """The styles of the images at these places."""
    return jax.tree.map(lambda leaf: leaf[places], styles)


def together(styles: Sequence[Styles]) -> Styles:
    """The styles of several images, or of several times several, as those of all of them."""
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *styles)


def rows_of(styles: Styles, id_: int) -> np.ndarray:
    """The styles of an instance, (B, 2, n), in each of B images that have it."""
    return np.asarray(styles.instances)[np.asarray(styles.ids) == id_]


def with_rows(styles: Styles, id_: int, new: np.ndarray) -> Styles:
    """One image's styles n times, with these of an instance, (n, 2, c)."""
    repeated = rows(styles, np.zeros(len(new), int))
    instances: Any = np.array(repeated.instances)
    instances[np.asarray(repeated.ids) == id_] = new
    return Styles(repeated.image, repeated.ids, instances)


def _drawn(operations: Operations, photo: Photo, numbers: Sequence[int]) -> Styles:
    return operations.draw_styles(photo.batch, numbers, photo.temperature, photo.seed, photo.place)


def _unit(image: np.ndarray) -> np.ndarray:
    return image / np.float32(255) if image.dtype == np.uint8 else image
