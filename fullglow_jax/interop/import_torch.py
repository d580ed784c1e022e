"""The command that imports a checkpoint of an original.

python -m fullglow_jax.interop.import_torch CKPT --config NAME --workdir DIR
    [--step N] [--config.key=value …]

The config names the family, and so the original (`interop/importable.py`). Weights, Adam's moments
and the number of steps are imported: samples and scores are the original's, and training goes on
from its step. PyTorch's files need PyTorch, the extra `fullglow-jax[torch]`; TensorFlow's need
nothing.
"""

import re
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax.traverse_util import flatten_dict
from ml_collections import ConfigDict

from fullglow_jax import cli
from fullglow_jax.data.source import with_classes
from fullglow_jax.errors import UserError
from fullglow_jax.files.folders import make_writable
from fullglow_jax.files.paths import user_path
from fullglow_jax.installation import as_called
from fullglow_jax.interop.importable import IMPORTABLE, Importable, Unused
from fullglow_jax.interop.original_checkpoint import Moments, OriginalCheckpoint
from fullglow_jax.interop.tensors import (
    CLASSES,
    CRITIC,
    Entry,
    Tensors,
    misfit,
    networks_of,
    tensors_of,
    variables_of,
)
from fullglow_jax.interop.torch_checkpoint import is_parameter
from fullglow_jax.model_registry import build_architecture, build_model
from fullglow_jax.models.batch import blank_batch
from fullglow_jax.models.interface import Model, TrainState
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.runs.checkpoints import Checkpoints
from fullglow_jax.runs.trained import abstract_state
from fullglow_jax.settings import rules


def choose_step(path: Path, checkpoint: OriginalCheckpoint, step: int | None = None) -> int:
    """The given step, or the step in the file's name, or the number of Adam's steps.

    Raises:
        UserError: If none of them is known.
    """
    if step is not None:
        return step
    if named := re.search(r"optim_step=(\d+)", path.name):
        return int(named[1])
    if checkpoint.moments:
        return checkpoint.moments.count
    raise UserError(
        f"{path} does not tell how many steps it was trained for: its name is not optim_step=N.pt "
        "and it has no optimizer state. Add --step N."
    )


def to_state(
    checkpoint: OriginalCheckpoint,
    original: Importable,
    architecture: Any,
    like: TrainState,
    step: int,
) -> TrainState:
    """Our training state; without stored moments, Adam starts from zeros.

    `like` has shapes and sharding of our model's state; `step` counts trained steps.

    Raises:
        UserError: If a tensor is missing, unknown, or of another shape.
    """
    weights = original.weights(checkpoint.weights)
    _check_fit(weights, checkpoint.moments, original, architecture, like)
    entries = _entries(original, architecture, like)
    fixed = tuple(entry.name for entry in entries if entry.path[0] != "params")

    def to_ours(moment: Tensors) -> Any:
        return variables_of(original.moments(moment), entries, skip=fixed)["params"]

    def part(empty: Any) -> Any:
        """A part of the optimiser's state, like an empty one."""
        moments = checkpoint.moments
        match empty:
            case optax.ScaleByScheduleState():
                return empty._replace(count=step)
            case optax.ScaleByAdamState() if moments:
                first, second = to_ours(moments.first), to_ours(moments.second)
                return empty._replace(count=moments.count, mu=first, nu=second)
        return jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), empty)

    variables = variables_of(weights, entries)
    critic = variables.pop(CRITIC, ())
    state = TrainState(
        step=jnp.asarray(step),
        variables=variables,
        optimizer=jax.tree.map(
            part,
            like.optimizer,
            is_leaf=lambda each: isinstance(
                each, optax.ScaleByScheduleState | optax.ScaleByAdamState
            ),
        ),
        critic=critic,
    )
    return jax.tree.map(
        lambda leaf, shape: jax.device_put(np.asarray(leaf, shape.dtype), shape.sharding),
        state,
        like,
    )


def _entries(original: Importable, architecture: Any, like: TrainState) -> list[Entry]:
    """The tensors of all that is in a state: one without a critic has none of those."""
    entries = original.entries(architecture)
    return [entry for entry in entries if like.critic or entry.path[0] != CRITIC]


def _whole_state(
    checkpoint: OriginalCheckpoint,
    original: Importable,
    architecture: Any,
    model: Model,
    like: TrainState,
    step: int,
) -> TrainState:
    """Our training state; a critic that the checkpoint has not is as before training."""
    critics = {e.name for e in original.entries(architecture) if e.path[0] == CRITIC}
    if not like.critic or critics & checkpoint.weights.keys():
        return to_state(checkpoint, original, architecture, like, step)
    alone = replace(like, critic=())
    state = to_state(checkpoint, original, architecture, alone, step)
    first = jax.jit(model.init, out_shardings=jax.tree.map(lambda leaf: leaf.sharding, like))
    return replace(state, critic=first(jax.random.key(0), blank_batch(model.shapes, 1)).critic)


