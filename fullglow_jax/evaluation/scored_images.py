"""Scores of a folder of drawn images, or a message that names what cannot be scored."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from fullglow_jax.data.faults import Fault, described
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.drawn_images import DrawnImages
from fullglow_jax.evaluation.image_metrics import DrawnPair, ImageMetric
from fullglow_jax.evaluation.truths import Truth, Truths
from fullglow_jax.evaluation.unfinished import Unfinished, digest
from fullglow_jax.parallel.distributed import gathered, own_share


@dataclass(frozen=True)
class ScoredImages:
    """What came out.

    Attributes:
        examples: Pairs that were scored.
        rounds: Images of each.
        faults: What is wrong with images.
        left_out: Names of pairs that could not be scored for it.
        results: By metric, JSON values.
    """

    examples: int
    rounds: int
    faults: tuple[Fault, ...]
    left_out: tuple[str, ...]
    results: dict[str, Any]


def score_images(
    drawn: DrawnImages,
    truths: Truths,
    measures: Mapping[str, ImageMetric],
    unfinished: Unfinished,
    *,
    skip_bad: bool = False,
    at_once: int = 1,
    told: Callable[[int], None] = lambda done: None,
) -> ScoredImages:
    """Scores what a system has drawn for a split; each process of a run takes a share of it.

    Args:
        drawn: The system's images.
        truths: What they are held against.
        measures: What to find out about them, by name.
        unfinished: Remembers what was measured, should this be stopped.
        skip_bad: Leave out a pair one of whose images is missing or bad, instead of refusing all.
        at_once: Pairs that are measured together.
        told: Told how many pairs of this process's share are done.

    Raises:
        UserError: An image is missing or bad, or a truth nothing that a metric can be taken
            against, or nothing is left to score.
    """
    share = own_share(len(truths))
    of_share: list[Any] = []
    for start in range(0, len(share), at_once):
        places = share[start : start + at_once]
        of_share += _outcomes(drawn, [truths[p] for p in places], measures, unfinished)
        told(len(of_share))
    outcomes = list(chain.from_iterable(gathered(of_share)))
    faults = [Fault(*fault) for outcome in outcomes for fault in outcome["faults"]]
    left_out = [outcome["name"] for outcome in outcomes if outcome["faults"]]
    measured = [outcome["measured"] for outcome in outcomes if not outcome["faults"]]
    if faults and not (skip_bad and measured):
        raise UserError(
            f"{described(faults)}\nNothing was scored. --skip_bad leaves out the pairs they belong "
            "to, and says how many."
        )
    results = {name: of.result([m[name] for m in measured]) for name, of in measures.items()}
    return ScoredImages(len(measured), len(drawn.rounds), tuple(faults), tuple(left_out), results)


def _outcomes(
    drawn: DrawnImages,
    truths: Sequence[Truth],
    measures: Mapping[str, ImageMetric],
    unfinished: Unfinished,
) -> list[dict[str, Any]]:
    """Of some pairs, in order: what was measured, or what is wrong with their images."""
    depends = {name: measure.depends for name, measure in measures.items()}
    outcomes: list[dict[str, Any]] = []
    pairs: dict[str, DrawnPair] = {}
    for truth in truths:
        images = drawn(truth.name, truth.target.shape[:2])
        of_truth = [measure.fault(truth) for measure in measures.values()]
        faults = [fault for fault in (*of_truth, *images) if isinstance(fault, Fault)]
        outcome: dict[str, Any] = {"name": truth.name, "faults": faults}
        if not faults:
            pair = DrawnPair(truth, [image for image in images if not isinstance(image, Fault)])
            outcome["key"] = digest(depends, pair)
            pairs[outcome["key"]] = pair
        outcomes.append(outcome)
    new = {key: pair for key, pair in pairs.items() if unfinished.get(key) is None}
    if new:
        measured = {name: of.measure(list(new.values())) for name, of in measures.items()}
        for i, key in enumerate(new):
            unfinished.add(key, {name: of_pairs[i] for name, of_pairs in measured.items()})
    return [
        {"name": o["name"], "faults": o["faults"], "measured": unfinished.get(o.get("key", ""))}
        for o in outcomes
    ]
