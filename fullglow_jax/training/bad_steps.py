"""Training steps that were not taken because something in them was not finite."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from fullglow_jax.config import to_json
from fullglow_jax.data.pipeline import HostBatch
from fullglow_jax.errors import UserError
from fullglow_jax.files import strict_json
from fullglow_jax.files.drafts import draft
from fullglow_jax.installation import as_called
from fullglow_jax.models.batch import Batch, named_arrays
from fullglow_jax.parallel.distributed import is_first
from fullglow_jax.runs.code_version import code_version
from fullglow_jax.runs.finite import advice
from fullglow_jax.runs.records import Records
from fullglow_jax.training.step import Outcome


class BadSteps:
    """Counts bad steps, names their examples, and ends training after too many in a row.

    Each is a line of `WORKDIR/bad_steps.jsonl`. When training ends, `report.json` and the batch's
    images of the last one go to `WORKDIR/bad_step_N/`, for a bug report.

    Args:
        config: The run's config.
        workdir: The run's folder.
        first_step: The step that this run starts from.
        whole_batch: Reads a step's whole batch.
        saved: The steps that have checkpoints, ascending.
        told: Called with a message for each bad step.

    Attributes:
        count: Bad steps so far, in this run.
        in_a_row: Bad steps since the last step that was taken.
    """

    def __init__(
        self,
        config: ConfigDict,
        workdir: Path,
        first_step: int,
        whole_batch: Callable[[int], HostBatch],
        saved: Callable[[], list[int]],
        told: Callable[[str], None],
    ) -> None:
        self.count = self.in_a_row = 0
        self._config, self._workdir = config, workdir
        self._whole_batch, self._saved, self._told = whole_batch, saved, told
        self._records = Records(workdir / "bad_steps.jsonl", first_step) if is_first() else None

    def see(self, step: int, outcome: Outcome) -> None:
        """Counts a step's outcome.

        Raises:
            UserError: If there are too many bad steps in a row.
        """
        if bool(outcome.taken):
            self.in_a_row = 0
            return
        self.count += 1
        self.in_a_row += 1
        most = self._config.train.most_bad_steps
        report, host = self._report(step, outcome)
        if self._records:
            self._records.add(report)
        self._told(
            f"step {step} was not taken: its loss or gradient is not finite "
            f"({self.in_a_row} in a row; training ends after {most}). {_named(report)}"
        )
        if self.in_a_row == most:
            folder = self._dump(report, host.batch)
            check = as_called("python -m fullglow_jax.data.check")
            raise UserError(
                f"{most} steps in a row had a loss or gradient that is not finite, up to step "
                f"{step}. None of them changed the model. {self._what_is_saved(step - most)} "
                f"{_named(report)} Look at them ({check}), or {advice(self._config)}. "
                f"For a bug report, add {folder}."
            )

    def close(self) -> None:
        """Closes the file."""
        if self._records:
            self._records.close()

    def _what_is_saved(self, taken: int) -> str:
        """A sentence on the checkpoints that exist, if step `taken` was the last good one."""
        steps = self._saved()
        before = ", ".join(str(step) for step in steps if step < taken)
        if taken not in steps:
            return f"Checkpoints there are, all from before them, of step: {before or 'none'}."
        newest = f"The newest checkpoint, {self._workdir / 'checkpoints' / str(taken)},"
        rest = (
            f"others there are of step: {before}. If it is the model and not the data that is at "
            "fault, move it away, and the same command goes on from the one before."
            if before
            else "there are no others. If it is the model and not the data that is at fault, begin "
            "anew in another --workdir."
        )
        return f"{newest} holds the very parameters that they failed with; {rest}"

    def _report(self, step: int, outcome: Outcome) -> tuple[dict[str, Any], HostBatch]:
        host = self._whole_batch(step)
        finite = np.asarray(outcome.finite)
        bad = [name for name, good in zip(host.names, finite, strict=True) if not good]
        scalars = {name: float(value) for name, value in jax.device_get(outcome.scalars).items()}
        # JSON has no NaN, and with null it would look like infinity.
        told = {n: value if np.isfinite(value) else str(value) for n, value in scalars.items()}
        return {"step": step, "examples": host.names, "not_finite": bad, "scalars": told}, host

    def _dump(self, report: dict[str, Any], batch: Batch) -> Path:
        folder = self._workdir / f"bad_step_{report['step']}"
        if is_first():
            folder.mkdir(exist_ok=True)
            # As an open file: to a name, NumPy would add another ending.
            with draft(folder / "batch.npz") as scratch, scratch.open("wb") as file:
                np.savez_compressed(file, **named_arrays(batch))
            about = {"config": to_json(self._config), "code": code_version()}
            text = strict_json.dumps({**report, **about}, indent=2)
            with draft(folder / "report.json") as scratch:
                scratch.write_text(text + "\n", encoding="utf-8")
        return folder


def _named(report: dict[str, Any]) -> str:
    bad = report["not_finite"]
    if bad:
        return f"Examples whose loss is not finite: {', '.join(bad)}."
    return f"Every loss is finite, the gradient is not; examples: {', '.join(report['examples'])}."
