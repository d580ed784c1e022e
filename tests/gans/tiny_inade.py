"""An INADE of a few thousand parameters, and a batch for it."""

from contextlib import contextmanager

import jax
import numpy as np
import optax
import pytest

from fullglow_jax.gans.generators import instance_encoder
from fullglow_jax.gans.generators.modulated import ModulatedGenerator
from fullglow_jax.gans.inade_architecture import InadeArchitecture
from fullglow_jax.gans.instance_model import InstanceGan
from fullglow_jax.gans.learner import Optimizers
from fullglow_jax.gans.model import Turns
from fullglow_jax.gans.noise import normal_styles
from fullglow_jax.gans.objective import Objective
from fullglow_jax.models.batch import Batch
from fullglow_jax.palette import numbered_colours
from tests.layers.variables import quick_jit, random_variables

SIZE = (32, 64)
A = InadeArchitecture(
    SIZE,
    batch=4,
    palette="numbers",
    classes=3,
    unknown=True,
    instances=4,
    width=2,
    image_noise=3,
    style=2,
    encoder_width=2,
    discriminator_width=2,
    discriminator_layers=1,
    matching_layers=(0.0, 1.0),
    perceptual_weight=0.0,
)
KEY = jax.random.key(5)
KL = 0.3
"""Weight of an example's divergence."""


@contextmanager
def shallow():
    """Networks of some of their layers, which compile in a third of the time.

    The whole ones are held against recorded values in tests/interop.
    """
    every = vars(ModulatedGenerator)["blocks"].fget
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            ModulatedGenerator, "blocks", property(lambda g: (every(g)[0], *every(g)[-2:]))
        )
        patch.setattr(instance_encoder, "DOWNS", instance_encoder.DOWNS[:2])
        patch.setattr(instance_encoder, "UPS", instance_encoder.UPS[-2:])
        yield


def batch_of(count=4):
    """Three columns, of two classes and of the instances 7, 70000 and 70001, moved by example."""
    rng = np.random.default_rng(1)
    classes, ids = np.repeat([0, 1, 1], 22)[:64], np.repeat([7, 70000, 70001], 22)[:64]
    maps = [[np.roll(line, 5 * n) for n in range(count)] for line in (classes, ids)]
    of_size = np.broadcast_to(np.array(maps, np.int32)[:, :, np.newaxis], (2, count, *SIZE))
    classes, ids = of_size
    photos = rng.integers(0, 256, (count, *SIZE, 3), np.uint8)
    return Batch(numbered_colours()[classes], photos, instances=ids)


def inade(a=A, optimizer=None, objective=None, **options):
    optimizer = optimizer or optax.sgd(0.1)
    return InstanceGan(
        a.generator,
        a.discriminator_network,
        a,
        label_maps=a.label_maps,
        image_noise=a.image_noise,
        encoder=a.encoder,
        noise=lambda keys, t, read: normal_styles(keys, read.ids, a.noise_sizes, t),
        objective=objective
        or Objective(
            a.adversarial,
            share=1.0,
            pixels=0.0,
            matching=a.matching_weight,
            matching_layers=a.matching_layers,
            own={"kl": KL} if a.encoder else {},
        ),
        optimizers=Optimizers(optimizer, optimizer),
        **{
            "turns": Turns(discriminator_first=False, redraw=True),
            "together": True,
            "running_statistics": True,
            **options,
        },
    )


def state_of(model, dtype=np.float32):
    """Of random weights, running statistics of ones, and spectral vectors of equal entries."""
    batch = batch_of(1)
    batch = Batch(batch.condition, batch.target.astype(dtype) / 255, instances=batch.instances)
    scene, beside = model.reading.training(batch), model.reading.discriminator(batch)
    noise = model.noise(jax.random.split(jax.random.key(0), 1), 1.0, scene)

    def randomly(network, *inputs):
        found = random_variables(network, *inputs, dtype=dtype)
        statistics = jax.tree.map(np.ones_like, found.get("statistics", {}))
        vectors = jax.tree.map(lambda x: np.full_like(x, len(x) ** -0.5), found["spectral"])
        return {**found, "statistics": statistics, "spectral": vectors}

    critic = ()
    if model.discriminator:
        critic = randomly(model.discriminator, beside, batch.target)
        del critic["statistics"]
    return model.first_state(randomly(model.generator, scene, noise), critic)


def stepped(model, state, batch=None):
    """(the state after a step, its report)."""
    return jax.device_get(quick_jit(model.train_step)(state, batch or batch_of(), KEY))
