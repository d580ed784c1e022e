"""From one image to another in steps, in latents and in conditions."""

from dataclasses import replace

import jax
import numpy as np

from fullglow_jax.likelihood import to_unit_interval
from fullglow_jax.models.interface import Batch, PyTree
from fullglow_jax.sampling.examples import Example, Examples
from fullglow_jax.sampling.gallery import Row
from fullglow_jax.sampling.session import Session, file_stem, need_targets


def interpolate(session: Session) -> None:
    """Interpolates between a split's first pairs and their neighbours, or between those named.

    Two rows for each couple. "latents": on a straight line from the latents of the first image to
    those of the second, all decoded under the first one's condition. "conditions": the first
    image's latents under conditions that fade, pixel by pixel, from its own to the second one's.

    Raises:
        UserError: Where a pair cannot be read, or the model cannot encode.
    """
    request, operations = session.request, session.operations
    examples = session.examples()
    couples = list(map(examples.couple, request.pairs)) or examples.neighbours(request.count)
    need_targets([start for start, _ in couples], "interpolate")
    if not operations.reads_conditions:
        need_targets([end for _, end in couples], "interpolate")
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
            stem = file_stem(place, f"{start.name}__to__{end.name}__{kind}")
            ends, images = _line(session, examples, kind, start, end, shares)
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
    session: Session,
    examples: Examples,
    kind: str,
    start: Example,
    end: Example,
    shares: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """(what lies at both ends, (2, H, W, 3); the images from one to the other)."""
    operations = session.operations
    both = examples.batch([start, end])
    latents = operations.encode(both).latents
    at_start = jax.tree.map(lambda leaf: np.repeat(leaf[:1], len(shares), axis=0), (both, latents))
    if kind == "latents":
        return both.target, operations.decode(at_start[0], _between(latents, shares))
    units = jax.tree.map(lambda leaf: np.asarray(to_unit_interval(leaf)), replace(both, target=()))
    conditions: Batch = replace(_between(units, shares), target=at_start[0].target)
    return both.condition, operations.decode(conditions, at_start[1])


def _between(ends: PyTree, shares: np.ndarray) -> PyTree:
    """(2, …) → (len(shares), …), so much of the second and the rest of the first."""

    def of_leaf(leaf: np.ndarray) -> np.ndarray:
        share = shares.reshape(-1, *[1] * (leaf.ndim - 1))
        return (1 - share) * leaf[:1] + share * leaf[1:]

    return jax.tree.map(of_leaf, ends)
