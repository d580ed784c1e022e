"""Checkpoints that carry everything: variables, optimiser, average, data position and config."""

import logging
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, NamedTuple, TypeVar

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
from fullglow_jax.training.checksums import checksums
from fullglow_jax.training.code_version import code_version
from fullglow_jax.training.finishing_loops import finish_loops

PyTree = Any
T = TypeVar("T")

METRIC = "validation_bits_per_dim"
DAMAGED = "damaged_checkpoints"
"""Where in a workdir checkpoints go that training could not read."""


class Resumed(NamedTuple):
    """A state to go on from, and where in the data it was."""

    step: int
    state: TrainState
    data: dict[str, Any]


class Newest(NamedTuple, Generic[T]):
    """What was read of the newest checkpoint that can be read.

    Attributes:
        step: Its step.
        content: What was read.
        damaged: Why each newer one could not be read, by step.
    """

    step: int
    content: T
    damaged: dict[int, UserError]


class _Manager(ocp.CheckpointManager):
    """Orbax's, which would not begin where one checkpoint's score is damaged."""

    def metrics(self, step: int) -> dict[str, float] | None:
        """A checkpoint's scores; None where it has none that can be read."""
        with suppress(ValueError):
            stored = super().metrics(step)
            if stored and isinstance(stored.get(METRIC), float):
                return dict(stored)
        return None


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
        # Orbax tells of every array, and of its errors; these are said here, in one message.
        logging.getLogger("absl").setLevel(logging.CRITICAL)
        finish_loops()
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
        items = ("variables", "optimizer", "average", "data", "config", "code", "checksums")
        try:
            if not read_only:
                if is_first():
                    # What a killed run had half written. Orbax would do it in a thread that an
                    # early end of the program leaves behind.
                    for unfinished in folder.glob("*.orbax-checkpoint-tmp*"):
                        shutil.rmtree(unfinished)
                    folder.mkdir(parents=True, exist_ok=True)
                meet("checkpoints folder")
            self._manager = _Manager(folder, options=options, item_names=items)
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
            UserError: Where there is no such checkpoint, or a score is damaged.
        """
        steps = self.steps()
        if which == "latest":
            return steps[-1]
        if which == "best":
            scores = {step: score for step in steps if (score := self._score(step)) is not None}
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
        items["checksums"] = ocp.args.JsonSave(checksums(_stored(state)))
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
        restored = self._arrays(step, like, "variables")
        return {
            **restored["variables"],
            **({"params": restored["average"]} if "average" in restored else {}),
        }

    def restore(self, step: int, like: TrainState) -> Resumed:
        """A checkpoint's whole state, laid out as the (abstract) one, and its data position.

        Raises:
            UserError: Where the checkpoint is damaged or of another model.
        """
        # What training itself does not need is read too: so that one that is gone on from is whole.
        self.config(step)
        self._score(step)
        data = self._restore(step, data=ocp.args.JsonRestore()).data
        restored = self._arrays(step, like, "variables", "optimizer")
        average: PyTree = ()
        if "average" in restored:
            average = restored["average"]
        elif jax.tree.leaves(like.average):  # switched on since: it starts here
            average = jax.tree.map(jnp.copy, restored["variables"]["params"])
        count = jax.device_put(jnp.int32(step), like.step.sharding)
        state = TrainState(count, restored["variables"], restored["optimizer"], average)
        return Resumed(step, state, data)

    def newest(self, read: Callable[[int], T]) -> Newest[T]:
        """The newest checkpoint that can be read; there must be one of any kind.

        Args:
            read: Reads the checkpoint of a step; raises a UserError where it cannot be.

        Raises:
            UserError: What it raised for the newest, where none can be read.
        """
        damaged: dict[int, UserError] = {}
        for step in reversed(self.steps()):
            try:
                return Newest(step, read(step), damaged)
            except UserError as error:
                damaged[step] = error
        raise next(iter(damaged.values()))

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
        if not self.steps():
            return None
        newest = self.newest(lambda step: self.restore(step, like))
        for damaged, failure in newest.damaged.items():
            told(f"{failure} Moved to {self._put_aside(damaged)}.")
        self._manager.reload()
        return newest.content

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
        # A save ends only if all processes come to its end: those of a run that fails do not.
        elif not issubclass(kind, LeaveAtOnce) and jax.process_count() == 1:
            with suppress(Exception):  # the first error is the one to be heard of
                self.close()

    def _arrays(self, step: int, like: TrainState, *items: str) -> dict[str, PyTree]:
        """Items of a checkpoint, with its average if there is to be one and it has one."""
        abstract = _stored(like)
        if "average" in abstract and self._folder(step, "average").is_dir():
            items = (*items, "average")
        restored = self._restore(
            step, **{item: ocp.args.StandardRestore(abstract[item]) for item in items}
        )
        arrays = {item: restored[item] for item in items}
        if self._folder(step, "checksums").is_dir():
            written = self._restore(step, checksums=ocp.args.JsonRestore()).checksums
            if different := [i for i, sums in checksums(arrays).items() if sums != written.get(i)]:
                raise self._unreadable(step, f"its {different[0]} are not those that were saved")
        return arrays

    def _score(self, step: int) -> float | None:
        """A checkpoint's bits/dim, if it was validated."""
        if not self._folder(step, "metrics").is_dir():
            return None
        stored = self._restore(step, metrics=ocp.args.JsonRestore()).metrics
        if not isinstance(stored.get(METRIC), float):
            raise self._unreadable(step, f"its score is {stored}")
        return float(stored[METRIC])

    def _folder(self, step: int, item: str) -> Path:
        return self.workdir / "checkpoints" / str(step) / item

    def _written(self, write: Callable[[], object]) -> None:
        """Writes, or says what is left on disk."""
        try:
            write()
        except jax.errors.JaxRuntimeError:  # of another process, or of the step that is waited for
            raise
        except Exception as error:  # Orbax raises what TensorStore or the system raised
            whole = ", ".join(map(str, self.steps())) or "none"
            raise UserError(
                f"a checkpoint cannot be written to {self.workdir / 'checkpoints'}: "
                f"{_reason(error)}. Is the disk full? Whole ones there are of step: {whole}. "
                "Make room, and the same command goes on from the last of them."
            ) from error

    def _restore(self, step: int, **items: Any) -> Any:
        try:
            return self._manager.restore(step, args=ocp.args.Composite(**items))
        # Orbax raises what TensorStore or JSON raised, or a plain Exception from it.
        except Exception as error:
            raise self._unreadable(step, _reason(error)) from error

    def _unreadable(self, step: int, reason: str) -> UserError:
        return UserError(
            f"The checkpoint {self.workdir / 'checkpoints' / str(step)} cannot be read as this "
            f"model's: {reason}. If it is damaged, remove it or choose another with "
            "--checkpoint; if another model wrote it, choose another --workdir."
        )


def _stored(state: TrainState) -> dict[str, PyTree]:
    """A state's arrays as they are stored, by item."""
    items = {"variables": state.variables, "optimizer": state.optimizer, "average": state.average}
    return {item: tree for item, tree in items.items() if jax.tree.leaves(tree)}


def _reason(error: BaseException) -> str:
    """The first cause's first line, without what TensorStore adds in brackets."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).splitlines() or [type(error).__name__]
    return re.split(r" \[(?:tensorstore_spec|source locations|os_error_code)", lines[0])[0].rstrip(
        "."
    )


def _score(metrics: dict[str, float]) -> float:
    return metrics[METRIC]
