"""Checkpoints of a run: all of its state, data position and config."""

import math
import re
import shutil
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import orbax.checkpoint as ocp
from ml_collections import ConfigDict

from fullglow_jax.config import from_json, to_json
from fullglow_jax.errors import LeaveAtOnce, UserError, first_line
from fullglow_jax.installation import as_called
from fullglow_jax.models.interface import TrainState
from fullglow_jax.parallel.distributed import is_first, meet
from fullglow_jax.runs.checkpoint_manager import open_manager
from fullglow_jax.runs.checksums import checksums
from fullglow_jax.runs.code_version import code_version
from fullglow_jax.runs.finite import advice, not_finite
from fullglow_jax.runs.orbax_calls import call, confined
from fullglow_jax.runs.packaged import suggestion
from fullglow_jax.runs.plain_path import PlainPath
from fullglow_jax.runs.score import Score, best, read_score

PyTree = Any
T = TypeVar("T")

DAMAGED = "damaged_checkpoints"
"""The folder of a workdir for checkpoints that training could not read."""


class Resumed(NamedTuple):
    """A state to go on from, and its position in the data."""

    step: int
    state: TrainState
    data: dict[str, Any]


class Newest(NamedTuple, Generic[T]):
    """The newest checkpoint that can be read: what was asked for, and errors of newer ones."""

    step: int
    content: T
    damaged: dict[int, UserError]


