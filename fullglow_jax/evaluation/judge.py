"""Segmentation networks that say what is in a photo."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import jax
import numpy as np
from PIL import Image

from fullglow_jax.data.images import resize_bilinear
from fullglow_jax.errors import UserError
from fullglow_jax.models.interface import Batch
from fullglow_jax.models.segmentation import Segmentation
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.segmentation import PSPNet, class_probabilities, load_pspnet
from fullglow_jax.training.trained import load_trained, stored_config

Judge = Callable[[np.ndarray], np.ndarray]
"""The evaluated class of each pixel, uint8 (H, W), of a photo, uint8 (H, W, 3)."""

CROP = (713, 713)
"""What semseg tests its Cityscapes networks on."""


def load_judge(path: Path) -> Judge:
    """A judge out of the workdir of a pspnet, or out of a file that `import_semseg` wrote.

    The former sees photos at the size that it was trained at, the latter in crops as semseg does.

    Raises:
        UserError: It is neither.
    """
    if not path.is_dir():
        return _of_file(path)
    config = stored_config(path, "latest")
    trained = load_trained(config, path, "latest", Devices())
    if not isinstance(trained.model, Segmentation):
        raise UserError(
            f"--judge {path} is the workdir of a {config.model.name}, which cannot tell what is in "
            "a photo. Train a pspnet (configs/pspnet_street_scenes.py), or import one "
            "(python -m fullglow_jax.interop.import_semseg)."
        )
    size = trained.architecture.image_size
    logits = jax.jit(trained.model.read_conditions)

    def judge(photo: np.ndarray) -> np.ndarray:
        seen = resize_bilinear(photo, size)[None]
        found = np.asarray(logits(trained.variables, Batch(seen, seen))[0]).argmax(-1)
        height, width = photo.shape[:2]
        at_size = Image.fromarray(found.astype(np.uint8)).resize(
            (width, height), Image.Resampling.NEAREST
        )
        return np.asarray(at_size)

    return judge


def _of_file(path: Path) -> Judge:
    architecture, variables = load_pspnet(path)
    predict = partial(jax.jit(PSPNet(architecture).apply), variables)

    def judge(photo: np.ndarray) -> np.ndarray:
        return class_probabilities(predict, photo[None], CROP)[0].argmax(-1).astype(np.uint8)

    return judge
