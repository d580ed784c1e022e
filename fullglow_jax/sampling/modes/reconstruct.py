"""Images encoded and decoded again, and how far that is from them."""

import json
import math
from typing import Any

import numpy as np

from fullglow_jax.likelihood import to_unit_interval
from fullglow_jax.sampling.gallery import Row
from fullglow_jax.sampling.session import Session, file_stem, need_targets

REPORT = "reconstruction.json"


def reconstruct(session: Session) -> None:
    """Reconstructs a split's first images, or the pairs named, and writes `reconstruction.json`.

    The report has the largest and the mean absolute error in [0, 1], of each image and of all.

    Raises:
        UserError: Where a pair cannot be read, or the model cannot encode.
    """
    request, operations = session.request, session.operations
    examples = session.examples()
    chosen = list(map(examples.find, request.pairs)) or examples.first(request.count)
    need_targets(chosen, "reconstruct")
    shows_condition = operations.reads_conditions
    rows, errors = [], []
    with session.progress(len(chosen), "reconstructing") as progress:
        album = None
        for start in range(0, len(chosen), operations.batch_size):
            batch = examples.batch(chosen[start : start + operations.batch_size])
            images = operations.transfer(batch, batch)
            album = album or session.album()
            for i, image in enumerate(images):
                place = start + i
                stem = file_stem(place, chosen[place].name)
                error = np.abs(image - np.asarray(to_unit_interval(batch.target[i])))
                errors.append((stem, float(error.max()), float(error.mean())))
                files = [
                    album.save(f"ground_truth/{stem}.png", batch.target[i]),
                    album.save(f"{stem}__reconstruction.png", image),
                ]
                if shows_condition:
                    files.insert(0, album.save(f"condition/{stem}.png", batch.condition[i]))
                rows.append(Row(stem, files, errors[-1][1]))
                progress.update(place + 1)
        assert album is not None
        columns = ["condition"] * shows_condition + ["ground truth", "reconstruction"]
        report = _report(errors)
        album.save_text(REPORT, json.dumps(report, indent=2) + "\n")
        session.finish(album, progress, columns, rows, total=len(rows), value="largest error")
        progress.say(
            f"errors in [0, 1]: {_told(report['largest'])} at most, {_told(report['mean'])} in "
            f"the mean; each image's in {album.folder / REPORT}"
        )


def _report(errors: list[tuple[str, float, float]]) -> dict[str, Any]:
    """As JSON has it, which knows no NaN: null, where an image overflowed."""

    def figures(largest: float, mean: float) -> dict[str, float | None]:
        return {
            "largest": largest if math.isfinite(largest) else None,
            "mean": mean if math.isfinite(mean) else None,
        }

    largest, mean = np.array([error[1:] for error in errors]).T
    of_each = {stem: figures(*of_one) for stem, *of_one in errors}
    return {**figures(float(largest.max()), float(mean.mean())), "images": of_each}


def _told(figure: float | None) -> str:
    return "not a number" if figure is None else f"{figure:.2g}"
