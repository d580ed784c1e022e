"""Judges: segmentation networks that label drawn photos."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from ml_collections import ConfigDict

from fullglow_jax.data.images import resize_bilinear, resize_nearest
from fullglow_jax.digests import digest
from fullglow_jax.errors import UserError, with_article
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.parallel.distributed import on_host
from fullglow_jax.parallel.in_batches import InBatches
from fullglow_jax.runs.packaged import packaged_names
from fullglow_jax.runs.trained import load_trained, stored_config
from fullglow_jax.segmentation import PSPNet, class_probabilities, load_pspnet
from fullglow_jax.segmentation.model import Segmentation
from fullglow_jax.segmentation.pixels import DEVIATION, MEAN, normalise

CROP = (713, 713)
"""The size of crops on which semseg tests its Cityscapes networks."""

PHOTOS_A_DEVICE = 4
"""Photos, of the judge's training size, that a device computes at once."""


class Judge(ABC):
    """A PSPNet on all devices of this process, each of which labels a share of the photos.

    Args:
        name: Its name in a report.
        network: The network.
        variables: Its variables, on the host.
        parallel: `config.parallel`, which may ask for fewer devices.
        photos_a_device: Photos, or crops of them, that a device computes at once.

    Attributes:
        name: The name.
        digest: A digest of all that its labels depend on.
        width: The number of its features.
    """

    def __init__(
        self,
        name: str,
        network: PSPNet,
        variables: Any,
        parallel: ConfigDict | None = None,
        photos_a_device: int = 1,
    ) -> None:
        self.name = name
        self.digest = digest(type(self).__name__, repr(network.architecture), variables)
        self.width = network.architecture.features
        devices = Devices(parallel, here=True)
        self._at_once = photos_a_device * devices.mesh.size
        self._network, self._on_host = network, variables
        self._variables = jax.device_put(variables, devices.replicated)
        features = partial(network.apply, method=PSPNet.features)
        self._logits_of = InBatches(network.apply, devices, self._at_once)
        self._features_of = InBatches(features, devices, self._at_once)

    @abstractmethod
    def classes(self, photos: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The evaluated class of each pixel, uint8 (H, W), of each photo, uint8 (H, W, 3)."""

    @abstractmethod
    def features(self, photos: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The classifier's input, float32 (h, w, C), of each photo, uint8 (H, W, 3)."""

    def activations(self, images: Array) -> list[Array]:
        """The classifier's input, which can be differentiated: a single layer, (B, h, w, C).

        Args:
            images: (B, H, W, 3) in [−1, 1].
        """
        pixels = (self._fitted(images) + 1) * 127.5
        found = self._network.apply(
            self._on_host, (pixels - MEAN) / DEVIATION, method=PSPNet.features
        )
        return [jnp.asarray(found)]

    def _fitted(self, images: Array) -> Array:
        """Images (B, H, W, 3) at the size that it looks at."""
        return images

    def look(self, photos: Sequence[np.ndarray]) -> list[dict[str, np.ndarray]]:
        """The "features", float32 (C,), of each photo, uint8 (H, W, 3): their mean over places."""
        return [{"features": each.mean((0, 1))} for each in self.features(photos)]


class TrainedJudge(Judge):
    """A PSPNet that was trained here; photos are resized to its training size.

    Args:
        name: See `Judge`.
        network: See `Judge`.
        variables: See `Judge`.
        size: (H, W) of the training images.
        parallel: See `Judge`.
    """

    def __init__(
        self,
        name: str,
        network: PSPNet,
        variables: Any,
        size: tuple[int, int],
        parallel: ConfigDict | None = None,
    ) -> None:
        super().__init__(name, network, variables, parallel, PHOTOS_A_DEVICE)
        self.digest = digest(self.digest, size)
        self._size = size

    def classes(self, photos: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The classes, resized to the photo's size by the nearest pixel."""
        found = self._logits_of(self._variables, self._seen(photos)).argmax(-1).astype(np.uint8)
        pairs = zip(found, photos, strict=True)
        return [resize_nearest(classes, photo.shape[:2]) for classes, photo in pairs]

    def features(self, photos: Sequence[np.ndarray]) -> list[np.ndarray]:
        return list(self._features_of(self._variables, self._seen(photos)))

    def _fitted(self, images: Array) -> Array:
        # As Pillow does it: smoothed, where images get smaller.
        return jax.image.resize(images, (len(images), *self._size, 3), "bilinear")

    def _seen(self, photos: Sequence[np.ndarray]) -> np.ndarray:
        return normalise(np.stack([resize_bilinear(photo, self._size) for photo in photos]))


class ImportedJudge(Judge):
    """A PSPNet released by semseg; it labels crops of photos at their own size, as semseg does.

    Features are of whole photos.
    """

    def classes(self, photos: Sequence[np.ndarray]) -> list[np.ndarray]:
        predict = partial(self._logits_of, self._variables)
        found: list[np.ndarray] = []
        for group in self._of_one_size(photos):
            found += list(class_probabilities(predict, group, CROP).argmax(-1).astype(np.uint8))
        return found

    def features(self, photos: Sequence[np.ndarray]) -> list[np.ndarray]:
        groups = map(normalise, self._of_one_size(photos))
        return [f for group in groups for f in self._features_of(self._variables, group)]

    def _of_one_size(self, photos: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
        """Photos in order, (B, H, W, 3), one per device."""
        for _, alike in groupby(photos, key=np.shape):
            group = list(alike)
            for start in range(0, len(group), self._at_once):
                yield np.stack(group[start : start + self._at_once])


def load_judge(path: Path, parallel: ConfigDict | None = None) -> Judge:
    """A judge from the workdir of a pspnet, or from a file that `import_semseg` wrote.

    Args:
        path: The workdir, the name of a packaged model, or the file.
        parallel: `config.parallel`; None for all devices.

    Raises:
        UserError: If it is neither.
    """
    if not path.is_dir() and str(path) not in packaged_names():
        architecture, variables = load_pspnet(path)
        return ImportedJudge(path.name, PSPNet(architecture), variables, parallel)
    config = stored_config(path, "latest")
    trained = load_trained(config, path, "latest", Devices())
    if not isinstance(trained.model, Segmentation):
        raise UserError(
            f"--judge {path} is the workdir of {with_article(config.model.name)}, which cannot "
            "tell what is in "
            "a photo. Train a pspnet (--config pspnet_street_scenes), or import one "
            "(python -m fullglow_jax.interop.import_semseg)."
        )
    return TrainedJudge(
        f"{path.resolve().name}, step {trained.step}",
        trained.model.network,
        on_host(trained.variables),
        trained.model.shapes.image_size,
        parallel,
    )
