"""Reconstructions: images encoded and decoded again, with their errors."""

import math
from typing import Any

import numpy as np

from fullglow_jax.files import strict_json
from fullglow_jax.pictures.gallery import Row
from fullglow_jax.sampling.capabilities import LATENTS
from fullglow_jax.sampling.file_names import file_stem
from fullglow_jax.sampling.modes.mode import Session, mode

REPORT = "reconstruction.json"


@mode(
    "reconstruct",
    "images encoded and decoded, with the error, --pair PAIR",
    reads=("split", "count", "pair", "label"),
    needs=(LATENTS,),
)
def reconstruct(session: Session) -> None:
    """Reconstructs a split's first images, or named pairs, and writes `reconstruction.json`.

    The report has the largest and the mean absolute error in [0, 1], of each image and of all. With
    fewer than 8 bits, the errors are differences from the quantised images that were encoded.

    Raises:
        UserError: If a pair cannot be read.
    """
    request, operations = session.request, session.operations
    examples = session.examples(session.one_label)
    chosen = list(map(examples.find, request.pair)) or examples.first(request.count)
    session.need_targets(chosen)
    rows: list[Row] = []
    errors: dict[str, dict[str, float]] = {}
    with session.progress(len(chosen), "reconstructing") as progress:
        album = None
        for start in range(0, len(chosen), operations.batch_size):
            batch = examples.batch(chosen[start : start + operations.batch_size])
            images = operations.reconstruct(batch)
            album = album or session.album()
            for i, image in enumerate(images):
                place = start + i
                stem = file_stem(place, chosen[place].name)
                error = np.abs(image - operations.pixels(batch.target[i]))
                errors[stem] = {"largest": float(error.max()), "mean": float(error.mean())}
                files = [
                    album.save(f"ground_truth/{stem}.png", batch.target[i]),
                    album.save(f"{stem}__reconstruction.png", image),
                ]
                if operations.reads_conditions:
                    files.insert(0, album.save(f"condition/{stem}.png", batch.condition[i]))
                rows.append(Row(stem, files, errors[stem]["largest"]))
                progress.update(place + 1)
        assert album is not None
        columns = ["condition"] * operations.reads_conditions + ["ground truth", "reconstruction"]
        report: dict[str, Any] = {
            "largest": float(np.max([error["largest"] for error in errors.values()])),
            "mean": float(np.mean([error["mean"] for error in errors.values()])),
            "images": errors,
        }
        album.save_text(REPORT, strict_json.dumps(report, indent=2) + "\n")
        session.finish(album, progress, columns, rows, total=len(rows), value="largest error")
        progress.say(
            f"errors in [0, 1]: {_told(report['largest'])} at most, {_told(report['mean'])} in "
            f"the mean; each image's in {album.folder / REPORT}"
        )


def _told(figure: float) -> str:
    return f"{figure:.2g}" if math.isfinite(figure) else "not a number"