class Checkpoints:
    """The checkpoints of one workdir, under `WORKDIR/checkpoints/STEP`.

    They are saved in the background and atomically: a folder under its final name is whole.
    Variables, optimiser, average and critic are stored apart: sampling reads no moments, and no
    network that only training needs.
    Arrays are read onto the present devices, of any number. All processes of a run must call every
    method.

    The last few and the best few are kept, and one more while a run goes on: the newest checkpoint
    is known to be good only after a step was taken from it; until then it must not replace a good
    one.

    Attributes:
        workdir: The run's folder.
        doubted: Whether the newest may be of a ruined model; then `close` keeps the one more.

    Raises:
        UserError: If the folder cannot be made, or does not hold checkpoints.
    """

    def __init__(
        self, workdir: Path, keep_last: int = 1, keep_best: int = 1, *, read_only: bool = False
    ) -> None:
        self.workdir = workdir
        self.doubted = False
        self._keep_last, self._keep_best = keep_last, keep_best
        self._saved = False
        self._saving = ExitStack()  # closed when nothing is being written
        folder = (workdir / "checkpoints").absolute()
        self._plain = PlainPath(folder)
        try:
            if not read_only:
                if is_first():
                    # Removes unfinished files of a killed run. Orbax would do it in a thread that
                    # does not end with the program.
                    for unfinished in folder.glob("*.orbax-checkpoint-tmp*"):
                        shutil.rmtree(unfinished)
                    folder.mkdir(parents=True, exist_ok=True)
                meet("checkpoints folder")
            counts = keep_last + 1, keep_best
            self._manager = call(
                partial(open_manager, self._plain.path, *counts, read_only=read_only)
            )
            self._scores = self._stored_scores()
        except (OSError, ValueError) as error:
            raise UserError(
                f"{folder} cannot be used: {error}. It must be a folder that can be "
                "written to, with whole checkpoints in it; choose another --workdir."
            ) from error

    @classmethod
    def of(cls, workdir: Path) -> "Checkpoints":
        """Opens the checkpoints of a run for reading.

        Raises:
            UserError: If there are none.
        """
        if (workdir / "checkpoints").is_dir():
            checkpoints = cls(workdir, read_only=True)
            if checkpoints.steps():
                return checkpoints
        raise UserError(
            f"{workdir} holds no checkpoint. Expected the --workdir of a training run that has "
            "saved one (WORKDIR/checkpoints/STEP); train first: "
            f"{as_called('python train.py')} --config street_scenes --workdir {workdir}. "
            f"{suggestion(workdir)}"
        )

    def steps(self) -> list[int]:
        """The steps that have checkpoints, ascending."""
        return sorted(self._manager.all_steps())

    def choose(self, which: str) -> int:
        """The step for "latest", "best" or a number.

        Raises:
            UserError: If there is no such checkpoint, or a score is damaged.
        """
        steps = self.steps()
        if which == "latest":
            return steps[-1]
        if which == "best":
            scores = {step: score for step in steps if (score := self._score(step)) is not None}
            if found := best(scores):
                return found[0]
        elif which.isdecimal() and int(which) in steps:
            return int(which)
        raise UserError(
            f"{self.workdir} has no checkpoint {which!r}. There are: latest, best (once training "
            f"has validated), {', '.join(map(str, steps))}."
        )

    def would_be_best(self, score: Score) -> bool:
        """Whether a score is finite and among the best few, which would be kept."""
        scores = (self._scores[step] for step in self.steps() if step in self._scores)
        rivals = [other for other in scores if other.comparable(score)]
        as_good = sum(other.rank <= score.rank for other in rivals)
        return as_good < self._keep_best and math.isfinite(score.value)

    def save(
        self,
        state: TrainState,
        data: dict[str, Any],
        config: ConfigDict,
        score: Score | None = None,
    ) -> None:
        """Starts saving a state; returns as soon as the arrays may change.

        A score that is not a number is not stored. The first save of a run is waited for and read
        again, so that no run goes on whose checkpoints cannot be read.

        Raises:
            UserError: If this or the previous checkpoint cannot be written; if the state holds NaN
                or infinity, as in a ruined model; or if the first save cannot be read again.
        """
        self.doubted = score is not None and not math.isfinite(score.value)
        if self.doubted:
            score = None
        step = int(state.step)
        if ruined := not_finite(_stored(state)):
            self.doubted = True
            raise UserError(
                f"the state after step {step} is not saved: it holds numbers that are not finite, "
                f"{len(ruined)} of its arrays do, {ruined[0]} for one. Checkpoints there are of "
                f"step: {self._whole()}. To go on from the last of them, {advice(config)}."
            )
        arrays = _stored(state)
        described = {
            "data": data,
            "config": to_json(config),
            "code": code_version(),
            "checksums": checksums(arrays),
        }
        items = {name: ocp.args.StandardSave(tree) for name, tree in arrays.items()}
        items |= {name: ocp.args.JsonSave(json) for name, json in described.items()}
        self.wait()
        self._saving.enter_context(confined())
        self._written(
            lambda: self._manager.save(
                step, args=ocp.args.Composite(**items), metrics=score.stored if score else None
            )
        )
        self._scores.pop(step, None)
        if score:
            self._scores[step] = score
        if not self._saved:
            self._saved = True
            self.wait()
            self._read_again(step, state)

    def config(self, step: int) -> ConfigDict:
        """The config that a checkpoint was trained with.

        Raises:
            UserError: If it is damaged or of another version.
        """
        return from_json(self._restore(step, config=ocp.args.JsonRestore()).config)

    def variables(self, step: int, like: TrainState) -> PyTree:
        """A checkpoint's variables, sharded like those of the (abstract) state.

        If both have a moving average of the parameters, it replaces the parameters.

        Raises:
            UserError: If the checkpoint is damaged or of another model.
        """
        restored = self._arrays(step, like, "variables")
        variables = restored["variables"]
        return variables | {"params": restored["average"]} if "average" in restored else variables

    def restore(self, step: int, like: TrainState) -> Resumed:
        """A checkpoint's whole state, sharded like the (abstract) one, and its data position.

        Raises:
            UserError: If the checkpoint is damaged or of another model.
        """
        # Training does not need the config, but it must go on from a checkpoint that is whole.
        self.config(step)
        self._score(step)
        data = self._restore(step, data=ocp.args.JsonRestore()).data
        restored = self._arrays(step, like, *_stored(replace(like, average=())))
        average = restored.get("average", ())
        if "average" not in restored and jax.tree.leaves(like.average):
            # Switched on since the checkpoint: it starts here.
            average = jax.tree.map(jnp.copy, restored["variables"]["params"])
        count = jax.device_put(jnp.int32(step), like.step.sharding)
        state = TrainState(
            count, restored["variables"], restored["optimizer"], average, restored.get("critic", ())
        )
        return Resumed(step, state, data)

    def newest(self, read: Callable[[int], T]) -> Newest[T]:
        """The newest checkpoint that can be read; the run must have at least one checkpoint.

        Raises:
            UserError: If `read` raises one for each of them: the error of the newest.
        """
        damaged: dict[int, UserError] = {}
        for step in reversed(self.steps()):
            try:
                return Newest(step, read(step), damaged)
            except UserError as error:
                damaged[step] = error
        raise next(iter(damaged.values()))

    def restore_newest(self, like: TrainState, told: Callable[[str], None]) -> Resumed | None:
        """The newest checkpoint that can be read, or None if there are no checkpoints.

        Newer ones that cannot be read are moved to `WORKDIR/damaged_checkpoints`, so that training
        can write these steps again.

        `like` is the (abstract) state; `told` gets a message for each that was moved.

        Raises:
            UserError: If there are checkpoints and none can be read.
        """
        if not self.steps():
            return None
        newest = self.newest(lambda step: self.restore(step, like))
        for damaged, failure in newest.damaged.items():
            told(f"{failure} Moved to {self._put_aside(damaged)}.")
        call(self._manager.reload)
        self._scores = self._stored_scores()
        return newest.content

    def _put_aside(self, step: int) -> Path:
        """Moves a damaged checkpoint away, beside those moved before."""
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
            UserError: If something could not be written.
        """
        # If this fails, Orbax is still writing the rest.
        self._written(self._manager.wait_until_finished)
        self._saving.close()

    def _read_again(self, step: int, state: TrainState) -> None:
        like = jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=leaf.sharding),
            state.variables,
        )
        try:
            self._read(step, variables=ocp.args.StandardRestore(like))
        except jax.errors.JaxRuntimeError:  # from another process, or out of memory
            raise
        except Exception as error:
            raise UserError(
                f"the checkpoint {self.workdir / 'checkpoints' / str(step)} was written, and "
                f"cannot be read again: {_reason(error)}. Choose another --workdir."
            ) from error

    def close(self) -> None:
        """Waits until everything is on disk, and ends Orbax's threads; see `wait`."""
        self.wait()
        if self._saved and not self.doubted:
            steps = self.steps()
            scores = {step: self._scores[step] for step in steps if step in self._scores}
            kept = {*steps[-self._keep_last :], *best(scores, self._keep_best)}
            for step in (step for step in steps if step not in kept):
                self._written(partial(self._manager.delete, step))
        call(self._manager.close)

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        with self._saving:
            if kind is None:
                self.close()
            # A save ends only when all processes reach its end; in a run that fails, they do not.
            elif not issubclass(kind, LeaveAtOnce) and jax.process_count() == 1:
                self.doubted = True
                with suppress(Exception):  # the first error is the one to report
                    self.close()

    def _arrays(self, step: int, like: TrainState, *items: str) -> dict[str, PyTree]:
        """Items of a checkpoint, with its average if `like` and the checkpoint have one."""
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

    def _score(self, step: int) -> Score | None:
        """A checkpoint's score, if it was validated and its value is a number."""
        if not self._folder(step, "metrics").is_dir():
            return None
        stored = self._restore(step, metrics=ocp.args.JsonRestore()).metrics
        if (score := read_score(stored)) is None:
            raise self._unreadable(step, f"its score is {stored}")
        return score if math.isfinite(score.value) else None

    def _stored_scores(self) -> dict[int, Score]:
        """The scores that can be read, by step."""
        stored = {step: call(partial(self._manager.metrics, step)) for step in self.steps()}
        return {step: score for step, json in stored.items() if (score := read_score(json))}

    def _folder(self, step: int, item: str) -> Path:
        return self.workdir / "checkpoints" / str(step) / item

    def _written(self, write: Callable[[], object]) -> None:
        """Writes; if that fails, the error names the checkpoints that are on disk."""
        try:
            call(write)
        except jax.errors.JaxRuntimeError:  # from another process, or from the step that is saved
            raise
        except Exception as error:  # Orbax passes on errors of TensorStore or the system
            raise UserError(
                f"a checkpoint cannot be written to {self.workdir / 'checkpoints'}: "
                f"{_reason(error)}. Is the disk full? Whole ones there are of step: "
                f"{self._whole()}. "
                "Make room, and the same command goes on from the last of them."
            ) from error

    def _whole(self) -> str:
        return ", ".join(map(str, self.steps())) or "none"

    def _read(self, step: int, **items: Any) -> Any:
        return call(lambda: self._manager.restore(step, args=ocp.args.Composite(**items)))

    def _restore(self, step: int, **items: Any) -> Any:
        try:
            return self._read(step, **items)
        # Orbax passes on errors of TensorStore or JSON, or raises a plain Exception from them.
        except Exception as error:
            raise self._unreadable(step, _reason(error)) from error

    def _unreadable(self, step: int, reason: str) -> UserError:
        return UserError(
            f"The checkpoint {self.workdir / 'checkpoints' / str(step)} cannot be read as this "
            f"model's: {reason}. If it is damaged, remove it or choose another with "
            "--checkpoint; if another model wrote it, choose another --workdir."
        )


def _stored(state: TrainState) -> dict[str, PyTree]:
    """A state's arrays by item, as they are stored."""
    items = {name: getattr(state, name) for name in ("variables", "optimizer", "average", "critic")}
    return {item: tree for item, tree in items.items() if jax.tree.leaves(tree)}


def _reason(error: BaseException) -> str:
    """The first line of the first cause, without TensorStore's additions in brackets."""
    while error.__cause__ is not None:
        error = error.__cause__
    additions = r" \[(?:tensorstore_spec|source locations|os_error_code)"
    return re.split(additions, first_line(error))[0].rstrip(".")
