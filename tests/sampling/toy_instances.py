"""A model that paints each instance in the colour that its style says: nothing is learnt."""

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp

from fullglow_jax.model_registry import FAMILIES, Family, settings_of
from fullglow_jax.models.annotations import Annotations
from fullglow_jax.models.interface import ABSENT, StepReport, Styles, TrainState
from fullglow_jax.models.shapes import Shapes
from fullglow_jax.settings.rules import choice, integer, truth
from fullglow_jax.settings.section import key

NAME = "toy_instances"
NOISE = 3
SURE = 0.01
"""The deviation of styles that the encoder reads."""


@dataclass(frozen=True)
class Settings:
    """`config.model`."""

    palette: str = key("cityscapes", choice(("cityscapes", "numbers")))
    classes: int = key(35, integer())
    instances: int = key(16, integer(0))
    encoder: bool = key(True, truth())


@dataclass(frozen=True)
class ToyShapes(Shapes):
    instances: int = 0

    @property
    def annotations(self):
        return Annotations(instances=self.instances)


class ToyInstances:
    """The colour of a pixel is σ(its instance's first style + a little of the image's noise)."""

    reads_conditions = True

    def __init__(self, settings, shapes):
        self.shapes, self.settings = shapes, settings

    def init(self, key, batch):
        del key, batch
        return TrainState(jnp.int32(0), {"params": {"unused": jnp.zeros(())}}, ())

    def train_step(self, state, batch, key):
        del key
        report = StepReport({"loss": jnp.zeros(())}, jnp.ones(len(batch.target), bool))
        return replace(state, step=state.step + 1), report

    def instance_ids(self, batch):
        if batch.instances is not None:
            return batch.instances
        return jnp.asarray(batch.condition, jnp.int32)[..., 2]  # a class's blue is its id

    def read_conditions(self, variables, batch):
        del variables
        return self.instance_ids(batch)

    def draw_styles(self, variables, conditions, keys, temperature):
        del variables
        ids = jnp.repeat(sorted_ids(conditions), len(keys) // len(conditions), axis=0)

        def noise(key, ids):
            of = jax.vmap(lambda id_: jax.random.normal(jax.random.fold_in(key, id_), (2, NOISE)))
            return temperature * jax.random.normal(key, (NOISE,)), temperature * of(ids)

        image, instances = jax.vmap(noise)(keys, ids)
        return Styles(image, ids, instances)

    def sample_styled(self, variables, conditions, styles):
        del variables
        maps = jnp.repeat(conditions, len(styles.ids) // len(conditions), axis=0)

        def painted(ids, image, own, style):
            return jax.nn.sigmoid(style[jnp.searchsorted(own, ids), 0] + 0.1 * image)

        return jax.vmap(painted)(maps, styles.image, styles.ids, styles.instances)

    def sample(self, variables, conditions, keys, temperature):
        styles = self.draw_styles(variables, conditions, keys, temperature)
        return self.sample_styled(variables, conditions, styles)

    def read_styles(self, variables, batch):
        del variables
        if not self.settings.encoder:
            return None
        maps = self.instance_ids(batch)
        target = jnp.asarray(batch.target)
        colours = target / 255 if target.dtype == jnp.uint8 else target
        ids = sorted_ids(maps)

        def mean(ids, own, colours):
            inside = ids[None] == own[:, None, None]
            total = jnp.einsum("nhw,hwc->nc", inside, colours)
            return total / jnp.maximum(inside.sum((1, 2)), 1)[:, None]

        means = jnp.clip(jax.vmap(mean)(maps, ids, colours), 0.01, 0.99)
        rows = jnp.stack([jnp.log(means / (1 - means)), jnp.zeros_like(means)], axis=2)
        image = jnp.zeros((len(maps), NOISE))
        mean = Styles(image, ids, rows)
        return mean, Styles(image + 1, ids, jnp.full_like(rows, SURE))


def sorted_ids(maps):
    """(B, H, W) → (B, N)."""
    return jax.vmap(lambda ids: jnp.unique(ids, size=16, fill_value=ABSENT))(maps)


def shapes(config):
    return ToyShapes(tuple(config.data.image_size), instances=config.model.instances)


FAMILY = Family(
    "Toy",
    Settings,
    shapes,
    lambda config, schedule, mean_gradient: ToyInstances(settings_of(config), shapes(config)),
)


def register(set_item):
    """The line in model_registry.py, made for a while; see `tests.training.toy_gan`."""
    set_item(FAMILIES, NAME, FAMILY)
