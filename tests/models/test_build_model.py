import optax
import pytest

from fullglow_jax.config import default_config
from fullglow_jax.errors import UserError
from fullglow_jax.models import Architecture, build_architecture, build_model


def test_the_defaults_are_the_papers():
    assert build_architecture(default_config()) == Architecture((256, 256), (8, 8, 8, 8))


def test_every_number_reaches_the_model():
    config = default_config()
    config.data.image_size = (20, 40)
    config.data.bits = 5
    config.model.steps = (2, 3)
    config.model.lu = False
    config.model.condition = "source+boundary_ceil"
    config.model.coupling_width = 16
    config.model.spatial_width = 8
    config.model.memory_mode = "invert"
    config.model.precision = "bfloat16"
    config.model.tile = 64
    config.optimizer.source_weight = 0.5
    model = build_model(config, optax.constant_schedule(1e-3))
    assert model.architecture == Architecture(
        image_size=(20, 40),
        steps=(2, 3),
        lu=False,
        condition="source+boundary_ceil",
        coupling_width=16,
        spatial_width=8,
        memory_mode="invert",
        precision="bfloat16",
        tile=64,
    )
    assert (model.bits, model.source_weight) == (5, 0.5)


def test_a_misspelt_model_is_answered_with_the_nearest():
    config = default_config()
    config.model.name = "fullglow"
    with pytest.raises(UserError, match=r"'fullglow'.*did you mean 'full_glow'"):
        build_model(config, optax.constant_schedule(1e-3))
