"""Networks that look at images for metrics: the judge, FID's Inception, and LPIPS."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import jax
import numpy as np
from jax import Array
from ml_collections import ConfigDict

from fullglow_jax.digests import digest
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.judge import Judge, load_judge
from fullglow_jax.evaluation.metrics.metric import Metric
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
        self.name = f"Inception's {features} features ({preprocessing})"
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
        least: The smallest height and width of photos.
    """

    def __init__(self, network: str, weights: Weights, parallel: ConfigDict | None = None) -> None:
        form = LPIPS[network].lpips
        self.name, self.least = form.pretrained.name, form.least
        self.digest = digest(self.name, dict(weights))
        devices = Devices(parallel, here=True)
        self._weights = jax.device_put(dict(weights), devices.replicated)

        def distances(weights: Weights, pairs: tuple[Array, Array]) -> Array:
            return form(weights, *pairs)

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


@dataclass(frozen=True)
class Asked:
    """What says which networks there are; see the flags of these names.

    Attributes:
        judge: A judge's workdir or file.
        inception: The file of FID's Inception.
        inception_features: How many of its features.
        preprocessing: One of `PREPROCESSINGS`.
        lpips_weights: A file of LPIPS's weights, if not those of the installed package.
        lpips_network: "alex" or "vgg".
    """

    judge: Path | str | None = None
    inception: Path | str | None = None
    inception_features: str = "2048"
    preprocessing: str = "torch_fidelity"
    lpips_weights: Path | str | None = None
    lpips_network: str = "alex"

    @classmethod
    def of(cls, source: Any) -> "Asked":
        """Out of a request or `config.train`; what that does not have stays as it is here."""
        there: dict[str, Any] = {
            f.name: getattr(source, f.name) for f in fields(cls) if hasattr(source, f.name)
        }
        return cls(**there)


class Row(NamedTuple):
    """A network that metrics ask.

    Attributes:
        field: The field of `Asked` that names it.
        there: Whether it is there.
        load: Loads it; it is there. The second argument is `config.parallel`.
        named: Its name in texts.
        how: How to name it; `{}` stands before the field's name.
    """

    field: str
    there: Callable[[Asked], bool]
    load: Callable[[Asked, ConfigDict | None], Any]
    named: str
    how: str


def _load_judge(asked: Asked, parallel: ConfigDict | None) -> Judge:
    return load_judge(user_path(asked.judge or ""), parallel)


def _load_inception(asked: Asked, parallel: ConfigDict | None) -> Inception:
    weights = read_weights(user_path(asked.inception or ""), PRETRAINED_INCEPTION)
    return Inception(weights, int(asked.inception_features), asked.preprocessing, parallel)


def _load_lpips(asked: Asked, parallel: ConfigDict | None) -> LpipsObserver:
    form = LPIPS[asked.lpips_network]
    weights = (
        package_weights(form.lpips.pretrained, form.file)
        if asked.lpips_weights is None
        else read_weights(user_path(asked.lpips_weights), form.lpips.pretrained)
    )
    return LpipsObserver(asked.lpips_network, weights, parallel)


OBSERVERS = {
    "judge": Row(
        "judge",
        lambda asked: asked.judge is not None,
        _load_judge,
        "a judge",
        "asks what a judge finds in photos; name one: {}judge takes the workdir of a pspnet, or a "
        "file that fullglow_jax.interop.import_semseg wrote.",
    ),
    "inception": Row(
        "inception",
        lambda asked: asked.inception is not None,
        _load_inception,
        "FID's Inception",
        "asks FID's Inception, whose file is to be named: {}inception takes "
        f"{PRETRAINED_INCEPTION.source}, or a .npz that fullglow_jax.interop.import_network made "
        "of it. Without it, fd_judge and kd_judge take a judge's features.",
    ),
    "lpips": Row(
        "lpips_weights",
        lambda asked: asked.lpips_weights is not None or package_folder() is not None,
        _load_lpips,
        "LPIPS's weights",
        f"asks a network whose weights are not installed: {INSTALL}; or {{}}lpips_weights takes a "
        "file of torch.save(lpips.LPIPS(net='alex').state_dict(), FILE), of the package lpips.",
    ),
}
"""The networks, by the names that metrics have for them."""


def load_observers(
    metrics: Iterable[type[Metric]], asked: Asked, parallel: ConfigDict | None, prefix: str = "--"
) -> dict[str, Any]:
    """The networks that metrics ask, by name; without those that are neither there nor needed.

    Args:
        metrics: The metrics.
        asked: Which networks there are.
        parallel: `config.parallel`.
        prefix: What stands before the names of `asked` where users write them.

    Raises:
        UserError: If one that is needed is not there, or one cannot be read.
    """
    found: dict[str, Any] = {}
    for metric in metrics:
        row = OBSERVERS.get(metric.observer)
        if row is None or metric.observer in found:
            continue
        if row.there(asked):
            found[metric.observer] = row.load(asked, parallel)
        elif metric.needs_observer:
            raise UserError(f"{prefix}metrics {metric.name} {row.how.format(prefix)}")
    return found
