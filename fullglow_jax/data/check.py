"""Reads all of a data set and tells everything that is wrong with it.

python -m fullglow_jax.data.check --config FILE [--config.data.root=DIR …] [--out check.png]
"""

import random
from collections.abc import Sequence
from pathlib import Path

from absl import flags
from ml_collections import ConfigDict
from PIL import Image

from fullglow_jax import cli
from fullglow_jax.data.contact_sheet import contact_sheet
from fullglow_jax.data.examination import Examination, examine
from fullglow_jax.data.faults import described
from fullglow_jax.data.pair import PairSource
from fullglow_jax.data.source import find_source
from fullglow_jax.errors import UserError
from fullglow_jax.models import build_architecture

OUT = flags.DEFINE_string("out", "check.png", "Where to write a contact sheet of some pairs.")

NEEDED, OPTIONAL = ("train", "val"), ("test",)
"""Splits."""

SHOWN = 12
"""Pairs on the contact sheet."""


def main(argv: Sequence[str]) -> int:
    """Parses flags and checks; the exit code tells whether all is good."""
    config = cli.parse_config(argv)
    return 0 if check(config, Path(OUT.value)) else 1


def check(config: ConfigDict, out: Path) -> bool:
    """Reads every file of every split, prints what is wrong and writes a contact sheet.

    Args:
        config: Names the data.
        out: Where the contact sheet goes, a PNG of random good pairs.

    Returns:
        Whether all is good.

    Raises:
        UserError: There is no split at all, as where the config names no data, or the contact
            sheet cannot be written.
    """
    sources, missing = _find(config)
    examinations = []
    for split, source in sources.items():
        examination = examine(source, split, config.data.threads)
        _say(_report(examination))
        examinations.append(examination)
    for split, error in missing.items():
        _say(f"{split}: {error}")
    _write_sheet(examinations, config.seed, out)
    bad = len(missing) + sum(len(examination.faults) for examination in examinations)
    _say(f"Bad in all: {bad}, listed above." if bad else "Everything is good.")
    return not bad


def _find(config: ConfigDict) -> tuple[dict[str, PairSource], dict[str, UserError]]:
    """The splits there are, and why others that are needed are not there."""
    boundary = build_architecture(config).boundary
    sources: dict[str, PairSource] = {}
    missing: dict[str, UserError] = {}
    for split in (*NEEDED, *OPTIONAL):
        try:
            sources[split] = find_source(config.data, split, boundary=boundary)
        except UserError as error:
            missing[split] = error
    # Where there is nothing, it is the config that is wrong rather than a split.
    if not sources:
        raise missing[NEEDED[0]]
    return sources, {split: error for split, error in missing.items() if split in NEEDED}


def _report(examination: Examination) -> str:
    good, faults = len(examination.good), examination.faults
    counts = f"{examination.split}: {good} good pairs, {len(faults)} bad"
    return "\n".join([counts, *([described(faults, shown=None)] if faults else [])])


def _write_sheet(examinations: Sequence[Examination], seed: int, out: Path) -> None:
    good = [(examination, index) for examination in examinations for index in examination.good]
    if not good:
        return
    drawn = random.Random(seed).sample(range(len(good)), min(SHOWN, len(good)))
    shown = [good[place] for place in sorted(drawn)]
    pairs = [examination.source[index] for examination, index in shown]
    names = [
        f"{examination.split}: {pair['name']}"
        for (examination, _), pair in zip(shown, pairs, strict=True)
    ]
    try:
        Image.fromarray(contact_sheet(pairs, names)).save(out, "PNG")
    except OSError as error:
        raise UserError(
            f"--out {out} cannot be written: {error.strerror or error}. "
            "Name a file in a folder that is there and that you may write to."
        ) from error
    parts = " | ".join(part for part in ("condition", "target", "boundary") if part in pairs[0])
    _say(f"contact sheet: {out}, {len(pairs)} pairs as {parts}")


def _say(text: str) -> None:
    """Prints; file names may have bytes that are no text."""
    print(text.encode(errors="backslashreplace").decode(), flush=True)


if __name__ == "__main__":
    cli.run(main)
