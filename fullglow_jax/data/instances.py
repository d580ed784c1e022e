"""Instance maps, made of a data set's label ids or of its own instance ids."""

import io
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from ml_collections import ConfigDict
from PIL import Image

from fullglow_jax.data.checked import with_progress
from fullglow_jax.data.faults import Fault, refuse
from fullglow_jax.data.renumbering import Renumberable, Renumbering, renumbered
from fullglow_jax.data.source import SOURCES, opened_layout
from fullglow_jax.errors import UserError
from fullglow_jax.files.drafts import draft

NEEDED, OPTIONAL = ("train", "val"), ("test",)
"""Names of splits."""


def make_instances(data_config: ConfigDict) -> None:
    """Writes an instance map for each file of ids, in all splits that are there.

    Its ids are those of the file, in ascending order as 0, 1, 2 and so on. Maps that are there
    already, as they would be written, are left alone.

    Args:
        data_config: `config.data`.

    Raises:
        UserError: If the data has no such files, or some are bad: all others are written.
    """
    faults: list[Fault] = []
    done: set[Path] = set()
    for split, jobs in _jobs(data_config):
        todo = [job for job in jobs if job.target not in done]  # one folder may be two splits
        if not todo:
            continue
        done |= {job.target for job in todo}
        make = partial(_made, todo)
        results = list(with_progress(make, len(todo), f"instances of {split}", data_config.threads))
        faults += [result.fault for result in results if result.fault]
        made = sum(not result.fault for result in results)
        new = sum(result.new for result in results)
        print(f"{split}: {made} instance maps, {new} of them new, as {todo[0].target}", flush=True)
    refuse(faults)


class _Result(NamedTuple):
    new: bool = False
    fault: Fault | None = None


def _jobs(data_config: ConfigDict) -> Iterator[tuple[str, list[Renumbering]]]:
    """The files of each split that is there; a needed one that is not is told of."""
    errors: dict[str, UserError] = {}
    for split in (*NEEDED, *OPTIONAL):
        layout = opened_layout(data_config, split)
        if not isinstance(layout, Renumberable):
            kinds = {name: source.layout for name, source in SOURCES.items() if source.layout}
            possible = [name for name, kind in kinds.items() if issubclass(kind, Renumberable)]
            raise UserError(
                f"no instance maps can be made for config.data.name={data_config.name!r}: they "
                f"can for {', '.join(possible)}."
            )
        try:
            yield split, list(layout.renumberings())
        except UserError as error:
            errors[split] = error
    if len(errors) == len(NEEDED + OPTIONAL):
        raise errors[NEEDED[0]]
    for split in NEEDED:
        if split in errors:
            print(f"{split}: {errors[split]}", flush=True)


def _made(jobs: list[Renumbering], index: int) -> _Result:
    """Whether a map was written, or what is wrong with its file."""
    read, source, target = jobs[index]
    try:
        ids = renumbered(read(source))
    except UserError as error:
        mend = "Restore these files; the same command then makes what is missing."
        return _Result(fault=Fault("files of ids that cannot be used", str(error), mend))
    content = io.BytesIO()
    Image.fromarray(ids).save(content, "PNG")
    png = content.getvalue()
    try:
        # A file that is written anew has another time, and what is prepared of it is out of date.
        if target.is_file() and target.read_bytes() == png:
            return _Result()
        target.parent.mkdir(parents=True, exist_ok=True)
        with draft(target, durable=False) as scratch:
            scratch.write_bytes(png)
    except OSError as error:
        raise UserError(f"{target} cannot be written: {error.strerror or error}.") from error
    return _Result(new=True)


if __name__ == "__main__":  # python -m fullglow_jax.data.instances
    from fullglow_jax.commands.instances import run

    run()
