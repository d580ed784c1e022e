"""Weights of another run's model, from which a new run starts."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax.traverse_util import flatten_dict
from ml_collections import ConfigDict

from fullglow_jax.errors import UserError
from fullglow_jax.files import strict_json
from fullglow_jax.files.drafts import draft
from fullglow_jax.model_registry import build_model
from fullglow_jax.models.interface import PyTree, TrainState
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.parallel.distributed import is_first
from fullglow_jax.runs.trained import abstract_state, load_trained, stored_config

FILE = "init_from.json"
"""The file of a workdir that says where its first weights came from."""

SHOWN = 3
"""Number of arrays of each kind that a message names."""


class InitialWeights(NamedTuple):
    """The weights.

    Attributes:
        variables: All of the model's variables.
        workdir: The other run.
        step: The step of its checkpoint.
        averaged: Whether the parameters are a moving average.
        same_classes: Whether the classes have the same names, in the same order.
    """

    variables: PyTree
    workdir: Path
    step: int
    averaged: bool
    same_classes: bool

    @property
    def described(self) -> str:
        """What they are, in a few words."""
        what = "the moving average" if self.averaged else "the parameters"
        others = "" if self.same_classes else ", whose classes are other ones or in another order"
        return f"{what} of step {self.step} of {self.workdir}{others}"

    def put_into(self, state: TrainState) -> TrainState:
        """A first state with these weights: they are its parameters, and start its average."""
        average = state.average
        if jax.tree.leaves(average):
            average = jax.tree.map(jnp.copy, self.variables["params"])
        return replace(state, variables=self.variables, average=average)


def initial_weights(
    other: Path, like: TrainState, config: ConfigDict, devices: Devices
) -> InitialWeights:
    """The weights of another run's latest checkpoint: those that sampling would use.

    If it has a moving average of the parameters, that is taken for the parameters.

    Args:
        other: The other run's workdir, or the name of a packaged model.
        like: The (abstract) first state of the new run.
        config: The new run's config.
        devices: The new run's devices.

    Raises:
        UserError: If there is no such checkpoint, or its arrays are not those of `like`.
    """
    theirs = stored_config(other, "latest")
    average_decay = theirs.optimizer.average_decay
    model = build_model(theirs, optax.constant_schedule(0.0))
    there = abstract_state(model, devices, average_decay)
    titles = (f"--init_from {other}: a {theirs.model.name}", f"this {config.model.name}")
    _check_same(there.variables, like.variables, titles)
    trained = load_trained(theirs, other, "latest", devices)
    same_classes = theirs.data.classes == config.data.classes
    return InitialWeights(trained.variables, other, trained.step, bool(average_decay), same_classes)


def record_initial_weights(workdir: Path, weights: InitialWeights | None) -> None:
    """Writes where a new run's first weights come from; None for a start from scratch."""
    path = workdir / FILE
    if not is_first():
        return
    path.unlink(missing_ok=True)  # of a run that ended before its first checkpoint
    if weights is not None:
        about = {
            "workdir": str(weights.workdir),
            "step": weights.step,
            "averaged": weights.averaged,
        }
        with draft(path) as scratch:
            scratch.write_text(strict_json.dumps(about, indent=2) + "\n", encoding="utf-8")


def _check_same(theirs: PyTree, ours: PyTree, titles: tuple[str, str]) -> None:
    """Checks that both have arrays of the same names and shapes.

    Raises:
        UserError: If not; names the arrays.
    """
    there, here = (
        {path: leaf.shape for path, leaf in flatten_dict(tree, sep="/").items()}
        for tree in (theirs, ours)
    )
    other_shape = [p for p in here if p in there and there[p] != here[p]]
    differences = {
        "it lacks": [p for p in here if p not in there],
        f"{titles[1]} has no place for": [p for p in there if p not in here],
        "of another shape are": [f"{p}, {there[p]} there and {here[p]} here" for p in other_shape],
    }
    told = [f"{what} {_named(names)}" for what, names in differences.items() if names]
    if told:
        raise UserError(
            f"{titles[0]} whose weights do not fit {titles[1]}: {'; '.join(told)}. Train with its "
            "numbers in config.model, or start from another model."
        )


def _named(names: Collection[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{len(names)} array{'s'[: len(names) > 1]}: {', '.join(list(names)[:SHOWN])}{more}"
