"""Scores of a folder of drawn images, or a message that names what cannot be scored."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fullglow_jax.data.faults import Fault, described
from fullglow_jax.data.pair import PairSource
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.drawn_images import DrawnImages
from fullglow_jax.evaluation.image_metrics import ImageMetric
from fullglow_jax.evaluation.truths import truths


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
    folder: Path,
    source: PairSource,
    image_size: tuple[int, int],
    measures: Mapping[str, ImageMetric],
    *,
    limit: int | None = None,
    skip_bad: bool = False,
    told: Callable[[int], None] = lambda done: None,
) -> ScoredImages:
    """Scores what a system has drawn for a split.

    Args:
        folder: Its images; see `DrawnImages`.
        source: The split, of original files where it has any.
        image_size: (H, W) of the model.
        measures: What to find out about them, by name.
        limit: Only the first so many pairs.
        skip_bad: Leave out a pair one of whose images is missing or bad, instead of refusing all.
        told: Told how many pairs are done.

    Raises:
        UserError: An image is missing or bad, of a split that is not what the metrics are for, or
            nothing is left to score.
    """
    drawn = DrawnImages(folder, image_size)
    faults: list[Fault] = []
    left_out: list[str] = []
    scored = 0
    for place, truth in enumerate(truths(source, limit)):
        height, width = truth.target.shape[:2]
        images = drawn(truth.name, (height, width))
        bad = [image for image in images if isinstance(image, Fault)]
        if bad:
            faults += bad
            left_out.append(truth.name)
        else:
            whole = [image for image in images if not isinstance(image, Fault)]
            for measure in measures.values():
                measure.add(truth, whole)
            scored += 1
        told(place + 1)
    if faults and not (skip_bad and scored):
        raise UserError(
            f"{described(faults)}\nNothing was scored. --skip_bad leaves out the pairs they belong "
            "to, and says how many."
        )
    results = {name: measure.result() for name, measure in measures.items()}
    return ScoredImages(scored, len(drawn.rounds), tuple(faults), tuple(left_out), results)
