import optax
import pytest

from fullglow_jax.config import default_config
from fullglow_jax.errors import UserError
from fullglow_jax.flows.architecture import FullGlowArchitecture
from fullglow_jax.flows.model import FlowModel
from fullglow_jax.model_registry import build_architecture, build_model


def test_the_defaults_are_the_papers():
    assert build_architecture(default_config()) == FullGlowArchitecture((256, 256), (8, 8, 8, 8))


def test_every_number_reaches_the_model():
    config = default_config("full_glow")
    config.data.image_size = (20, 40)
    config.data.bits = 5
    config.data.boundary = "ceil"
    config.model.update(
        steps=(2, 3),
        lu=False,
        coupling_width=16,
        spatial_width=8,
        memory_mode="invert",
        precision="bfloat16",
        tile=64,
        actnorm_floor=0.1,
        coupling_floor=0.2,
        source_weight=0.5,
    )
    model = build_model(config, optax.constant_schedule(1e-3))
    numbers = {key: value for key, value in config.model.items() if key != "name"}
    assert model.shapes == FullGlowArchitecture((20, 40), boundary_maps="ceil", **numbers)
    assert (model.bits, model.source_weight) == (5, 0.5)


def test_a_list_of_numbers_is_as_good_as_a_tuple():
    config = default_config()
    config.model.steps = [2, 3]
    assert build_architecture(config).steps == (2, 3)


def test_a_misspelt_model_is_answered_with_the_nearest():
    config = default_config()
    config.model.name = "fullglow"
    with pytest.raises(UserError, match=r"'fullglow'.*did you mean 'full_glow'"):
        build_model(config, optax.constant_schedule(1e-3))


def glow_config():
    config = default_config("glow")
    config.data.name = "images"
    return config


def test_a_glow_of_single_images():
    config = glow_config()
    config.data.bits = 5
    config.data.image_size = (64, 64)
    config.model.steps = (2, 2, 2, 2, 2, 2)  # the last of 1×1
    model = build_model(config, optax.constant_schedule(1e-3))
    assert isinstance(model, FlowModel)
    assert model.bits == 5
    config.model.steps = (2,) * 7
    with pytest.raises(UserError, match=r"the smallest level has 1 pixel\. .* use 6 levels"):
        build_model(config, optax.constant_schedule(1e-3))


@pytest.mark.parametrize("family", ["glow", "pspnet"])
def test_boundary_maps_are_a_full_glows(family):
    config = default_config(family)
    config.data.boundary = "smooth"
    with pytest.raises(UserError, match=f"means nothing to a {family}"):
        build_architecture(config)


def test_a_full_glow_needs_conditions():
    config = default_config("full_glow")
    config.data.name = "images"
    with pytest.raises(UserError, match=r"Set --config\.model\.name=glow"):
        build_architecture(config)
