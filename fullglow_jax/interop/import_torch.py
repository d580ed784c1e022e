"""The command that imports a checkpoint of the original PyTorch code.

python -m fullglow_jax.interop.import_torch CKPT.pt --config NAME --workdir DIR
    [--step N] [--config.key=value …]

It imports weights, Adam's moments and the number of steps: samples and scores are the original's,
and training goes on from its step. It needs PyTorch, the extra `fullglow-jax[torch]`.
"""

import re
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from ml_collections import ConfigDict

from fullglow_jax import cli
from fullglow_jax.errors import UserError
from fullglow_jax.files.folders import make_writable
from fullglow_jax.files.paths import user_path
from fullglow_jax.installation import as_called
from fullglow_jax.interop.tensors import Tensors, check_tensors, held, misfit, state_dict
from fullglow_jax.interop.torch_files import read_torch_file
from fullglow_jax.interop.torch_names import Numbers, entries, from_torch, to_torch
from fullglow_jax.model_registry import build_architecture, build_model
from fullglow_jax.models.interface import TrainState
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.runs.checkpoints import Checkpoints
from fullglow_jax.runs.trained import abstract_state
from fullglow_jax.settings import rules

WEIGHTS = "model_state_dict"
OPTIMIZER = "optimizer_state_dict"

BUFFERS = ("w_p", "u_mask", "l_mask", "s_sign", "l_eye", "initialized")
"""Last parts of names of the original's buffers, which it stores beside its parameters."""


@dataclass(frozen=True)
class Moments:
    """Adam's state, by the names of the parameters.

    Attributes:
        count: Steps that Adam has taken.
        first: Running means of the gradients.
        second: Running means of their squares.
    """

    count: int
    first: Tensors
    second: Tensors


@dataclass(frozen=True)
class TorchCheckpoint:
    """The content of a file of the original that we need.

    Attributes:
        weights: The model's state dict, in its order.
        moments: Adam's state; None if the file has only the model.
    """

    weights: Tensors
    moments: Moments | None


def load(path: Path) -> Any:
    """A file's content with its tensors as float32 arrays; never runs code from the file.

    Raises:
        UserError: If PyTorch is not installed, or the file is missing, damaged, not PyTorch's, or
            holds more than tensors and plain values.
    """
    return read_torch_file(path, "the original's optim_step=N.pt", f"{WEIGHTS!r} and {OPTIMIZER!r}")


def _is_parameter(name: str) -> bool:
    """Whether the original trains the tensor of this name."""
    return name.rpartition(".")[2] not in BUFFERS


def read(content: Any, path: Path) -> TorchCheckpoint:
    """The checkpoint in the result of `load`: the original's, or only a state dict of the model.

    Raises:
        UserError: If it is neither.
    """
    weights = state_dict(content, WEIGHTS)
    if not any(name.startswith(("left_glow.", "right_glow.")) for name in weights):
        raise UserError(
            f"{path} is not a checkpoint of the original Full-Glow: expected {WEIGHTS!r} and "
            f"{OPTIMIZER!r}, or a state dict with left_glow.… and right_glow.…; "
            f"it holds {held(content)}."
        )
    check_tensors(weights, path)
    if content.get(OPTIMIZER) is None:
        return TorchCheckpoint(weights, None)
    parameters = {name: value for name, value in weights.items() if _is_parameter(name)}
    try:
        moments = _moments(content[OPTIMIZER], parameters)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{path}: {OPTIMIZER!r} is not that of one torch.optim.Adam over the "
            f"{len(parameters)} parameters of {WEIGHTS!r} ({error})."
        ) from None
    return TorchCheckpoint(weights, moments)


def _moments(optimizer: Mapping[str, Any], parameters: Tensors) -> Moments:
    """Adam's state by name; it is stored by number, in the order of the parameters."""
    (group,) = optimizer["param_groups"]
    stored = optimizer["state"]
    # Nothing is stored for a parameter that never had a gradient.
    slots = {
        name: stored.get(identity)
        for name, identity in zip(parameters, group["params"], strict=True)
    }
    counts = {int(slot["step"]) for slot in slots.values() if slot}
    if len(counts) > 1:
        raise ValueError(f"parameters stepped {min(counts)} to {max(counts)} times")

    def moment(key: str) -> Tensors:
        return {
            name: slots[name][key] if slots[name] else np.zeros_like(parameter)
            for name, parameter in parameters.items()
        }

    return Moments(max(counts, default=0), moment("exp_avg"), moment("exp_avg_sq"))


