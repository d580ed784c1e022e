"""Networks that look at images for metrics: the judge, FID's Inception, and LPIPS."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import jax
import numpy as np
from jax import Array
from ml_collections import ConfigDict

from fullglow_jax.digests import digest
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.judge import load_judge
from fullglow_jax.files.paths import user_path
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.parallel.in_batches import InBatches
from fullglow_jax.perception import lpips
from fullglow_jax.perception.inception import PRETRAINED_INCEPTION, look
from fullglow_jax.perception.inception_photos import PREPROCESSINGS
from fullglow_jax.perception.lpips_package import INSTALL, package_folder, package_weights
from fullglow_jax.perception.network import Weights
from fullglow_jax.perception.weights import read_weights

Seen = dict[str, np.ndarray]
"""What a network sees in an image: "features", float32 (C,), and what else metrics ask for."""

PHOTOS_A_DEVICE = 8
"""Photos that a device looks at at once."""


class Observer(Protocol):
    """A network that sees features in photos.

    Attributes:
        name: Its name in reports.
        digest: A digest of all that its features depend on.
        width: The number of its features, C.
    """

    name: str
    digest: str
    width: int

    def look(self, photos: Sequence[np.ndarray]) -> list[Seen]:
        """What it sees in each photo, uint8 (H, W, 3)."""


class Inception:
    """FID's Inception on all devices of this process: features, and "logits" without the bias.

    Args:
        weights: Its weights.
        features: The place whose features are taken, one of `inception.FEATURES`.
        preprocessing: One of `PREPROCESSINGS`.
        parallel: `config.parallel`, which may ask for fewer devices.

    Attributes:
        name: See `Observer`.
        digest: See `Observer`.
        width: See `Observer`.
    """

    def __init__(
        self,
        weights: Weights,
        features: int,
        preprocessing: str,
        parallel: ConfigDict | None = None,
    ) -> None:
        self.name = f"Inception's {features} features, as {preprocessing} resizes"
        self.digest = digest("inception", features, preprocessing, dict(weights))
        self.width = features
        self._preprocess = PREPROCESSINGS[preprocessing]
        devices = Devices(parallel, here=True)
        self._weights = jax.device_put(dict(weights), devices.replicated)
        self._look = InBatches(self._seen, devices, PHOTOS_A_DEVICE * devices.mesh.size)

    def look(self, photos: Sequence[np.ndarray]) -> list[Seen]:
        """What it sees in each photo, uint8 (H, W, 3)."""
        seen = self._look(self._weights, np.stack(list(map(self._preprocess, photos))))
        return [{name: of[i] for name, of in seen.items()} for i in range(len(photos))]

    def _seen(self, weights: Weights, images: Array) -> dict[str, Array]:
        seen = look(weights, images)
        return {"features": seen.features[self.width], "logits": seen.unbiased}


class LpipsObserver:
    """LPIPS on all devices of this process.

    Args:
        network: "alex" or "vgg".
        weights: Its weights.
        parallel: `config.parallel`, which may ask for fewer devices.

    Attributes:
        name: Its name in reports.
        digest: A digest of all that its distances depend on.
    """

    def __init__(self, network: str, weights: Weights, parallel: ConfigDict | None = None) -> None:
        self.name = LPIPS[network].lpips.pretrained.name
        self.digest = digest(self.name, dict(weights))
        devices = Devices(parallel, here=True)
        self._weights = jax.device_put(dict(weights), devices.replicated)

        def distances(weights: Weights, pairs: tuple[Array, Array]) -> Array:
            return LPIPS[network].lpips(weights, *pairs)

        self._distances = InBatches(distances, devices, PHOTOS_A_DEVICE * devices.mesh.size)

    def distances(self, pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[float]:
        """The distance of each pair of photos, uint8 (H, W, 3), all of one size."""
        first, second = (
            np.stack(images) / np.float32(127.5) - 1 for images in zip(*pairs, strict=True)
        )
        return [float(each) for each in self._distances(self._weights, (first, second))]


class PackagedLpips(NamedTuple):
    """A form of LPIPS, and the file of the package that has its weights."""

    lpips: lpips.Lpips
    file: str


LPIPS = {
    "alex": PackagedLpips(lpips.ALEX, "alexnet.ckpt"),
    "vgg": PackagedLpips(lpips.VGG, "vgg16.ckpt"),
}
"""By the name of the network."""


class Asked(Protocol):
    """The fields of a request, or of the config, that say which networks there are."""

    judge: Path | str | None
    inception: Path | str | None
    inception_features: str
    preprocessing: str
    lpips_weights: Path | str | None
    lpips_network: str


class Row(NamedTuple):
    """How a network is had.

    Attributes:
        load: (what is asked for, `config.parallel`) → the network; None if none is named.
        missing: What a metric that needs it says if there is none; `{}` stands before a name of
            `Asked`: "--" or "config.train.".
    """

    load: Callable[[Any, ConfigDict | None], Any]
    missing: str


def _judge(asked: Asked, parallel: ConfigDict | None) -> Any:
    return None if asked.judge is None else load_judge(user_path(asked.judge), parallel)


def _inception(asked: Asked, parallel: ConfigDict | None) -> Inception | None:
    if asked.inception is None:
        return None
    weights = read_weights(user_path(asked.inception), PRETRAINED_INCEPTION)
    return Inception(weights, int(asked.inception_features), asked.preprocessing, parallel)


def _lpips(asked: Asked, parallel: ConfigDict | None) -> LpipsObserver | None:
    network = asked.lpips_network
    pretrained = LPIPS[network].lpips.pretrained
    if asked.lpips_weights is not None:
        weights = read_weights(user_path(asked.lpips_weights), pretrained)
    elif package_folder() is not None:
        weights = package_weights(pretrained, LPIPS[network].file)
    else:
        return None
    return LpipsObserver(network, weights, parallel)


OBSERVERS = {
    "judge": Row(
        _judge,
        "asks what a judge finds in photos; name one: {}judge takes the workdir of a pspnet, or a "
        "file that fullglow_jax.interop.import_semseg wrote.",
    ),
    "inception": Row(
        _inception,
        "asks FID's Inception, whose file is to be named: {}inception takes "
        f"{PRETRAINED_INCEPTION.source}, or a .npz that fullglow_jax.interop.import_network made "
        "of it. Without it, fd_judge and kd_judge take the features of a judge.",
    ),
    "lpips": Row(
        _lpips,
        f"asks a network whose weights are not installed: {INSTALL}; or {{}}lpips_weights takes a "
        "file of torch.save(lpips.LPIPS(net='alex').state_dict(), FILE), of the package lpips.",
    ),
}
"""The networks by the names that metrics have for them."""


def load_observers(
    metrics: Sequence[Any], asked: Any, parallel: ConfigDict | None, prefix: str = "--"
) -> dict[str, Any]:
    """The networks that metrics ask, by name; None for one that is not there, nor needed.

    Args:
        metrics: Classes of metrics.
        asked: A request, or `config.train`, with the fields of `Asked`.
        parallel: `config.parallel`.
        prefix: What stands before those fields' names where users write them.

    Raises:
        UserError: If one that is needed is not there, or cannot be read.
    """
    found: dict[str, Any] = {}
    for metric in metrics:
        name = metric.observer
        if name and name not in found:
            found[name] = OBSERVERS[name].load(asked, parallel)
        if metric.needs_observer and found[name] is None:
            missing = OBSERVERS[name].missing.format(prefix)
            raise UserError(f"{prefix}metrics {metric.name} {missing}")
    return found
