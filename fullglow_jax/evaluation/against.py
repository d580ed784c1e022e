"""What drawn images are compared with, if not with a split's true images."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fullglow_jax.data.images import read_rgb
from fullglow_jax.digests import digest
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.image_folders import check_no_set, images_below
from fullglow_jax.evaluation.metrics.of_sets import SetMetric
from fullglow_jax.evaluation.observers import Observer, Seen
from fullglow_jax.evaluation.of_features.frechet_distance import Statistics
from fullglow_jax.evaluation.of_features.stored_statistics import MEAN, Stored, read_statistics
from fullglow_jax.evaluation.unfinished import Unfinished
from fullglow_jax.parallel.distributed import gathered, is_first, own_share
from fullglow_jax.progress import ProgressLine

FLAG = "against"

AT_ONCE = 32
"""Images of a folder that are read at once."""


class Against(NamedTuple):
    """Images, by what a network sees in them, or their statistics alone.

    Attributes:
        name: The file's or folder's name, for reports.
        seen: What is seen in each; empty if there are statistics alone.
        statistics: The statistics; None if there are images.
        assumed: Whether nothing but their number says that statistics are of the network's
            features.
    """

    name: str
    seen: Sequence[Seen]
    statistics: Statistics | None
    assumed: bool = False


def is_folder_of_images(path: Path | None) -> bool:
    """Whether a path that is compared with is a folder, and not one of statistics."""
    return path is not None and path.is_dir() and not (path / MEAN).exists()


def compare_with(
    path: Path,
    metrics: Sequence[SetMetric],
    observers: Mapping[str, Observer],
    unfinished: Unfinished | None = None,
    flag: str = f"--{FLAG}",
) -> None:
    """Lets metrics compare with stored statistics, or with all images in a folder and below it.

    Every process of a run must call it; each looks at a share of the images.

    Args:
        path: A `.npz`, a folder with m.npy and s.npy, or a folder of images.
        metrics: The metrics; those that compare with nothing stay as they are.
        observers: The networks that they ask.
        unfinished: Keeps what is seen in the images, in case this is stopped.
        flag: What named the path, for messages.

    Raises:
        UserError: If there is nothing of that kind, or statistics are of another network, or not
            enough for a metric.
    """
    asked = [metric for metric in metrics if FLAG in metric.reads]
    names = list(dict.fromkeys(metric.observer for metric in asked))
    if is_folder_of_images(path):
        seen = _seen_below(path, {name: observers[name] for name in names}, unfinished, flag)
        found = {name: Against(path.name, seen[name], None) for name in names}
    else:
        single = [metric.name for metric in asked if metric.needs_images]
        stored = _as_first_reads_it(path)
        if single:
            raise UserError(
                f"{flag} {path} has statistics, and --metrics {','.join(single)} compares single "
                "images. Name a folder of images, or leave them out."
            )
        found = {name: _of_statistics(path, stored, observers[name], flag) for name in names}
    for metric in metrics:
        if metric.observer in found:
            metric.looks_at_true = False
    for metric in asked:
        metric.against = found[metric.observer]


def _of_statistics(path: Path, stored: Stored, observer: Observer, flag: str) -> Against:
    """Statistics, after a check that they are of the network's features."""
    choose = "For FID's Inception, inception_features and preprocessing choose the features."
    count = len(stored.statistics.mean)
    if stored.digest not in ("", observer.digest):
        same = stored.network == observer.name
        others = "the same name, but with other weights" if same else stored.network
        raise UserError(
            f"{flag} {path} has statistics of another network, {others}, and they are to be "
            f"compared with those of {observer.name}. Choose the one that they are of, or store "
            f"them again (--save_statistics). {choose}"
        )
    if count != observer.width:
        raise UserError(
            f"{flag} {path} has statistics of {count} features, and {observer.name} has "
            f"{observer.width}: they are of another network. {choose}"
        )
    return Against(path.name, (), stored.statistics, assumed=not stored.digest)


def _as_first_reads_it(path: Path) -> Stored:
    """A file's content, as the first process finds it."""
    stored = read_statistics(path) if is_first() else None
    (mean, covariance), network, of_network = gathered(stored)[0]
    return Stored(Statistics(mean, covariance), network, of_network)


def _seen_below(
    folder: Path, observers: Mapping[str, Observer], unfinished: Unfinished | None, flag: str
) -> dict[str, list[Seen]]:
    """What each network sees in each image."""
    check_no_set(folder, flag)
    files = images_below(folder, flag)
    if not files:
        raise UserError(
            f"{flag} {folder} has no images. Expected a folder of images, a .npz with mu and "
            "sigma, or a folder with m.npy and s.npy."
        )
    share = own_share(len(files))
    seen: list[dict[str, Seen]] = []
    with ProgressLine(f"looking at {folder.name}", len(share), quiet=not is_first()) as progress:
        for start in range(0, len(share), AT_ONCE):
            photos = [read_rgb(files[place]) for place in share[start : start + AT_ONCE]]
            seen += _seen_in(photos, observers, unfinished)
            progress.update(len(seen))
    of_all = [each for of_process in gathered(seen) for each in of_process]
    return {name: [each[name] for each in of_all] for name in observers}


def _seen_in(
    photos: Sequence[np.ndarray],
    observers: Mapping[str, Observer],
    unfinished: Unfinished | None,
) -> list[dict[str, Seen]]:
    """What each network sees in each photo, by the network's name; what is known is not asked."""
    depends = {name: observer.digest for name, observer in observers.items()}
    keys = [digest(FLAG, depends, photo) for photo in photos]
    known = {} if unfinished is None else {key: unfinished.get(key) for key in keys}
    new = {key: photo for key, photo in zip(keys, photos, strict=True) if not known.get(key)}
    if new:
        looks = {name: observer.look(list(new.values())) for name, observer in observers.items()}
        for i, key in enumerate(new):
            known[key] = {name: of[i] for name, of in looks.items()}
            if unfinished is not None:
                unfinished.add(key, known[key])
    return [known[key] for key in keys]
