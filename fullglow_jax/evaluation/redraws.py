"""Likeness of images whose finer latents are drawn anew."""

from collections.abc import Callable
from typing import Any

import jax
from jax import Array
from ml_collections import ConfigDict

from fullglow_jax.evaluation.metrics.psnr import Psnr
from fullglow_jax.evaluation.metrics.ssim import Ssim
from fullglow_jax.evaluation.request import EvaluationRequest
from fullglow_jax.evaluation.split_scores import split_scores
from fullglow_jax.evaluation.summary import over_examples
from fullglow_jax.evaluation.unfinished import Unfinished
from fullglow_jax.models.batch import Batch
from fullglow_jax.models.interface import InvertibleModel, PyTree
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.runs.trained import Trained


def redraw_scores(
    model: InvertibleModel, temperature: float
) -> Callable[[PyTree, Batch, Array], dict[str, Array]]:
    """(variables, batch, keys) → PSNR and SSIM of each target's partial re-draws, (B,) by name.

    "r" is drawn at temperature 1, "r_temp" at the given one, from the same noise. They are compared
    with the pixels that were encoded, not rounded (`dajinstory/glow-pytorch`).
    """
    similarities = {"psnr": jax.vmap(Psnr.similarity), "ssim": jax.vmap(Ssim.similarity)}

    def score(variables: PyTree, batch: Batch, keys: Array) -> dict[str, Array]:
        pixels, found = model.pixels(batch.target), {}
        for drawn, factor in (("r", 1.0), ("r_temp", temperature)):
            images = model.redraw(variables, batch, keys, factor)
            for name, similarity in similarities.items():
                found[f"{name}_{drawn}"] = similarity(pixels, images)
        return found

    return score


def score_split(
    config: ConfigDict,
    request: EvaluationRequest,
    trained: Trained,
    devices: Devices,
    unfinished: Unfinished,
) -> dict[str, Any]:
    """The entries of the report, JSON values; `unfinished` keeps what is measured."""
    model: Any = trained.model  # an InvertibleModel, as was checked
    temperature = request.temperature_of(config)
    score = redraw_scores(model, temperature)
    found = split_scores(
        config,
        request,
        trained,
        devices,
        unfinished,
        score,
        name="re-draws",
        depends=(temperature,),
    )
    means = {name: over_examples(values[0]) for name, values in found.items()}
    examples = next(iter(found.values())).shape[1]
    return {"examples": examples, "redraw": {"temperature": temperature, **means}}
