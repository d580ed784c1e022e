"""Tensors of the originals' networks: their layouts there and here, and checks of a file's."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from fullglow_jax.errors import UserError
from fullglow_jax.models.interface import TrainState

Tensors = dict[str, np.ndarray]

CRITIC = "critic"
"""The first part of the path of what is in the critic of our state (`TrainState`)."""

Told = dict[str, tuple[Any, Any]]
"""(value here, value there) of keys of the config, without "config.", as far as a file tells."""

CLASSES = "data.classes"
"""The key of whose values a file tells the number."""


@dataclass(frozen=True)
class Entry:
    """One tensor of a network.

    Attributes:
        name: Its name in the state dict.
        path: The path of ours, from the collection on, after `CRITIC` if it is of that.
        layout: The order of axes: "vector", "matrix", "dense" (from a 1×1 convolution, too),
            "pointwise" (always to a 1×1 convolution), "conv", "joined conv" (of two images that are
            joined the other way round), "image" (one, channels first), "same" as ours,
            "order" (of channels, to a matrix), "taps K" (a vector of a K×K kernel's input channels
            and taps, channels first).
        step: Its index on our stacked axis, or None if ours is not stacked.
        turns: The order of our halves of the channels, if theirs come in turns: (1, 0) if every
            second channel of theirs, from the second on, is our first half.
    """

    name: str
    path: tuple[str, ...]
    layout: str
    step: int | None = None
    turns: tuple[int, ...] = ()

    def to_ours(self, tensor: np.ndarray) -> np.ndarray:
        """The tensor as ours."""
        array = to_ours(tensor, self.layout)
        halves = [array[..., turn::2] for turn in self.turns]
        return np.concatenate(halves, axis=-1) if halves else array

    def to_theirs(self, array: np.ndarray) -> np.ndarray:
        """Our array as theirs, as `to_theirs` has it."""
        if self.turns:
            in_turns = np.empty_like(array)
            for turn, half in zip(self.turns, np.split(array, 2, axis=-1), strict=True):
                in_turns[..., turn::2] = half
            array = in_turns
        return to_theirs(array, self.layout)


def to_ours(tensor: np.ndarray, layout: str) -> np.ndarray:
    """A tensor of PyTorch's in our layout."""
    match layout:
        case "vector":
            return tensor.reshape(-1)
        case "matrix":
            return tensor.reshape(tensor.shape[:2])
        case "dense" | "pointwise":
            return tensor.reshape(tensor.shape[:2]).T
        case "conv":
            return tensor.transpose(2, 3, 1, 0)
        case "joined conv":
            return np.roll(to_ours(tensor, "conv"), tensor.shape[1] // 2, axis=2)
        case "image":
            return tensor[0].transpose(1, 2, 0)
        case "same":
            return tensor
        case "order":
            return np.eye(len(tensor), dtype=np.float32)[tensor.astype(int)]
        case _ if layout.startswith("taps "):
            return tensor.reshape(-1, int(layout[5:]) ** 2).T.reshape(-1)
    raise ValueError(layout)


def to_theirs(array: np.ndarray, layout: str) -> np.ndarray:
    """An array of ours in PyTorch's layout; only "pointwise" gets axes of length 1."""
    match layout:
        case "dense":
            return array.T
        case "pointwise":
            return array.T[:, :, None, None]
        case "conv":
            return array.transpose(3, 2, 0, 1)
        case "joined conv":
            return to_theirs(np.roll(array, array.shape[2] // 2, axis=2), "conv")
        case "image":
            return array.transpose(2, 0, 1)
        case "order":
            return array.argmax(-1)
        case _ if layout.startswith("taps "):
            return array.reshape(int(layout[5:]) ** 2, -1).T.reshape(-1)
    return array


def networks_of(state: TrainState) -> dict[str, Any]:
    """All variables of a state, at the paths of entries."""
    return {**state.variables, CRITIC: state.critic} if state.critic else state.variables


def variables_of(
    tensors: Mapping[str, np.ndarray], entries: Iterable[Entry], skip: Collection[str] = ()
) -> dict[str, Any]:
    """Our variables, {"params": …, "constants": …}, from an original's tensors.

    Names in `skip` are left out; a path of ours that lacks any step is left out whole.

    Raises:
        KeyError: If a tensor is missing.
    """
    stacked: dict[tuple[str, ...], dict[int | None, np.ndarray]] = {}
    for entry in entries:
        if entry.name not in skip:
            array = entry.to_ours(np.asarray(tensors[entry.name]))
            stacked.setdefault(entry.path, {})[entry.step] = array
    flat = {
        path: np.stack(list(steps.values())) if None not in steps else steps[None]
        for path, steps in stacked.items()
    }
    return unflatten_dict(flat)


def tensors_of(variables: Mapping[str, Any], entries: Iterable[Entry]) -> Tensors:
    """Our arrays by an original's names and in its layouts, without axes of length 1.

    It takes any tree of our variables' shape, also gradients and moments; what it has not is left
    out.
    """
    flat = flatten_dict(variables)
    named = {}
    for entry in entries:
        if entry.path in flat:
            array = np.asarray(flat[entry.path])
            named[entry.name] = entry.to_theirs(array if entry.step is None else array[entry.step])
    return named


def steps_of(names: Iterable[str], step: str) -> tuple[int, ...]:
    """The steps of each level, counted by a tensor that each step has.

    `step` is a pattern of that tensor's name, whose first group is the level's number.
    """
    levels = Counter(int(match[1]) for match in map(re.compile(step).fullmatch, names) if match)
    return tuple(levels[level] for level in sorted(levels))


def state_dict(content: Any, key: str) -> dict[str, Any]:
    """The state dict under a key of a file's content, or else the content; empty if it is none."""
    found = content.get(key, content) if isinstance(content, Mapping) else {}
    return {str(name): each for name, each in found.items()} if isinstance(found, Mapping) else {}


def held(content: Any) -> str:
    """What a file holds, for messages."""
    names = map(repr, content) if isinstance(content, Mapping) else [type(content).__name__]
    return ", ".join(names)[:200] or "nothing"


def check_tensors(state: Mapping[str, Any], path: Path) -> None:
    """Checks that all weights are tensors.

    Raises:
        UserError: If one is not.
    """
    for name, value in state.items():
        if not isinstance(value, np.ndarray):
            raise UserError(f"{path}: {name!r} among the weights is not a tensor.")


def misfit(
    state: Tensors,
    expected: Tensors,
    whose: str,
    compared: Callable[[tuple[int, ...]], Iterable[int]] = tuple,
) -> str:
    """The first tensor that is missing, unknown or of another shape; "" if all fit.

    `whose` is the network that they are expected of, and `compared` what is compared of shapes.
    """
    problems = [f"has no {name!r}" for name in expected if name not in state]
    problems += [f"has {name!r}, which {whose} has not" for name in state if name not in expected]
    problems += [
        f"has {name!r} of shape {state[name].shape}, where {whose} has {array.shape}"
        for name, array in expected.items()
        if name in state and compared(state[name].shape) != compared(array.shape)
    ]
    more = f" (and {len(problems) - 1} more like this)" if len(problems) > 1 else ""
    return f"{problems[0]}{more}" if problems else ""
