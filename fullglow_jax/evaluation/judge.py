"""Segmentation networks that say what is in photos."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax import Array
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from PIL import Image

from fullglow_jax.data.images import resize_bilinear
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.unfinished import digest
from fullglow_jax.models.segmentation import Segmentation
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.segmentation import PSPNet, class_probabilities, load_pspnet
from fullglow_jax.segmentation.pixels import normalise
from fullglow_jax.training.trained import load_trained, stored_config

CROP = (713, 713)
"""What semseg tests its Cityscapes networks on."""

PHOTOS_A_DEVICE = 4
"""Of the size that a judge was trained at, seen at once."""


class Judge(ABC):
    """A PSPNet on all devices of this process, each of which sees a share of the photos.

    Args:
        name: What to call it in a report.
        network: The network.
        variables: Its variables, on the host.

    Attributes:
        name: The name.
        digest: Of all that decides what it says.
    """

    def __init__(self, name: str, network: PSPNet, variables: Any) -> None:
        self.name = name
        self.digest = digest(type(self).__name__, repr(network.architecture), variables)
        mesh = Mesh(np.array(jax.local_devices()), ("photos",))
        self._devices = mesh.size
        self._split = NamedSharding(mesh, PartitionSpec("photos"))
        self._variables = jax.device_put(variables, NamedSharding(mesh, PartitionSpec()))
        self._logits_of = jax.jit(network.apply)
        self._features_of = jax.jit(lambda v, x: network.apply(v, x, method=PSPNet.features))

    @abstractmethod
    def classes(self, photos: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The evaluated class of each pixel, uint8 (H, W), of each photo, uint8 (H, W, 3)."""

    @abstractmethod
    def features(self, photos: Sequence[np.ndarray]) -> list[np.ndarray]:
        """What the classifier reads, float32 (h, w, C), of each photo, uint8 (H, W, 3)."""

    def _run(self, function: Callable[[Any, Array], Array], normalised: np.ndarray) -> np.ndarray:
        """The network on photos, filled up to a multiple of the devices."""
        count = len(normalised)
        filled = math.ceil(count / self._devices) * self._devices
        places = np.minimum(np.arange(filled), count - 1)
        placed = jax.device_put(normalised[places], self._split)
        return np.asarray(function(self._variables, placed))[:count]


class TrainedJudge(Judge):
    """A PSPNet that was trained here; sees photos at the size that it was trained at.

    Args:
        name: As above.
        network: As above.
        variables: As above.
        size: (H, W).
    """

    def __init__(self, name: str, network: PSPNet, variables: Any, size: tuple[int, int]) -> None:
        super().__init__(name, network, variables)
        self.digest = digest(self.digest, size)
        self._size = size

    def classes(self, photos: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See `Judge`; taken to the photo's size by the nearest pixel."""
        found = self._seen(self._logits_of, photos)
        return [
            nearest(logits.argmax(-1).astype(np.uint8), photo.shape[:2])
            for logits, photo in zip(found, photos, strict=True)
        ]

    def features(self, photos: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See `Judge`."""
        return list(self._seen(self._features_of, photos))

    def _seen(
        self, function: Callable[[Any, Array], Array], photos: Sequence[np.ndarray]
    ) -> Iterator[np.ndarray]:
        # Always as many at once, so that it is compiled once.
        at_once = PHOTOS_A_DEVICE * self._devices
        for start in range(0, len(photos), at_once):
            group = [resize_bilinear(photo, self._size) for photo in photos[start:][:at_once]]
            filled = [*group, *group[-1:] * (at_once - len(group))]
            yield from self._run(function, normalise(np.stack(filled)))[: len(group)]


class ImportedJudge(Judge):
    """A PSPNet that semseg released; sees crops of photos at their own size, as semseg does.

    Features are of whole photos.
    """

    def classes(self, photos: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See `Judge`."""
        found: list[np.ndarray] = []
        for group in self._of_one_size(photos):
            probabilities = class_probabilities(
                lambda crops: self._run(self._logits_of, crops), group, CROP
            )
            found += list(probabilities.argmax(-1).astype(np.uint8))
        return found

    def features(self, photos: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See `Judge`."""
        groups = self._of_one_size(photos)
        return [f for group in groups for f in self._run(self._features_of, normalise(group))]

    def _of_one_size(self, photos: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
        """Photos in order, (B, H, W, 3), one a device."""
        for _, alike in groupby(photos, key=np.shape):
            group = list(alike)
            for start in range(0, len(group), self._devices):
                yield np.stack(group[start : start + self._devices])


def load_judge(path: Path) -> Judge:
    """A judge out of the workdir of a pspnet, or out of a file that `import_semseg` wrote.

    Raises:
        UserError: It is neither.
    """
    if not path.is_dir():
        architecture, variables = load_pspnet(path)
        return ImportedJudge(path.name, PSPNet(architecture), variables)
    config = stored_config(path, "latest")
    trained = load_trained(config, path, "latest", Devices())
    if not isinstance(trained.model, Segmentation):
        raise UserError(
            f"--judge {path} is the workdir of a {config.model.name}, which cannot tell what is in "
            "a photo. Train a pspnet (configs/pspnet_street_scenes.py), or import one "
            "(python -m fullglow_jax.interop.import_semseg)."
        )
    return TrainedJudge(
        f"{path.resolve().name}, step {trained.step}",
        PSPNet(trained.model.architecture.network),
        jax.device_get(trained.variables),
        trained.architecture.image_size,
    )


def nearest(classes: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Classes, uint8 (h, w), at another size, (H, W), each pixel that of the nearest."""
    height, width = size
    return np.asarray(Image.fromarray(classes).resize((width, height), Image.Resampling.NEAREST))
