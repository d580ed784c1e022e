"""What drawn images are compared with, if not with a split's true images."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from fullglow_jax.data.image_files import is_image
from fullglow_jax.data.images import read_rgb
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.metrics.of_sets import SetMetric
from fullglow_jax.evaluation.observers import Observer, Seen
from fullglow_jax.evaluation.of_features.frechet_distance import Statistics
from fullglow_jax.evaluation.of_features.stored_statistics import MEAN, read_statistics

FLAG = "against"

AT_ONCE = 32
"""Images of a folder that are read at once."""


class Against(NamedTuple):
    """Images, by what a network sees in them, or their statistics alone.

    Attributes:
        name: The file's or folder's name, for reports.
        seen: What is seen in each; empty if there are statistics alone.
        statistics: The statistics; None if there are images.
    """

    name: str
    seen: Sequence[Seen]
    statistics: Statistics | None


def compare_with(
    path: Path, metrics: Sequence[SetMetric], observers: Mapping[str, Observer]
) -> None:
    """Lets metrics compare with stored statistics, or with all images in a folder and below it.

    Args:
        path: A `.npz`, a folder with m.npy and s.npy, or a folder of images.
        metrics: The metrics; those that compare with nothing stay as they are.
        observers: The networks that they ask.

    Raises:
        UserError: If there is nothing of that kind, or statistics are of another network, or not
            enough for a metric.
    """
    asked = [metric for metric in metrics if FLAG in metric.reads]
    for name in dict.fromkeys(metric.observer for metric in asked):
        of_network = [metric for metric in asked if metric.observer == name]
        single = [metric.name for metric in of_network if metric.needs_images]
        against = _load(path, observers[name], single)
        for metric in of_network:
            metric.against = against


def _load(path: Path, observer: Observer, metrics: Sequence[str]) -> Against:
    """See `compare_with`; `metrics` are the names of those that need images."""
    if path.is_dir() and not (path / MEAN).exists():
        return Against(path.name, _of_folder(path, observer), None)
    found = read_statistics(path)
    if metrics:
        raise UserError(
            f"--against {path} has statistics, and --metrics {','.join(metrics)} compares single "
            "images. Name a folder of images, or leave them out."
        )
    if len(found.mean) != observer.width:
        raise UserError(
            f"--against {path} has statistics of {len(found.mean)} features, and {observer.name} "
            f"has {observer.width}: they are of another network. For FID's Inception, "
            "--inception_features chooses 64, 192, 768 or 2048."
        )
    return Against(path.name, (), found)


def _of_folder(folder: Path, observer: Observer) -> list[Seen]:
    files = sorted(file for file in folder.rglob("*") if is_image(file))
    if not files:
        raise UserError(
            f"--against {folder} has no images. Expected a folder of images, a .npz with mu and "
            "sigma, or a folder with m.npy and s.npy."
        )
    seen: list[Seen] = []
    for start in range(0, len(files), AT_ONCE):
        seen += observer.look([read_rgb(file) for file in files[start : start + AT_ONCE]])
    return seen
