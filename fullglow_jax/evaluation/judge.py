"""Segmentation networks that say what is in photos."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import jax
import numpy as np

from fullglow_jax.data.images import resize_bilinear, resize_nearest
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.unfinished import digest
from fullglow_jax.models.segmentation import Segmentation
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.parallel.in_batches import InBatches
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
        photos_a_device: Photos, or crops of them, that a device sees at once.

    Attributes:
        name: The name.
        digest: Of all that decides what it says.
    """

    def __init__(
        self, name: str, network: PSPNet, variables: Any, photos_a_device: int = 1
    ) -> None:
        self.name = name
        self.digest = digest(type(self).__name__, repr(network.architecture), variables)
        devices = Devices(here=True)
        self._at_once = photos_a_device * devices.mesh.size
        self._variables = jax.device_put(variables, devices.replicated)
        features = partial(network.apply, method=PSPNet.features)
        self._logits_of = InBatches(network.apply, devices, self._at_once)
        self._features_of = InBatches(features, devices, self._at_once)

    @abstractmethod
    def classes(self, photos: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The evaluated class of each pixel, uint8 (H, W), of each photo, uint8 (H, W, 3)."""

    @abstractmethod
    def features(self, photos: Sequence[np.ndarray]) -> list[np.ndarray]:
        """What the classifier reads, float32 (h, w, C), of each photo, uint8 (H, W, 3)."""


class TrainedJudge(Judge):
    """A PSPNet that was trained here; sees photos at the size that it was trained at.

    Args:
        name: As above.
        network: As above.
        variables: As above.
        size: (H, W).
    """

    def __init__(self, name: str, network: PSPNet, variables: Any, size: tuple[int, int]) -> None:
        super().__init__(name, network, variables, PHOTOS_A_DEVICE)
        self.digest = digest(self.digest, size)
        self._size = size

    def classes(self, photos: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See `Judge`; taken to the photo's size by the nearest pixel."""
        found = self._logits_of(self._variables, self._seen(photos)).argmax(-1).astype(np.uint8)
        pairs = zip(found, photos, strict=True)
        return [resize_nearest(classes, photo.shape[:2]) for classes, photo in pairs]

    def features(self, photos: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See `Judge`."""
        return list(self._features_of(self._variables, self._seen(photos)))

    def _seen(self, photos: Sequence[np.ndarray]) -> np.ndarray:
        return normalise(np.stack([resize_bilinear(photo, self._size) for photo in photos]))


class ImportedJudge(Judge):
    """A PSPNet that semseg released; sees crops of photos at their own size, as semseg does.

    Features are of whole photos.
    """

    def classes(self, photos: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See `Judge`."""
        predict = partial(self._logits_of, self._variables)
        found: list[np.ndarray] = []
        for group in self._of_one_size(photos):
            found += list(class_probabilities(predict, group, CROP).argmax(-1).astype(np.uint8))
        return found

    def features(self, photos: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See `Judge`."""
        groups = map(normalise, self._of_one_size(photos))
        return [f for group in groups for f in self._features_of(self._variables, group)]

    def _of_one_size(self, photos: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
        """Photos in order, (B, H, W, 3), one a device."""
        for _, alike in groupby(photos, key=np.shape):
            group = list(alike)
            for start in range(0, len(group), self._at_once):
                yield np.stack(group[start : start + self._at_once])


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
