"""A whole split drawn anew, as often as asked for, in folders that any scorer can read."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fullglow_jax.config import to_json
from fullglow_jax.data.pipeline import Batch as HostBatch
from fullglow_jax.data.pipeline import evaluation_batches
from fullglow_jax.data.source import build_source
from fullglow_jax.errors import UserError
from fullglow_jax.models.interface import Batch
from fullglow_jax.parallel.distributed import as_first_has_it
from fullglow_jax.sampling.album import Album
from fullglow_jax.sampling.file_names import FileNames
from fullglow_jax.sampling.gallery import Row
from fullglow_jax.sampling.session import Session

CONDITION, TRUTH = "condition", "ground_truth"
RECORD = "set.json"
MOST_IN_GRID = 8


def whole_set(session: Session) -> Path:
    """Draws a split: `round_1/NAME.png` and so on, NAME the ground truth's, one a condition.

    `ground_truth/NAME.png` and `condition/NAME.png` lie beside them, at the model's size. Run
    again, it draws what is not there yet, in the same batches and so to the same pixels.

    Returns:
        The folder.

    Raises:
        UserError: The model reads no conditions, several temperatures are asked for, or the folder
            holds another set.
    """
    request, operations = session.request, session.operations
    if not operations.reads_conditions:
        raise UserError(
            f"--mode set: this model, a {session.config.model.name}, reads no conditions; "
            "use --mode random with --count."
        )
    if len(request.temperatures) > 1:
        raise UserError("--mode set takes one --temperature; draw a set for each.")
    config, architecture = session.config, session.architecture
    source = build_source(config.data, request.split, boundary=architecture.boundary)
    at_once = operations.conditions_at_once(request.rounds)
    batches = evaluation_batches(
        source,
        batch_size=at_once,
        threads=config.data.threads,
        boundary=architecture.boundary_spec,
        limit=request.limit,
    )
    count = min(len(source), request.limit or len(source))
    temperature = request.temperatures[0]
    album = session.album(f"{session.name}_{request.split}_T{temperature:g}")
    _record(session, album)
    rounds = [f"round_{number}" for number in range(1, request.rounds + 1)]
    folders = (CONDITION, TRUTH, *rounds)
    names, kept = FileNames(), 0
    rows: list[Row] = []
    with session.progress(count * len(rounds), f"sampling {request.split}") as progress:
        for batch in batches:
            first = len(rows)
            of_batch = [names(n) for n, v in zip(batch["name"], batch["valid"], strict=True) if v]
            rows += [Row(name, [f"{f}/{name}.png" for f in folders]) for name in of_batch]
            there = _there(album, rows[first:], architecture.image_size)
            _save_pairs(album, batch, rows[first:], there)
            kept += int(there[:, 2:].sum())
            if not there[:, 2:].all():
                conditions = Batch(batch["condition"], batch["target"], batch["boundary"])
                drawn = operations.draw(
                    conditions, len(rounds), temperature, request.seed, first=first
                )
                for place, number, image in drawn:
                    if place < len(rows) and not there[place - first, 2 + number]:
                        album.save(rows[place].files[2 + number] or "", image)
            progress.update(len(rows) * len(rounds), f"{kept} kept" if kept else "")
        columns = ["condition", "ground truth", *rounds]
        total = len(rows) * len(rounds)
        session.finish(album, progress, columns, rows, total=total, most_in_grid=MOST_IN_GRID)
    return album.folder


def _there(album: Album, rows: Sequence[Row], size: tuple[int, int]) -> np.ndarray:
    """(rows, files of each), which of them are there; the same in all processes."""
    files = [[file or "" for file in row.files] for row in rows]
    return as_first_has_it(np.array([[album.has(f, size) for f in of_row] for of_row in files]))


def _save_pairs(album: Album, batch: HostBatch, rows: Sequence[Row], there: np.ndarray) -> None:
    for i, row in enumerate(rows):
        for which, images in enumerate((batch["condition"], batch["target"])):
            if not there[i, which]:
                album.save(row.files[which] or "", images[i])


def _record(session: Session, album: Album) -> None:
    """Writes what the set is drawn with, or refuses to add to one drawn with anything else."""
    config, request = session.config, session.request
    asked: dict[str, Any] = {
        "checkpoint": session.operations.trained.step,
        "split": request.split,
        "seed": request.seed,
        "temperature": request.temperatures[0],
        "image_size": list(config.data.image_size),
        "direction": config.data.direction,
        "model": to_json(config.model),
    }
    path = album.folder / RECORD
    try:
        drawn = json.loads(path.read_text())
    except FileNotFoundError:
        album.save_text(RECORD, json.dumps(asked, indent=2) + "\n")
        return
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {error}. Move the folder away.") from error
    different = [key for key, value in asked.items() if drawn.get(key) != value]
    if different:
        told = "; ".join(f"{key} was {drawn.get(key)} and is {asked[key]} now" for key in different)
        raise UserError(
            f"{album.folder} holds another set: {told}. Move it away; sample.py can draw into "
            "another, --out."
        )
