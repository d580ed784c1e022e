import optax
import pytest

from fullglow_jax.config import default_config
from fullglow_jax.errors import UserError
from fullglow_jax.models import Architecture, build_architecture, build_model
from fullglow_jax.models.unconditional_flow import UnconditionalFlow


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


def glow_config():
    config = default_config()
    config.model.name = "glow"
    config.data.name = "images"
    return config


def test_a_glow_of_single_images():
    config = glow_config()
    config.data.bits = 5
    config.data.image_size = (64, 64)
    config.model.steps = (2, 2, 2, 2, 2, 2)  # the last of 1×1
    model = build_model(config, optax.constant_schedule(1e-3))
    assert isinstance(model, UnconditionalFlow)
    assert model.bits == 5
    config.model.steps = (2,) * 7
    with pytest.raises(UserError, match=r"the smallest level has 1 pixel\. .* use 6 levels"):
        build_model(config, optax.constant_schedule(1e-3))


def test_a_glow_reads_no_condition():
    config = glow_config()
    config.model.condition = "source+boundary"
    with pytest.raises(UserError, match="means nothing to a glow"):
        build_architecture(config)


def test_a_full_glow_needs_conditions():
    config = glow_config()
    config.model.name = "full_glow"
    with pytest.raises(UserError, match=r"Set --config\.model\.name=glow"):
        build_architecture(config)
