"""Interpolation between two images, in latents and in conditions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from fullglow_jax.pictures.gallery import Row
from fullglow_jax.sampling.capabilities import LATENTS
from fullglow_jax.sampling.file_names import file_stem
from fullglow_jax.sampling.modes.mode import Session, mode

if TYPE_CHECKING:
    from fullglow_jax.models.batch import Batch
    from fullglow_jax.models.interface import PyTree
    from fullglow_jax.sampling.operations import Operations


@mode(
    "interpolate",
    "from one pair to another, --pair FROM:TO",
    reads=("split", "count", "pair", "label", "frames"),
    needs=(LATENTS,),
)
def interpolate(session: Session) -> None:
    """Interpolates between a split's first pairs and their neighbours, or between named pairs.

    Each couple has two rows. "latents": a straight line from the first image's latents to the
    second's, all decoded under the first one's condition and class. "conditions": the first image's
    latents under conditions that fade, pixel by pixel, from its own to the second one's.

    Raises:
        UserError: If a pair cannot be read.
    """
    request, operations = session.request, session.operations
    examples = session.examples(session.one_label)
    couples = list(map(examples.couple, request.pair)) or examples.neighbours(request.count)
    session.need_targets([start for start, _ in couples])
    if not operations.reads_conditions:
        session.need_targets([end for _, end in couples])
    shares = np.linspace(0, 1, request.frames, dtype=np.float32)
    lines = [
        (place, kind, start, end)
        for place, (start, end) in enumerate(couples)
        for kind in ("latents", "conditions")
        if (end.has_target if kind == "latents" else operations.reads_conditions)
    ]
    rows, total = [], len(lines) * len(shares)
    with session.progress(total, "interpolating") as progress:
        album = session.album()
        for place, kind, start, end in lines:
            stem = file_stem(place, start.name, "to", end.name, kind)
            both = examples.batch([start, end])
            ends, images = _line(session.operations, both, kind, shares)
            middle = [
                album.save(f"{stem}__{number:03d}.png", image)
                for number, image in enumerate(images)
            ]
            first, last = (
                album.save(f"{which}/{stem}.png", image)
                for which, image in zip(("from", "to"), ends, strict=True)
            )
            rows.append(Row(stem, (first, *middle, last)))
            progress.update(len(rows) * len(shares))
        columns = ["from", *(f"{share:.2g}" for share in shares), "to"]
        session.finish(album, progress, columns, rows, total=total)


def _line(
    operations: Operations, both: Batch, kind: str, shares: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(the pictures at both ends, (2, H, W, 3); the images from one to the other)."""
    import jax

    from fullglow_jax.flows.likelihood import to_unit_interval

    latents = operations.encode(both).latents
    at_start = jax.tree.map(lambda leaf: np.repeat(leaf[:1], len(shares), axis=0), (both, latents))
    if kind == "latents":
        return both.target, operations.decode(at_start[0], _between(latents, shares))
    fading = replace(both, target=(), label=None)
    units = jax.tree.map(lambda leaf: np.asarray(to_unit_interval(leaf)), fading)
    own = {"target": at_start[0].target, "label": at_start[0].label}
    return both.condition, operations.decode(replace(_between(units, shares), **own), at_start[1])


def _between(ends: PyTree, shares: np.ndarray) -> PyTree:
    """(2, …) → (len(shares), …): each share is the second one's weight, the rest the first's."""
    import jax

    def mixed(leaf: np.ndarray) -> np.ndarray:
        share = shares.reshape(-1, *[1] * (leaf.ndim - 1))
        return (1 - share) * leaf[:1] + share * leaf[1:]

    return jax.tree.map(mixed, ends)
