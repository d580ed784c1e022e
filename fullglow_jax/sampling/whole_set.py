"""A whole split drawn anew, in one or several rounds, in folders that any scorer can read."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import itemgetter
from pathlib import Path
from typing import Any

import jax
import numpy as np

from fullglow_jax.config import to_json
from fullglow_jax.data.pipeline import evaluation_batches
from fullglow_jax.data.source import build_source
from fullglow_jax.digests import digest
from fullglow_jax.errors import UserError
from fullglow_jax.installation import as_called
from fullglow_jax.models.batch import Batch
from fullglow_jax.models.interface import PyTree
from fullglow_jax.parallel.distributed import as_first_has_it, is_first
from fullglow_jax.pictures.gallery import Row
from fullglow_jax.sampling.album import GRID, PAGE, Album
from fullglow_jax.sampling.file_names import FileNames
from fullglow_jax.sampling.session import Session

CONDITION, TRUTH = "condition", "ground_truth"
RECORD = "set.json"
MOST_IN_GRID = 8


def whole_set(session: Session) -> Path:
    """Draws a split: an image for each condition in `round_1/NAME.png` and so on.

    `ground_truth/NAME.png` and `condition/NAME.png` are beside them, at the model's size. A second
    run draws the missing images, in the same batches and so with the same pixels. Images that were
    drawn under other conditions or by other variables are drawn again, with a message: each picture
    holds a digest of all that it depends on.

    Returns:
        The folder.

    Raises:
        UserError: If the folder holds another set.
    """
    request, operations = session.request, session.operations
    config, shapes = session.config, session.shapes
    source = build_source(config.data, request.split, shapes.annotations)
    at_once = operations.conditions_at_once(request.rounds)
    batches = evaluation_batches(
        source,
        batch_size=at_once,
        threads=config.data.threads,
        annotations=shapes.annotations,
        limit=request.limit,
    )
    count = min(len(source), request.limit or len(source))
    temperature = session.temperatures[0]
    album = session.album(f"{session.name}_{request.split}_T{temperature:g}")
    _record(session, album)
    rounds = [f"round_{number}" for number in range(1, request.rounds + 1)]
    folders = (CONDITION, TRUTH, *rounds)
    names, kept, again = FileNames(), 0, 0
    common: tuple[Any, ...] = (operations.digest, to_json(config.model), temperature, request.seed)
    if config.data.bits < 8:  # an earlier version wrote other pixels then
        common += (config.data.bits,)
    rows: list[Row] = []
    with session.progress(count * len(rounds), f"sampling {request.split}") as progress:
        for batch, in_data, valid in batches:
            first = len(rows)
            batch_names = [names(n) for n, v in zip(in_data, valid, strict=True) if v]
            rows += [Row(name, [f"{f}/{name}.png" for f in folders]) for name in batch_names]
            made_of = _made_of(batch, first, len(batch_names), request.rounds, common)
            there, right = _there(album, rows[first:], shapes.image_size, made_of)
            for i, row in enumerate(rows[first:]):
                for which, image in enumerate((batch.condition[i], batch.target[i])):
                    if not right[i, which]:
                        album.save(row.files[which] or "", image, made_of[i][which])
            kept += int(right[:, 2:].sum())
            again += int((there & ~right)[:, 2:].sum())
            if not right[:, 2:].all():
                drawn = operations.draw(batch, len(rounds), temperature, request.seed, first=first)
                for place, number, image in drawn:
                    if place < len(rows) and not right[place - first, 2 + number]:
                        file = rows[place].files[2 + number] or ""
                        album.save(file, image, made_of[place - first][2 + number])
            progress.update(len(rows) * len(rounds), f"{kept} kept" if kept else "")
        session.say_if_alike(progress, len(rounds))
        columns = ["condition", "ground truth", *rounds]
        total = len(rows) * len(rounds)
        session.finish(album, progress, columns, rows, total=total, most_in_grid=MOST_IN_GRID)
        if again:
            progress.say(
                f"{again} of them lay there and were drawn again: under other conditions, by other "
                "variables or an earlier version, which does not tell."
            )
    return album.folder


def _made_of(batch: Batch, first: int, count: int, rounds: int, common: PyTree) -> list[list[str]]:
    """For each of a batch's first pairs, the digests of all that its files' pixels depend on.

    `first` is the place of the first pair, and `common` all that every image depends on.
    """
    made_of = []
    for i in range(count):
        pair: Batch = jax.tree.map(itemgetter(i), batch)
        pair_digest = digest(common, replace(pair, target=None), first + i)
        round_digests = [digest(pair_digest, number) for number in range(rounds)]
        made_of.append([digest(pair.condition), digest(pair.target), *round_digests])
    return made_of


def _there(
    album: Album, rows: Sequence[Row], size: tuple[int, int], made_of: Sequence[Sequence[str]]
) -> tuple[np.ndarray, np.ndarray]:
    """Whether each file exists, and whether it has the right digest, (rows, files of each).

    The results are the same in all processes.
    """

    def has(wanted: Callable[[int, int], str | None]) -> np.ndarray:
        found = [
            [album.has(file or "", size, wanted(i, j)) for j, file in enumerate(row.files)]
            for i, row in enumerate(rows)
        ]
        return as_first_has_it(np.array(found))

    return has(lambda i, j: None), has(lambda i, j: made_of[i][j])


def _record(session: Session, album: Album) -> None:
    """Writes the set's request to a file, or refuses to add to a set with another request."""
    config, request = session.config, session.request
    asked: dict[str, Any] = {
        "checkpoint": session.operations.trained.step,
        "split": request.split,
        "seed": request.seed,
        "temperature": session.temperatures[0],
        "image_size": list(config.data.image_size),
        "model": to_json(config.model),
    }
    about = {**asked, "variables": session.operations.digest}
    path = album.folder / RECORD
    try:
        drawn = dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        there = {path.name for path in album.folder.iterdir()} if is_first() else set()
        if others := sorted(there.intersection((TRUTH, CONDITION, GRID, PAGE))):
            raise UserError(
                f"{album.folder} has a {others[0]} and no {RECORD}: it is not of a set, and "
                "nothing of it is overwritten. Choose another --out, or move it away."
            ) from None
        drawn = asked
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"{path} cannot be read: {error}. Move the folder away.") from error
    different = [key for key, value in asked.items() if drawn.get(key) != value]
    if different:
        told = "; ".join(f"{key} was {drawn.get(key)} and is {asked[key]} now" for key in different)
        raise UserError(
            f"{album.folder} holds another set: {told}. Move it away; "
            f"{as_called('sample.py')} can draw into another, --out."
        )
    if drawn != about:
        album.save_text(RECORD, json.dumps(about, indent=2) + "\n")
