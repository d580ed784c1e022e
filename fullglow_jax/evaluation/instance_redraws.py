"""What changes in photos of which one instance is drawn anew: inside of it, and outside."""

from collections.abc import Callable
from itertools import combinations
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from ml_collections import ConfigDict

from fullglow_jax.evaluation.request import EvaluationRequest
from fullglow_jax.evaluation.split_scores import split_scores
from fullglow_jax.evaluation.summary import over_examples
from fullglow_jax.evaluation.unfinished import Unfinished
from fullglow_jax.models.batch import Batch
from fullglow_jax.models.interface import InstanceModel, PyTree, Styles
from fullglow_jax.palette import LABELS
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.runs.trained import Trained

COUNTABLE_COLOURS = np.array([label.colour for label in LABELS if label.countable], np.int32)
"""Of Cityscapes' classes whose instances are told apart; no numbered palette has any of them."""


def redraw_distances(
    model: InstanceModel, draws: int, temperature: float
) -> Callable[[PyTree, Batch, Array], dict[str, Array]]:
    """(variables, batch, keys) → distances between redraws of one instance, (B,) by name.

    Of each photo, the largest instance of a countable class (of any, if there is none) is drawn
    anew, `draws` times, all else kept. Distances are means over all pairs of these: the root mean
    square difference over the pixels "inside" of the instance and "outside", and the mean absolute
    one, "change_inside" and "change_outside". They are not numbers if there is but one draw; where
    no pixel is outside, nothing changes there.
    """
    pairs = np.array(list(combinations(range(draws), 2)), int).reshape(-1, 2)

    def score(variables: PyTree, batch: Batch, keys: Array) -> dict[str, Array]:
        conditions = model.read_conditions(variables, batch)
        count, warmth = len(keys), jnp.float32(temperature)
        numbered = jax.vmap(jax.vmap(jax.random.fold_in, (None, 0)), (0, None))
        others_keys = numbered(keys, jnp.arange(1, draws + 1)).reshape(-1)
        base = model.draw_styles(variables, conditions, keys, warmth)
        others = model.draw_styles(variables, conditions, others_keys, warmth)
        ids = model.instance_ids(batch)
        place = _largest(ids, base.ids, _countable(batch.condition))
        base, at = jax.tree.map(lambda leaf: jnp.repeat(leaf, draws, axis=0), (base, place))
        rows = jnp.arange(count * draws)
        changed = base.instances.at[rows, at].set(others.instances[rows, at])
        images = model.sample_styled(
            variables, conditions, Styles(base.image, base.ids, changed)
        ).reshape(count, draws, *ids.shape[1:], -1)
        mask = ids == base.ids[::draws][jnp.arange(count), place][:, None, None]
        apart = images[:, pairs[:, 0]] - images[:, pairs[:, 1]]
        found = {}
        for name, where in (("inside", mask), ("outside", ~mask)):
            pixels = where[:, None, ..., None]
            size = jnp.maximum(where.sum((1, 2)), 1)[:, None] * images.shape[-1]
            square = jnp.where(pixels, jnp.square(apart), 0).sum((2, 3, 4)) / size
            absolute = jnp.where(pixels, jnp.abs(apart), 0).sum((2, 3, 4)) / size
            found[name] = jnp.sqrt(square).mean(1)
            found[f"change_{name}"] = absolute.mean(1)
        return found

    return score


def _countable(conditions: Array) -> Array:
    """Whether each pixel has the colour of a countable class, (B, H, W)."""
    conditions = jnp.asarray(conditions)
    if conditions.dtype != jnp.uint8:
        conditions = jnp.round(conditions * 255)
    same = conditions[..., None, :].astype(jnp.int32) == COUNTABLE_COLOURS
    return same.all(-1).any(-1)


def _largest(ids: Array, of_styles: Array, countable: Array) -> Array:
    """The place of the instance with most countable pixels, else most pixels, (B,).

    Args:
        ids: Each pixel's, (B, H, W).
        of_styles: Those of `Styles`, (B, N), ascending.
        countable: Whether each pixel is countable, (B, H, W).
    """

    def largest(ids: Array, own: Array, countable: Array) -> Array:
        places = jnp.searchsorted(own, ids.ravel())
        there = jnp.where(countable.any(), countable.ravel(), True)
        return jnp.zeros(len(own), jnp.int32).at[places].add(there.astype(jnp.int32)).argmax()

    return jax.vmap(largest)(ids, of_styles, countable)


def score_split(
    config: ConfigDict,
    request: EvaluationRequest,
    trained: Trained,
    devices: Devices,
    unfinished: Unfinished,
) -> dict[str, Any]:
    """The entries of the report, JSON values; `unfinished` keeps what is measured."""
    model: Any = trained.model  # an InstanceModel, as was checked
    temperature = request.temperature_of(config)
    found = split_scores(
        config,
        request,
        trained,
        devices,
        unfinished,
        redraw_distances(model, request.rounds, temperature),
        name="instances drawn anew",
        depends=(request.rounds, temperature),
    )
    means = {name: over_examples(values[0]) for name, values in found.items()}
    inside, outside = (means[f"change_{where}"]["mean"] for where in ("inside", "outside"))
    return {
        "examples": found["inside"].shape[1],
        "instance_diversity": {
            "draws": request.rounds,
            "temperature": temperature,
            **means,
            "change_ratio": {"mean": inside / outside if inside is not None and outside else None},
        },
    }
