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

from fullglow_jax.config.changes import told
from fullglow_jax.config.keys import flat, keys
from fullglow_jax.errors import UserError, with_article
from fullglow_jax.files import strict_json
from fullglow_jax.files.drafts import draft
from fullglow_jax.model_registry import build_model
from fullglow_jax.models.interface import PyTree, TrainState
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.parallel.distributed import is_first
from fullglow_jax.runs.trained import abstract_state, load_trained, stored_config
from fullglow_jax.settings.section import Change

INIT_FROM = "init_from.json"
"""The file of a workdir that says where its first weights came from."""

SHOWN = 3
"""Number of arrays of each kind that a message names."""

DATA = ("data.image_size", "data.boundary", "data.labels", "data.classes", "data.bits")
"""Keys of the data that say what a model's weights are for, or how many they are."""


class InitialWeights(NamedTuple):
    """The weights.

    Attributes:
        variables: All of the model's variables.
        workdir: The other run.
        step: The step of its checkpoint.
        other_data: How the data that they learnt from differs, in words; "" if it does not.
    """

    variables: PyTree
    workdir: Path
    step: int
    other_data: str

    @property
    def described(self) -> str:
        """What they are, in a few words."""
        others = f", where {self.other_data}" if self.other_data else ""
        return f"the weights of step {self.step} of {self.workdir}{others}"

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
        UserError: If there is no such checkpoint, its arrays are not those of `like`, or its model
            computes something else with them.
    """
    theirs = stored_config(other, "latest")
    model = build_model(theirs, optax.constant_schedule(0.0))
    there = abstract_state(model, devices)
    titles = (
        f"--init_from {other}: {with_article(theirs.model.name)}",
        f"this {config.model.name}",
    )
    differences = _differences(theirs, config)
    _check_same_arrays(there.variables, like.variables, titles, differences)
    if functions := _differences(theirs, config, data=()):
        raise UserError(
            f"{titles[0]} whose weights mean something else to {titles[1]}: {functions}. Train "
            "with its values, or start from another model."
        )
    trained = load_trained(theirs, other, "latest", devices)
    return InitialWeights(trained.variables, other, trained.step, differences)


def record_initial_weights(workdir: Path, weights: InitialWeights | None) -> None:
    """Writes where a new run's first weights come from; None for a start from scratch."""
    path = workdir / INIT_FROM
    if not is_first():
        return
    path.unlink(missing_ok=True)  # of a run that ended before its first checkpoint
    if weights is not None:
        about = {"workdir": str(weights.workdir), "step": weights.step}
        with draft(path) as scratch:
            scratch.write_text(strict_json.dumps(about, indent=2) + "\n", encoding="utf-8")


def _differences(theirs: ConfigDict, ours: ConfigDict, data: Collection[str] = DATA) -> str:
    """The keys of the model, and these of its data, that change what its weights are for."""
    there, here = flat(theirs), flat(ours)
    model = [
        name
        for name, key in keys(ours.model.name).items()
        if name.startswith("model.") and key.change is Change.REFUSED
    ]
    return "; ".join(
        f"config.{name} is {told(there[name])} there and {told(here[name])} here"
        for name in (*model, *data)
        if name in there and there[name] != here[name]
    )


def _check_same_arrays(theirs: PyTree, ours: PyTree, titles: tuple[str, str], configs: str) -> None:
    """Checks that both have arrays of the same names and shapes.

    Raises:
        UserError: If not; names the arrays, and the keys that they come from.
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
    found = [f"{what} {_named(names)}" for what, names in differences.items() if names]
    if found:
        raise UserError(
            f"{titles[0]} whose weights do not fit {titles[1]}: {'; '.join(found)}. "
            f"{configs or 'The configs are alike'}. Train with its values, or start from another "
            "model."
        )


def _named(names: Collection[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{len(names)} array{'s'[: len(names) > 1]}: {', '.join(list(names)[:SHOWN])}{more}"
