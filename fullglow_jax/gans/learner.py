"""The two networks of a GAN in training, and the state that holds both."""

from dataclasses import dataclass, replace

import jax.numpy as jnp
import optax

from fullglow_jax.models.interface import PyTree, TrainState

GENERATOR, DISCRIMINATOR = "generator", "discriminator"


@dataclass(frozen=True)
class Optimizers:
    """The optimisers of both networks, each with a state of its own."""

    generator: optax.GradientTransformation
    discriminator: optax.GradientTransformation


@dataclass(frozen=True)
class Learner:
    """A network in training.

    Attributes:
        params: Its parameters.
        moving: Its collections that forward passes change.
        optimizer: Its optimiser's state.
    """

    params: PyTree
    moving: PyTree
    optimizer: PyTree

    @property
    def variables(self) -> PyTree:
        """All of its variables."""
        return {"params": self.params, **self.moving}

    def moved(self, optimizer: optax.GradientTransformation, gradient: PyTree) -> "Learner":
        """The network after a step of its optimiser."""
        updates, state = optimizer.update(gradient, self.optimizer, self.params)
        return replace(self, params=optax.apply_updates(self.params, updates), optimizer=state)


def generator_of(variables: PyTree) -> PyTree:
    """The generator's variables, of the model's."""
    return {collection: tree[GENERATOR] for collection, tree in variables.items()}


def first_state(generator: PyTree, critic: PyTree, optimizers: Optimizers) -> TrainState:
    """The state before training, from the variables of both networks; () for none."""
    optimizer = {GENERATOR: optimizers.generator.init(generator["params"])}
    if critic:
        optimizer[DISCRIMINATOR] = optimizers.discriminator.init(critic["params"])
    return TrainState(jnp.zeros((), jnp.int32), _of_model(generator), optimizer, critic=critic)


def learners(state: TrainState) -> tuple[Learner, Learner]:
    """The generator and the discriminator of a state; the second is empty if there is none."""
    critic = state.critic or {"params": ()}
    return (
        _learner(generator_of(state.variables), state.optimizer[GENERATOR]),
        _learner(critic, state.optimizer.get(DISCRIMINATOR, ())),
    )


def next_state(state: TrainState, generator: Learner, critic: Learner) -> TrainState:
    """The state after a step, from the one before and from both networks after it."""
    optimizer = {GENERATOR: generator.optimizer}
    if state.critic:
        optimizer[DISCRIMINATOR] = critic.optimizer
    return replace(
        state,
        step=state.step + 1,
        variables=_of_model(generator.variables),
        optimizer=optimizer,
        critic=critic.variables if state.critic else (),
    )


def _of_model(generator: PyTree) -> PyTree:
    return {collection: {GENERATOR: tree} for collection, tree in generator.items()}


def _learner(variables: PyTree, optimizer: PyTree) -> Learner:
    moving = {name: tree for name, tree in variables.items() if name != "params"}
    return Learner(variables["params"], moving, optimizer)
