"""Checkpoints that carry everything: variables, optimiser, data position and config."""

import logging
from pathlib import Path
from typing import Any, NamedTuple

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

PyTree = Any

METRIC = "validation_bits_per_dim"


class Position(NamedTuple):
    """Where a run stands: steps taken, and the state of its data iterator."""

    step: int
    data: dict[str, Any]


class Checkpoints:
    """The checkpoints of one workdir, under `WORKDIR/checkpoints/STEP`.

    Saved in the background and atomically: a folder under its final name is whole. Variables and
    optimiser are stored apart, so that sampling need not read moments.

    Attributes:
        workdir: The run's folder.
    """

    def __init__(self, workdir: Path, keep_last: int = 1, *, read_only: bool = False) -> None:
        self.workdir = workdir
        # Orbax tells of every array; what matters here is said by the commands themselves.
        logging.getLogger("absl").setLevel(logging.ERROR)
        policies: list[PreservationPolicy] = [
            LatestN(n=keep_last),
            # The best: the lowest of those that were validated.
            BestN(
                get_metric_fn=lambda metrics: metrics[METRIC],
                reverse=True,
                n=1,
                keep_checkpoints_without_metrics=False,
            ),
        ]
        self._manager = ocp.CheckpointManager(
            (workdir / "checkpoints").absolute(),
            options=ocp.CheckpointManagerOptions(
                preservation_policy=AnyPreservationPolicy(policies),
                cleanup_tmp_directories=not read_only,
                read_only=read_only,
                create=not read_only,
            ),
            item_names=("variables", "optimizer", "data", "config"),
        )

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

    def restore(self, step: int, like: TrainState) -> tuple[TrainState, Position]:
        """A checkpoint's whole state, laid out as the (abstract) one, and where it stood.

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
        state = TrainState(count, restored.variables, restored.optimizer)
        return state, Position(step, restored.data)

    def close(self) -> None:
        """Waits until everything is on disk."""
        self._manager.wait_until_finished()
        self._manager.close()

    def _restore(self, step: int, **items: Any) -> Any:
        try:
            return self._manager.restore(step, args=ocp.args.Composite(**items))
        except (ValueError, KeyError, OSError) as error:
            raise UserError(
                f"The checkpoint {self.workdir / 'checkpoints' / str(step)} cannot be read as this "
                f"model's: {str(error).splitlines()[0]} It may be damaged, or written by another "
                "model; choose another with --checkpoint, or another --workdir."
            ) from error
