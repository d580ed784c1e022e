"""Pictures during training: samples, and true images with their re-draws beside them."""

import jax
import numpy as np
import optax
import pytest

from fullglow_jax.config import default_config
from fullglow_jax.errors import UserError
from fullglow_jax.model_registry import build_model
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.pictures.grid import GAP, HEADER
from fullglow_jax.training.pictures import SampleGrids
from tests.test_loaded_model import IMAGES, SIZE, trained


@pytest.fixture(autouse=True, scope="module")
def _compiled_sooner():
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


def grids(config, model, **train):
    pairs = [{"condition": image, "target": image, "name": "a"} for image in IMAGES[:2]]
    config = config.copy_and_resolve_references()
    config.train.update(train)
    return SampleGrids(config, model, pairs, Devices(), jax.random.key(0))


def cells(picture, zoom):
    """(rows, columns, H, W, 3)."""
    height, width = (zoom * length + GAP for length in SIZE)
    inside = picture[HEADER + GAP :, GAP:]
    cut = inside.reshape(len(inside) // height, height, -1, width, 3).swapaxes(1, 2)
    return cut[:, :, : height - GAP : zoom, : width - GAP : zoom].astype(int)


def test_the_six_columns_of_a_glow():
    config, (model, variables, _) = trained("glow")
    asked = {"sample_redraws": True, "sample_conditions": 2, "samples_per_condition": 1}
    found = cells(grids(config, model, **asked)(variables), zoom=160 // SIZE[1])
    assert found.shape[:2] == (2, 6)
    # With one level, there is nothing to draw anew: all of an image is its coarsest latent.
    for column in range(4):
        np.testing.assert_allclose(found[:, column], IMAGES[:2], atol=1)
    full, cool = found[:, 4], found[:, 5]
    assert np.abs(full - IMAGES[:2]).max() > 50
    assert np.abs(full - cool).max() > 5
    plain = cells(grids(config, model, **asked | {"sample_redraws": False})(variables), zoom=13)
    np.testing.assert_array_equal(plain[:, 0], cool)


def test_one_temperature_is_drawn_once():
    config, (model, _, _) = trained("glow")
    drawn = grids(config, model, sample_redraws=True, temperature=1.0)
    assert drawn.temperatures == [1.0]


def test_a_model_without_latents_has_no_redraws():
    config = default_config("pspnet")
    config.data.update(image_size=(16, 16), direction="photo2label")
    model = build_model(config, optax.constant_schedule(0.0))
    with pytest.raises(UserError, match=r"sample_redraws=True: .* a pspnet, cannot encode images"):
        grids(config, model, sample_redraws=True)
