"""A GAN that implements `Model` alone: two optimisers, running statistics, no likelihood."""

import runpy
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from fullglow_jax.model_registry import FAMILIES, Family, settings_of
from fullglow_jax.models.interface import StepReport, TrainState
from fullglow_jax.models.shapes import Shapes
from fullglow_jax.settings.rules import integer, number
from fullglow_jax.settings.section import Change, key

NAME = "toy_gan"


class Generator(nn.Module):
    """(condition, noise) → (image in [0, 1], what features of each example are like)."""

    width: int

    @nn.compact
    def __call__(self, condition, noise, statistics):
        features = nn.Conv(self.width, (3, 3))(jnp.concatenate([condition, noise], axis=-1))
        moments = {"mean": features.mean((1, 2)), "square": jnp.square(features).mean((1, 2))}
        variance = statistics["square"] - jnp.square(statistics["mean"])
        normal = (features - statistics["mean"]) * jax.lax.rsqrt(jnp.maximum(variance, 1e-3))
        return nn.sigmoid(nn.Conv(3, (3, 3))(nn.relu(normal))), moments


class Discriminator(nn.Module):
    """(condition, image) → how true each example looks, (B,)."""

    width: int

    @nn.compact
    def __call__(self, condition, image):
        x = nn.Conv(self.width, (4, 4), (2, 2))(jnp.concatenate([condition, image], axis=-1))
        return nn.Conv(1, (3, 3))(nn.leaky_relu(x, 0.2)).mean((1, 2, 3))


class ToyGan:
    """A conditional GAN with the hinge loss: first the discriminator's step, then the generator's.

    The generator normalises by running statistics, which are no parameters.
    """

    reads_conditions = True

    def __init__(self, settings, shapes, schedule, mean_gradient):
        self.shapes = shapes
        self.mean_gradient = mean_gradient
        self.networks = {
            "generator": Generator(settings.width),
            "discriminator": Discriminator(settings.width),
        }
        self.optimizers = {name: optax.adam(schedule, settings.momentum) for name in self.networks}

    def init(self, key, batch):
        image = jnp.zeros((1, *self.shapes.image))
        width = self.networks["generator"].width
        statistics = {"mean": jnp.zeros(width), "square": jnp.ones(width)}
        inputs = {"generator": (image, image, statistics), "discriminator": (image, image)}
        keys = dict(zip(self.networks, jax.random.split(key), strict=True))
        params = {
            name: network.init(keys[name], *inputs[name])["params"]
            for name, network in self.networks.items()
        }
        optimizer = {name: self.optimizers[name].init(params[name]) for name in params}
        return TrainState(jnp.int32(0), {"params": params, "statistics": statistics}, optimizer, ())

    def train_step(self, state, batch, key):
        keys = jax.random.split(jax.random.fold_in(key, state.step), len(batch.target))
        variables, optimizer, scalars, finite = state.variables, state.optimizer, {}, True
        for name, loss in (("discriminator", self._true_or_not), ("generator", self._not_told)):
            params = variables["params"]
            gradient, losses, moments = self.mean_gradient(
                loss, params[name], variables, batch, keys
            )
            updates, moved = self.optimizers[name].update(gradient, optimizer[name], params[name])
            params = {**params, name: optax.apply_updates(params[name], updates)}
            variables, optimizer = {**variables, "params": params}, {**optimizer, name: moved}
            scalars[f"loss/{name}"] = losses.mean()
            scalars[f"gradient_norm/{name}"] = optax.global_norm(gradient)
            finite &= jnp.isfinite(losses)
        running = jax.tree.map(
            lambda old, new: 0.9 * old + 0.1 * new.mean(0), variables["statistics"], moments
        )
        variables = {**variables, "statistics": running}
        state = replace(state, step=state.step + 1, variables=variables, optimizer=optimizer)
        return state, StepReport(scalars, finite)

    def read_conditions(self, variables, batch):
        return as_floats(batch.condition)

    def sample(self, variables, conditions, keys, temperature):
        each = len(keys) // len(conditions)
        return self._drawn(variables, jnp.repeat(conditions, each, axis=0), keys, temperature)[0]

    def _true_or_not(self, params, variables, batch, keys):
        condition = as_floats(batch.condition)
        drawn, moments = self._drawn(variables, condition, keys)
        told = [self._told(params, condition, i) for i in (as_floats(batch.target), drawn)]
        return nn.relu(1 - told[0]) + nn.relu(1 + told[1]), moments

    def _not_told(self, params, variables, batch, keys):
        condition = as_floats(batch.condition)
        mine = {**variables, "params": {**variables["params"], "generator": params}}
        drawn, moments = self._drawn(mine, condition, keys)
        return -self._told(variables["params"]["discriminator"], condition, drawn), moments

    def _drawn(self, variables, condition, keys, temperature=1.0):
        noise = jax.vmap(lambda key: jax.random.normal(key, self.shapes.image))(keys)
        params = {"params": variables["params"]["generator"]}
        given = (condition, temperature * noise, variables["statistics"])
        return self.networks["generator"].apply(params, *given)

    def _told(self, params, condition, image):
        return self.networks["discriminator"].apply({"params": params}, condition, image)


def as_floats(images):
    images = jnp.asarray(images)
    return images / 255 if images.dtype == jnp.uint8 else images


@dataclass(frozen=True)
class Settings:
    """`config.model`."""

    width: int = key(4, integer(), Change.REFUSED)  # hidden channels
    momentum: float = key(0.5, number(below=1.0))  # of both optimisers


def shapes(config):
    return Shapes(tuple(config.data.image_size))


FAMILY = Family(
    "Toy GAN",
    Settings,
    shapes,
    lambda config, schedule, mean_gradient: ToyGan(
        settings_of(config), shapes(config), schedule, mean_gradient
    ),
)


def register(set_item):
    """The line in model_registry.py, made for a while.

    Args:
        set_item: (dictionary, key, value) → None, such as `monkeypatch.setitem`.
    """
    set_item(FAMILIES, NAME, FAMILY)


if __name__ == "__main__":  # python toy_gan.py SCRIPT ARGUMENTS…: a command that knows the model
    register(dict.__setitem__)
    sys.argv.pop(0)
    sys.path.insert(0, str(Path(sys.argv[0]).parent))
    runpy.run_path(sys.argv[0], run_name="__main__")
