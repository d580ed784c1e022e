"""Checkpoints that carry everything: variables, optimiser, data position and config."""

import logging
import shutil
from pathlib import Path
from typing import Any

import jax
import orbax.checkpoint as ocp
from ml_collections import ConfigDict
from orbax.checkpoint.checkpoint_managers import (
    AnyPreservationPolicy,
    BestN,
    LatestN,
    PreservationPolicy,
)

from fullglow_jax.config import from_json, to_json
from fullglow_jax.errors import UserError
from fullglow_jax.models.interface import TrainState
from fullglow_jax.training.finishing_loops import finishing_loops

PyTree = Any

METRIC = "validation_bits_per_dim"


class Checkpoints:
    """The checkpoints of one workdir, under `WORKDIR/checkpoints/STEP`.

    Saved in the background and atomically: a folder under its final name is whole. Variables and
    optimiser are stored apart, so that sampling need not read moments.

    Attributes:
        workdir: The run's folder.

    Raises:
        UserError: Where the folder cannot be made, or cannot be read as one of checkpoints.
    """

    def __init__(self, workdir: Path, keep_last: int = 1, *, read_only: bool = False) -> None:
        self.workdir = workdir
        # Orbax tells of every array; what matters here is said by the commands themselves.
        logging.getLogger("absl").setLevel(logging.ERROR)
        policies: list[PreservationPolicy] = [
            LatestN(n=keep_last),
            # The best: the lowest of those that were validated.
            BestN(
                get_metric_fn=_score,
                reverse=True,
                n=1,
                keep_checkpoints_without_metrics=False,
            ),
        ]
        options = ocp.CheckpointManagerOptions(
            # The policies alone decide what is kept; without best_fn, no score is written.
            best_fn=_score,
            best_mode="min",
            preservation_policy=AnyPreservationPolicy(policies),
            read_only=read_only,
            create=False,
        )
        folder = (workdir / "checkpoints").absolute()
        items = ("variables", "optimizer", "data", "config")
        try:
            if not read_only:
                # What a killed run had half written. Orbax would do it in a thread that an early
                # end of the program leaves behind.
                for unfinished in folder.glob("*.orbax-checkpoint-tmp*"):
                    shutil.rmtree(unfinished)
                folder.mkdir(parents=True, exist_ok=True)
            self._manager = ocp.CheckpointManager(folder, options=options, item_names=items)
        except (OSError, ValueError) as error:
            raise UserError(
                f"{folder} cannot be used: {error}. It must be a folder that can be "
                "written to, with whole checkpoints in it; choose another --workdir."
            ) from error

    @classmethod
    def of(cls, workdir: Path) -> "Checkpoints":
        """The checkpoints of a run that has some, to read.

        Raises:
            UserError: Where there are none.
        """
        if (workdir / "checkpoints").is_dir():
            checkpoints = cls(workdir, read_only=True)
            if checkpoints.steps():
                return checkpoints
        raise UserError(
            f"{workdir} holds no checkpoint. Expected the --workdir of a training run that has "
            "saved one (WORKDIR/checkpoints/STEP); train first: "
            f"python train.py --config configs/street_scenes.py --workdir {workdir}"
        )

    def steps(self) -> list[int]:
        """Steps that there are checkpoints of, ascending."""
        return sorted(self._manager.all_steps())

    def choose(self, which: str) -> int:
        """The step that "latest", "best" or a number stands for.

        Raises:
            UserError: Where there is no such checkpoint.
        """
        steps = self.steps()
        if which == "latest":
            return steps[-1]
        if which == "best":
            scores = {s: m[METRIC] for s in steps if (m := self._manager.metrics(s))}
            if scores:
                return min(scores, key=scores.__getitem__)
        elif which.isdigit() and int(which) in steps:
            return int(which)
        raise UserError(
            f"{self.workdir} has no checkpoint {which!r}. There are: latest, best (once training "
            f"has validated), {', '.join(map(str, steps))}."
        )

    def save(
        self,
        state: TrainState,
        data: dict[str, Any],
        config: ConfigDict,
        validation_bits: float | None = None,
    ) -> None:
        """Starts saving a state; returns once the arrays may change."""
        metrics = None if validation_bits is None else {METRIC: validation_bits}
        self._manager.save(
            int(state.step),
            args=ocp.args.Composite(
                variables=ocp.args.StandardSave(state.variables),
                optimizer=ocp.args.StandardSave(state.optimizer),
                data=ocp.args.JsonSave(data),
                config=ocp.args.JsonSave(to_json(config)),
            ),
            metrics=metrics,
        )

    def config(self, step: int) -> ConfigDict:
        """The config that a checkpoint was trained with.

        Raises:
            UserError: Where it is damaged or of another version.
        """
        return from_json(self._restore(step, config=ocp.args.JsonRestore()).config)

    def variables(self, step: int, like: TrainState) -> PyTree:
        """A checkpoint's variables, laid out as the (abstract) state's.

        Raises:
            UserError: Where the checkpoint is damaged or of another model.
        """
        return self._restore(step, variables=ocp.args.StandardRestore(like.variables)).variables

    def restore(self, step: int, like: TrainState) -> tuple[TrainState, dict[str, Any]]:
        """A checkpoint's whole state, laid out as the (abstract) one, and its data position.

        Raises:
            UserError: Where the checkpoint is damaged or of another model.
        """
        restored = self._restore(
            step,
            variables=ocp.args.StandardRestore(like.variables),
            optimizer=ocp.args.StandardRestore(like.optimizer),
            data=ocp.args.JsonRestore(),
        )
        count = jax.device_put(jax.numpy.int32(step), like.step.sharding)
        return TrainState(count, restored.variables, restored.optimizer), restored.data

    def close(self) -> None:
        """Waits until everything is on disk."""
        self._manager.wait_until_finished()
        self._manager.close()

    def _restore(self, step: int, **items: Any) -> Any:
        try:
            with finishing_loops():
                return self._manager.restore(step, args=ocp.args.Composite(**items))
        # Orbax raises what TensorStore or JSON raised, or a plain Exception from it.
        except Exception as error:
            raise UserError(
                f"The checkpoint {self.workdir / 'checkpoints' / str(step)} cannot be read as this "
                f"model's: {_reason(error)}. If it is damaged, remove it or choose another with "
                "--checkpoint; if another model wrote it, choose another --workdir."
            ) from error


def _reason(error: BaseException) -> str:
    """The first cause's first line, without TensorStore's specification of the array."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0].split(" [tensorstore_spec")[0].split(" [source locations")[0].rstrip(".")


def _score(metrics: dict[str, float]) -> float:
    return metrics[METRIC]
