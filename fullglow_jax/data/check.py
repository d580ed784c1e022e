"""A check of a whole data set, which reports everything that is wrong with it."""

import random
import sys
from collections.abc import Sequence
from pathlib import Path

from ml_collections import ConfigDict
from PIL import Image

from fullglow_jax.data.faults import described
from fullglow_jax.data.file_pairs import FilePairs, same_files
from fullglow_jax.data.full_check import SplitCheck, check_split
from fullglow_jax.data.image_files import described_left_alone
from fullglow_jax.data.options import asked_annotations
from fullglow_jax.data.pair import PairSource
from fullglow_jax.data.pairs_grid import PARTS, pairs_grid
from fullglow_jax.data.source import find_source, with_classes
from fullglow_jax.errors import UserError
from fullglow_jax.files.drafts import draft
from fullglow_jax.text_output import escaped

NEEDED, OPTIONAL = ("train", "val"), ("test",)
"""Names of splits."""

SHOWN = 12
"""Number of pairs in the grid."""


def check(config: ConfigDict, out: Path) -> bool:
    """Reads every file of every split, prints what is wrong and draws some of its pairs.

    Args:
        config: The config that names the data.
        out: File of the grid, a PNG of random good pairs.

    Returns:
        Whether all is good.

    Raises:
        UserError: If there is no split at all, for example because the config names no data, or
            the grid cannot be written.
    """
    config = with_classes(config)
    sources, missing = _find(config)
    checks = []
    for split, source in sources.items():
        found = check_split(source, split, config.data.threads)
        _say(_report(found))
        checks.append(found)
    for split, error in missing.items():
        _say(f"{split}: {error}")
    _draw_some(checks, config.seed, out)
    bad = len(missing) + sum(len(found.faults) for found in checks)
    noted = any(found.doubts for found in checks)
    good = "Nothing is bad; see what is worth a look above." if noted else "Everything is good."
    _say(f"Bad in all: {bad}, listed above." if bad else good)
    return not bad


def _find(config: ConfigDict) -> tuple[dict[str, PairSource], dict[str, UserError]]:
    """The sources of all splits, and the errors of needed ones that are missing."""
    annotations = asked_annotations(config)
    sources: dict[str, PairSource] = {}
    missing: dict[str, UserError] = {}
    for split in (*NEEDED, *OPTIONAL):
        try:
            sources[split] = find_source(config.data, split, annotations)
        except UserError as error:
            missing[split] = error
    if same_files(sources.get("val"), sources.get("test")):
        del sources["test"]
    # If there is nothing at all, the config is wrong rather than a split.
    if not sources:
        raise missing[NEEDED[0]]
    return sources, {split: error for split, error in missing.items() if split in NEEDED}


def _report(found: SplitCheck) -> str:
    good, faults = len(found.good), found.faults
    counts = f"{found.split}: {good} good pairs, {len(faults)} bad"
    source = found.source
    left_alone = described_left_alone(source.left_alone) if isinstance(source, FilePairs) else []
    told = [described(faults, shown=None)] if faults else []
    notes = [f"worth a look: {described(found.doubts)}"] if found.doubts else []
    return "\n".join([counts, *told, *notes, *left_alone])


def _draw_some(checks: Sequence[SplitCheck], seed: int, out: Path) -> None:
    good = [(found, index) for found in checks for index in found.good]
    if not good:
        return
    drawn = random.Random(seed).sample(range(len(good)), min(SHOWN, len(good)))
    shown = [good[place] for place in sorted(drawn)]
    pairs = [found.source[index] for found, index in shown]
    names = [
        f"{found.split}: {pair['name']}" for (found, _), pair in zip(shown, pairs, strict=True)
    ]
    try:
        with draft(out) as scratch:
            Image.fromarray(pairs_grid(pairs, names)).save(scratch, "PNG")
    except OSError as error:
        raise UserError(
            f"--out {out} cannot be written: {error.strerror or error}. "
            "Name a file in a folder that is there and that you may write to."
        ) from error
    parts = " | ".join(part for part in PARTS if part in pairs[0])
    _say(f"grid: {out}, {len(pairs)} pairs as {parts}")


def _say(text: str) -> None:
    """Prints a text whose file names may have bytes that are not text."""
    print(escaped(text, getattr(sys.stdout, "encoding", None) or "utf-8"), flush=True)


if __name__ == "__main__":  # python -m fullglow_jax.data.check
    from fullglow_jax.commands.check import run

    run()
