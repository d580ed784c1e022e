"""Checkpoints that carry everything: variables, optimiser, average, data position and config."""

import logging
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import orbax.checkpoint as ocp
from ml_collections import ConfigDict
from orbax.checkpoint.checkpoint_managers import (
    AnyPreservationPolicy,
    BestN,
    LatestN,
    PreservationPolicy,
)

from fullglow_jax.config import from_json, to_json
from fullglow_jax.errors import LeaveAtOnce, UserError
from fullglow_jax.models.interface import TrainState
from fullglow_jax.parallel.distributed import is_first, meet
from fullglow_jax.training.code_version import code_version
from fullglow_jax.training.finishing_loops import finishing_loops

PyTree = Any

METRIC = "validation_bits_per_dim"
DAMAGED = "damaged_checkpoints"
"""Where in a workdir checkpoints go that training could not read."""


class Resumed(NamedTuple):
    """A state to go on from, and where in the data it was."""

    step: int
    state: TrainState
    data: dict[str, Any]


class Checkpoints:
    """The checkpoints of one workdir, under `WORKDIR/checkpoints/STEP`.

    Saved in the background and atomically: a folder under its final name is whole. Variables,
    optimiser and average are stored apart, so that sampling need not read moments. Arrays are read
    onto the devices there are, however many wrote them. All processes of a run call every method.

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
        items = ("variables", "optimizer", "average", "data", "config", "code")
        try:
            if not read_only:
                if is_first():
                    # What a killed run had half written. Orbax would do it in a thread that an
                    # early end of the program leaves behind.
                    for unfinished in folder.glob("*.orbax-checkpoint-tmp*"):
                        shutil.rmtree(unfinished)
                    folder.mkdir(parents=True, exist_ok=True)
                meet("checkpoints folder")
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
        """Starts saving a state; returns once the arrays may change.

        Raises:
            UserError: Where it cannot be written, or the one before could not.
        """
        metrics = None if validation_bits is None else {METRIC: validation_bits}
        items: dict[str, Any] = {
            "variables": ocp.args.StandardSave(state.variables),
            "optimizer": ocp.args.StandardSave(state.optimizer),
            "data": ocp.args.JsonSave(data),
            "config": ocp.args.JsonSave(to_json(config)),
            "code": ocp.args.JsonSave(code_version()),
        }
        if jax.tree.leaves(state.average):
            items["average"] = ocp.args.StandardSave(state.average)
        step = int(state.step)
        self._written(
            lambda: self._manager.save(step, args=ocp.args.Composite(**items), metrics=metrics)
        )

    def config(self, step: int) -> ConfigDict:
        """The config that a checkpoint was trained with.

        Raises:
            UserError: Where it is damaged or of another version.
        """
        return from_json(self._restore(step, config=ocp.args.JsonRestore()).config)

    def variables(self, step: int, like: TrainState) -> PyTree:
        """A checkpoint's variables, laid out as the (abstract) state's.

        Where that has an average of the parameters, and so has the checkpoint, it is in their
        place.

        Raises:
            UserError: Where the checkpoint is damaged or of another model.
        """
        items = {"variables": ocp.args.StandardRestore(like.variables)}
        averaged = self._has_average(step, like)
        if averaged:
            items["average"] = ocp.args.StandardRestore(like.average)
        restored = self._restore(step, **items)
        return {**restored.variables, **({"params": restored.average} if averaged else {})}

    def restore(self, step: int, like: TrainState) -> Resumed:
        """A checkpoint's whole state, laid out as the (abstract) one, and its data position.

        Raises:
            UserError: Where the checkpoint is damaged or of another model.
        """
        items = {
            "variables": ocp.args.StandardRestore(like.variables),
            "optimizer": ocp.args.StandardRestore(like.optimizer),
            "data": ocp.args.JsonRestore(),
        }
        averaged = self._has_average(step, like)
        if averaged:
            items["average"] = ocp.args.StandardRestore(like.average)
        restored = self._restore(step, **items)
        average: PyTree = ()
        if averaged:
            average = restored.average
        elif jax.tree.leaves(like.average):  # switched on since: it starts here
            average = jax.tree.map(jnp.copy, restored.variables["params"])
        count = jax.device_put(jnp.int32(step), like.step.sharding)
        state = TrainState(count, restored.variables, restored.optimizer, average)
        return Resumed(step, state, restored.data)

    def restore_newest(self, like: TrainState, told: Callable[[str], None]) -> Resumed | None:
        """The newest checkpoint that can be read, or None where there never was one.

        Newer ones that cannot be read are moved to `WORKDIR/damaged_checkpoints`, so that training
        can go on past them.

        Args:
            like: The (abstract) state.
            told: Told of each that was moved.

        Raises:
            UserError: Where there are checkpoints and none can be read.
        """
        steps = self.steps()
        failures: list[tuple[int, UserError]] = []
        for step in reversed(steps):
            try:
                resumed = self.restore(step, like)
            except UserError as error:
                failures.append((step, error))
                continue
            for damaged, failure in failures:
                told(f"{failure} Moved to {self._put_aside(damaged)}.")
            self._manager.reload()
            return resumed
        if failures:
            raise failures[0][1]
        return None

    def _put_aside(self, step: int) -> Path:
        """Moves a damaged checkpoint away, beside what was moved before."""
        aside = self.workdir / DAMAGED
        place = aside / str(step)
        if is_first():
            aside.mkdir(exist_ok=True)
            taken = sum(path.name.split(".")[0] == str(step) for path in aside.iterdir())
            place = aside / (f"{step}.{taken}" if taken else str(step))
            (self.workdir / "checkpoints" / str(step)).rename(place)
        meet(f"put aside {step}")
        return place

    def newest_config(self) -> ConfigDict | None:
        """The config of the newest checkpoint whose config can be read, if there is any."""
        for step in reversed(self.steps()):
            try:
                return self.config(step)
            except UserError:
                continue
        return None

    def wait(self) -> None:
        """Waits until everything is on disk.

        Raises:
            UserError: Where something could not be written.
        """
        self._written(self._manager.wait_until_finished)

    def close(self) -> None:
        """Waits until everything is on disk, and ends Orbax's threads; see `wait`."""
        self.wait()
        self._manager.close()

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        elif not issubclass(kind, LeaveAtOnce):
            with suppress(Exception):  # the first error is the one to be heard of
                self.close()

    def _has_average(self, step: int, like: TrainState) -> bool:
        return bool(jax.tree.leaves(like.average)) and self._folder(step, "average").is_dir()

    def _folder(self, step: int, item: str) -> Path:
        return self.workdir / "checkpoints" / str(step) / item

    def _written(self, write: Callable[[], object]) -> None:
        """Writes, or says what is left on disk."""
        try:
            write()
        except Exception as error:  # Orbax raises what TensorStore or the system raised
            whole = ", ".join(map(str, self.steps())) or "none"
            raise UserError(
                f"a checkpoint cannot be written to {self.workdir / 'checkpoints'}: "
                f"{_reason(error)}. Is the disk full? Whole ones there are of step: {whole}. "
                "Make room, and the same command goes on from the last of them."
            ) from error

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
