"""Steps that were not taken because something in them was not finite."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from fullglow_jax.config import to_json
from fullglow_jax.errors import UserError
from fullglow_jax.parallel.distributed import is_first
from fullglow_jax.training.code_version import code_version
from fullglow_jax.training.step import Outcome


class BadSteps:
    """Counts them, names their examples, and ends training after too many in a row.

    Each is a line of `WORKDIR/bad_steps.jsonl`. What a bug report needs of the last one,
    when training ends, goes to `WORKDIR/bad_step_N/`: `report.json` and the batch's images.

    Attributes:
        count: Bad steps so far, in this run.
    """

    def __init__(
        self,
        config: ConfigDict,
        workdir: Path,
        batch_of: Callable[[int], Any],
        told: Callable[[str], None],
    ) -> None:
        self.count = 0
        self._config, self._workdir = config, workdir
        self._batch_of, self._told = batch_of, told
        self._in_a_row = 0

    def see(self, step: int, outcome: Outcome) -> None:
        """Takes a step's outcome.

        Raises:
            UserError: It is one bad step too many in a row.
        """
        if bool(outcome.taken):
            self._in_a_row = 0
            return
        self.count += 1
        self._in_a_row += 1
        most = self._config.train.most_bad_steps
        report, batch = self._report(step, outcome)
        self._write(report)
        self._told(
            f"step {step} was not taken: its loss or gradient is not finite "
            f"({self._in_a_row} in a row; training ends after {most}). {_named(report)}"
        )
        if self._in_a_row == most:
            folder = self._dump(report, batch)
            raise UserError(
                f"{most} steps in a row had a loss or gradient that is not finite, up to step "
                f"{step}. None of them changed the model, and the checkpoints are whole. "
                f"{_named(report)} Look at them (python -m fullglow_jax.data.check), or train "
                "with a lower --config.optimizer.learning_rate, with "
                "--config.optimizer.clip_spikes=3, --config.optimizer.warmup_steps=1000, "
                "--config.model.actnorm_floor=0.001 or --config.model.coupling_floor=0.01. "
                f"For a bug report, add {folder}."
            )

    def _report(self, step: int, outcome: Outcome) -> tuple[dict[str, Any], Any]:
        batch = self._batch_of(step)
        finite = np.asarray(outcome.finite)
        bad = [name for name, good in zip(batch["name"], finite, strict=True) if not good]
        scalars = {name: float(value) for name, value in jax.device_get(outcome.scalars).items()}
        # NaN is no JSON.
        told = {n: value if np.isfinite(value) else str(value) for n, value in scalars.items()}
        return {"step": step, "examples": batch["name"], "not_finite": bad, "scalars": told}, batch

    def _write(self, report: dict[str, Any]) -> None:
        if is_first():
            with (self._workdir / "bad_steps.jsonl").open("a") as file:
                file.write(json.dumps(report) + "\n")

    def _dump(self, report: dict[str, Any], batch: Any) -> Path:
        folder = self._workdir / f"bad_step_{report['step']}"
        if is_first():
            folder.mkdir(exist_ok=True)
            boundary = {f"boundary_{i}": level for i, level in enumerate(batch["boundary"])}
            images = {"condition": batch["condition"], "target": batch["target"], **boundary}
            np.savez_compressed(folder / "batch.npz", **images)
            about = {"config": to_json(self._config), "code": code_version()}
            text = json.dumps({**report, **about}, indent=2)
            (folder / "report.json").write_text(text + "\n")
        return folder


def _named(report: dict[str, Any]) -> str:
    bad = report["not_finite"]
    if bad:
        return f"Examples whose loss is not finite: {', '.join(bad)}."
    return f"Every loss is finite, the gradient is not; examples: {', '.join(report['examples'])}."