def choose_step(path: Path, checkpoint: TorchCheckpoint, step: int | None = None) -> int:
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
    checkpoint: TorchCheckpoint, architecture: Numbers, like: TrainState, step: int
) -> TrainState:
    """Our training state; without stored moments, Adam starts from zeros.

    `like` has shapes and sharding of our model's state; `step` counts trained steps.

    Raises:
        UserError: If a tensor is missing, unknown, or of another shape.
    """
    _check_fit(checkpoint.weights, architecture, like)
    fixed = tuple(e.torch_name for e in entries(architecture) if not _is_parameter(e.torch_name))

    def to_ours(moment: Tensors) -> Any:
        return from_torch(moment, architecture, skip=fixed)["params"]

    clip, adam, schedule = like.optimizer
    if moments := checkpoint.moments:
        count, first, second = moments.count, to_ours(moments.first), to_ours(moments.second)
    else:
        count = 0
        first = second = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), adam.mu)
    state = TrainState(
        step=jnp.asarray(step),
        variables=from_torch(checkpoint.weights, architecture),
        optimizer=(
            clip,
            adam._replace(count=count, mu=first, nu=second),
            schedule._replace(count=step),
        ),
    )
    return jax.tree.map(
        lambda leaf, shape: jax.device_put(np.asarray(leaf, shape.dtype), shape.sharding),
        state,
        like,
    )


def _check_fit(weights: Tensors, architecture: Numbers, like: TrainState) -> None:
    zeros = jax.tree.map(lambda leaf: np.broadcast_to(np.float32(0), leaf.shape), like.variables)
    expected = to_torch(zeros, architecture)
    known = {n: value for n, value in weights.items() if n in expected or _is_parameter(n)}
    if problem := misfit(known, expected, "the config's model", _long_axes):
        differences = _differences(weights, architecture) or [
            f"config.data.image_size={architecture.image_size} is probably not the file's"
        ]
        raise UserError(
            f"The checkpoint {problem}. "
            f"It is of another model than the config's: {'; '.join(differences)}."
        )


def _long_axes(shape: tuple[int, ...]) -> list[int]:
    """A shape without axes of length 1, which the two implementations keep differently."""
    return [length for length in shape if length != 1]


def _differences(weights: Tensors, architecture: Numbers) -> list[str]:
    """The config keys that names and shapes of the weights contradict."""
    flow = re.compile(r"left_glow\.blocks\.(\d+)\.flows\.\d+\.act_norm\.loc")
    steps = Counter(int(match[1]) for match in map(flow.fullmatch, weights) if match)
    target = "right_glow.blocks.0.flows.0"
    there: dict[str, Any] = {
        "model.steps": tuple(steps[level] for level in sorted(steps)),
        "model.lu": any(name.endswith(".inv_conv.w_p") for name in weights),
    }
    here: dict[str, Any] = {"model.steps": architecture.steps, "model.lu": architecture.lu}
    for key, name, width in (
        ("model.coupling_width", "coupling.net.0", architecture.coupling_width),
        ("model.spatial_width", "coupling.cond_net.conv_net.0", architecture.spatial_width),
    ):
        if (bias := f"{target}.{name}.bias") in weights:
            there[key], here[key] = weights[bias].size, width
    if (name := f"{target}.coupling.cond_net.conv_net.0.weight") in weights:
        boundary = weights[name].shape[1] > architecture.level_channels[0]
        if boundary != architecture.boundary:
            here["data.boundary"] = repr(architecture.boundary_maps)
            there["data.boundary"] = "'smooth' or 'ceil'" if boundary else "''"
    return [
        f"config.{key} is {here[key]} here and {value} there"
        for key, value in there.items()
        if value != here[key]
    ]


def import_checkpoint(
    path: Path, config: ConfigDict, workdir: Path, step: int | None = None
) -> tuple[int, TorchCheckpoint]:
    """Writes the original's checkpoint as the only one of a workdir; returns its step and itself.

    The config of the same model is stored with it. `step` is the number of trained steps, if the
    file does not have it.

    Raises:
        UserError: If the file cannot be read, does not fit the config, or the workdir already has
            checkpoints.
    """
    architecture = build_architecture(config)
    if not isinstance(architecture, Numbers):
        raise UserError(
            f"config.model.name={config.model.name!r}: the original's checkpoints are of a "
            "full_glow or a c_flow. fullglow_jax.interop.import_semseg imports segmentation "
            "networks."
        )
    model = build_model(config, optax.constant_schedule(0.0))
    if any((workdir / "checkpoints").glob("*")):
        raise UserError(
            f"{workdir} already holds checkpoints, which are never overwritten: "
            "choose another --workdir."
        )
    checkpoint = read(load(path), path)
    step = choose_step(path, checkpoint, step)
    state = to_state(checkpoint, architecture, abstract_state(model, Devices()), step)
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
    config = COMMAND.parse_config(rest, alone=True)
    if not has_path or WORKDIR.value is None:
        raise UserError(
            f"{'--workdir DIR' if has_path else 'CKPT.pt'} is missing. Usage: python -m "
            "fullglow_jax.interop.import_torch CKPT.pt --config NAME --workdir DIR"
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
