"""Scores of a folder of drawn images."""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

from fullglow_jax.data.faults import Fault, described
from fullglow_jax.digests import digest
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.drawn_images import DrawnImages
from fullglow_jax.evaluation.metrics.metric import DrawnPair, ImageMetric, kind, measured
from fullglow_jax.evaluation.truths import TrueImages, Truth
from fullglow_jax.evaluation.unfinished import Unfinished
from fullglow_jax.parallel.distributed import gathered, own_share


class ScoredImages(NamedTuple):
    """The scores.

    Attributes:
        examples: Number of pairs that were scored.
        rounds: Number of images of each.
        left_out: Names of pairs that could not be scored, because images have faults.
        faults: The faults.
        results: By metric, JSON values.
    """

    examples: int
    rounds: int
    left_out: list[str]
    faults: list[Fault]
    results: dict[str, Any]


def score_images(
    drawn: DrawnImages,
    truths: TrueImages,
    metrics: Mapping[str, ImageMetric],
    unfinished: Unfinished,
    *,
    skip_bad: bool = False,
    at_once: int = 1,
    told: Callable[[int], None] = lambda done: None,
) -> ScoredImages:
    """Scores the images of a system for a split; each process of a run takes a share of them.

    Args:
        drawn: The system's images.
        truths: The true pairs.
        metrics: The metrics, by name.
        unfinished: Keeps measurements, in case this is stopped.
        skip_bad: Whether to leave out pairs with missing or bad images, instead of refusing all.
        at_once: Number of pairs that are measured together.
        told: Called with the number of pairs of this process's share that are done.

    Raises:
        UserError: If an image is missing or bad, a metric cannot be computed for a truth, or
            nothing is left to score.
    """
    share = own_share(len(truths))
    share_outcomes: list[Any] = []
    for start in range(0, len(share), at_once):
        places = share[start : start + at_once]
        share_outcomes += _outcomes(drawn, [truths[p] for p in places], metrics, unfinished)
        told(len(share_outcomes))
    outcomes = list(chain.from_iterable(gathered(share_outcomes)))
    faults = [Fault(*fault) for outcome in outcomes for fault in outcome["faults"]]
    left_out = [outcome["name"] for outcome in outcomes if outcome["faults"]]
    found = [outcome["measured"] for outcome in outcomes if not outcome["faults"]]
    if faults and not (skip_bad and found):
        advice = (
            "No pair is left that could be scored."
            if skip_bad
            else "--skip_bad leaves out the pairs they belong to, and says how many."
        )
        raise UserError(f"{described(faults)}\nNothing was scored. {advice}")
    results = {n: metric.result([m[kind(metric)] for m in found]) for n, metric in metrics.items()}
    return ScoredImages(len(found), len(drawn.rounds), left_out, faults, results)


def _outcomes(
    drawn: DrawnImages,
    truths: Sequence[Truth],
    metrics: Mapping[str, ImageMetric],
    unfinished: Unfinished,
) -> list[dict[str, Any]]:
    """The measurements or faults of some pairs, in order."""
    depends = {kind(metric): metric.depends for metric in metrics.values()}
    outcomes: list[dict[str, Any]] = []
    pairs: dict[str, DrawnPair] = {}
    for truth in truths:
        images = drawn(truth.name, truth.target.shape[:2])
        truth_faults = [metric.fault(truth) for metric in metrics.values()]
        faults = [fault for fault in (*truth_faults, *images) if isinstance(fault, Fault)]
        outcome: dict[str, Any] = {"name": truth.name, "faults": faults}
        if not faults:
            pair = DrawnPair(truth, [image for image in images if not isinstance(image, Fault)])
            outcome["key"] = digest(depends, pair)
            pairs[outcome["key"]] = pair
        outcomes.append(outcome)
    new = {key: pair for key, pair in pairs.items() if unfinished.get(key) is None}
    if new:
        found = measured(metrics, list(new.values()))
        for i, key in enumerate(new):
            unfinished.add(key, {name: measurements[i] for name, measurements in found.items()})
    return [
        {"name": o["name"], "faults": o["faults"], "measured": unfinished.get(o.get("key", ""))}
        for o in outcomes
    ]