def _check_fit(
    weights: Tensors,
    moments: Moments | None,
    original: Importable,
    architecture: Any,
    like: TrainState,
) -> None:
    if lost := original.lost(weights):
        raise UserError(f"The checkpoint cannot be imported: {lost}")
    entries, ours = _entries(original, architecture, like), networks_of(like)
    zeros = jax.tree.map(lambda leaf: np.broadcast_to(np.float32(0), leaf.shape), ours)
    expected = tensors_of(zeros, entries)
    unused = _unused(weights, moments, original.unused, expected)
    known = {
        name: value
        for name, value in weights.items()
        if name in expected or (is_parameter(name) and name not in unused)
    }
    problem = misfit(known, expected, "the config's model", _long_axes)
    own = set(flatten_dict(ours)) - {entry.path for entry in entries}
    if own and not problem:
        problem = f"has nothing for {'/'.join(min(own))!r} of the config's model"
    differences = [
        f"config.{key} {'are' if key == CLASSES else 'is'} {here} here and {there} there"
        for key, (here, there) in original.told(weights, architecture).items()
        if here != there
    ]
    if problem or differences:
        differences = differences or [
            f"config.data.image_size={architecture.image_size} is probably not the file's"
        ]
        raise UserError(
            f"The checkpoint {problem or 'does not fit the config'}. "
            f"It is of another model than the config's: {'; '.join(differences)}."
        )


def _unused(
    weights: Tensors, moments: Moments | None, unused: Unused | None, expected: Tensors
) -> list[str]:
    """Names of tensors that are not expected, because the original has but does not use them.

    Raises:
        UserError: If one was trained, so that it was used.
    """
    if not unused:
        return []
    names = [n for n in weights if n not in expected and re.fullmatch(unused.names, n)]
    if trained := [n for n in names if moments and np.any(moments.second.get(n, 0.0))]:
        raise UserError(
            f"The checkpoint has {trained[0]!r}, which was trained, and which the config's model "
            f"has not, one of {len(trained)} such. A model of {unused.used_by} has it."
        )
    return names


def _long_axes(shape: tuple[int, ...]) -> list[int]:
    """A shape without axes of length 1, which the two implementations keep differently."""
    return [length for length in shape if length != 1]


def import_checkpoint(
    path: Path, config: ConfigDict, workdir: Path, step: int | None = None
) -> tuple[int, OriginalCheckpoint]:
    """Writes the original's checkpoint as the only one of a workdir; returns its step and itself.

    The config of the same model is stored with it. `step` is the number of trained steps, if the
    file does not have it.

    Raises:
        UserError: If the file cannot be read, does not fit the config, or the workdir already has
            checkpoints.
    """
    architecture = build_architecture(config)
    if config.model.name not in IMPORTABLE:
        raise UserError(
            f"config.model.name={config.model.name!r}: checkpoints can be imported of "
            f"{', '.join(IMPORTABLE)}. fullglow_jax.interop.import_semseg imports segmentation "
            "networks."
        )
    original = IMPORTABLE[config.model.name]
    model = build_model(config, optax.constant_schedule(0.0))
    if any((workdir / "checkpoints").glob("*")):
        raise UserError(
            f"{workdir} already holds checkpoints, which are never overwritten: "
            "choose another --workdir."
        )
    checkpoint = original.files.read(original.files.load(path), path)
    step = choose_step(path, checkpoint, step)
    like = abstract_state(model, Devices())
    state = _whole_state(checkpoint, original, architecture, model, like, step)
    make_writable(workdir, "--workdir")
    checkpoints = Checkpoints(workdir, config.train.keep_last)
    # The position in our data order after so many steps.
    checkpoints.save(state, {"next_batch": step}, config)
    checkpoints.close()
    return step, checkpoint


COMMAND = cli.CommandLine(__doc__)
WORKDIR = COMMAND.flag("workdir", None, rules.path(), "New folder for the checkpoint.")
STEP = COMMAND.flag("step", None, rules.integer(0), "Steps trained, where the file does not tell.")


def main(argv: Sequence[str]) -> None:
    """Parses the command line and imports."""
    has_path = bool(argv) and not argv[0].startswith("-")
    rest = list(argv[has_path:])
    config = with_classes(COMMAND.parse_config(rest, alone=True))
    if not has_path or WORKDIR.value is None:
        raise UserError(
            f"{'--workdir DIR' if has_path else 'CKPT'} is missing. Usage: python -m "
            "fullglow_jax.interop.import_torch CKPT --config NAME --workdir DIR"
        )
    folder: Path = WORKDIR.value
    at, checkpoint = import_checkpoint(user_path(argv[0]), config, folder, STEP.value)
    moments = (
        f"Adam's moments after {checkpoint.moments.count} steps"
        if checkpoint.moments
        else "no optimizer state in the file: Adam's moments start from zero"
    )
    train = [
        word
        for before, word in zip(["", *rest], rest, strict=False)
        if not word.startswith("--step") and before != "--step"
    ]
    print(
        f"wrote {folder / 'checkpoints' / str(at)}: {len(checkpoint.weights)} tensors, {moments}\n"
        "next:\n"
        f"  {as_called('python sample.py')} --workdir {shlex.quote(str(folder))}\n"
        f"  {as_called('python eval.py')} --workdir {shlex.quote(str(folder))}\n"
        f"  {as_called('python train.py')} {shlex.join(train)}"
    )


if __name__ == "__main__":
    cli.run(main)
