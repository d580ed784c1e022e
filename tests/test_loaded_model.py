from functools import cache
from types import SimpleNamespace

import jax
import numpy as np
import optax
import pytest

from fullglow_jax.config import default_config
from fullglow_jax.data.pipeline import HostBatch
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.example_scores import ExampleScores
from fullglow_jax.loaded_model import LoadedModel
from fullglow_jax.model_registry import build_architecture, build_model
from fullglow_jax.models.batch import Batch
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.runs.trained import Trained
from fullglow_jax.sampling.operations import Operations
from tests.flows.test_full_glow import random_model
from tests.flows.test_glow import of_source
from tests.layers.variables import quick_jit

SIZE = (10, 12)


@pytest.fixture(autouse=True, scope="module")
def _compiled_sooner():
    """Compiling is most of the work here."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


def tiny(name="full_glow"):
    config = default_config(name)
    config.data.image_size = SIZE
    config.model.update(steps=(1,), coupling_width=6)
    if name == "full_glow":
        config.model.spatial_width = 4
    return config


@cache
def trained(name="full_glow", boundary="", bits=8):
    """A tiny model with random variables, and its config."""
    config = tiny(name)
    config.data.bits, config.data.boundary = bits, boundary
    both = name == "full_glow"
    architecture = build_architecture(config if both else tiny())
    variables = random_model(architecture, np.float32) if both else of_source(architecture)
    variables = jax.tree.map(np.float32, variables)
    return config, Trained(build_model(config, optax.constant_schedule(0.0)), variables, 3)


@cache
def loaded(name="full_glow", boundary="", batch_size=2, bits=8):
    config, model = trained(name, boundary, bits)
    return LoadedModel(config, Operations(model, name, Devices(), batch_size))


@cache
def pixels(seed, count=3):
    return np.random.default_rng(seed).integers(0, 256, (count, *SIZE, 3), np.uint8)


CONDITIONS, IMAGES, OTHERS = map(pixels, range(3))


def assert_images(images, *leading):
    assert isinstance(images, np.ndarray)
    assert images.dtype == np.float32
    assert images.shape == (*leading, *SIZE, 3)
    assert images.min() >= 0
    assert images.max() <= 1


def test_what_is_known_of_it():
    model = loaded()
    assert (model.step, model.image_size, model.latent_shapes) == (3, SIZE, ((5, 6, 12),))
    assert model.reads_conditions
    assert not model.reads_boundaries


# --- Sampling -------------------------------------------------------------------------------------


def test_samples_of_a_seed_whatever_the_batch_size():
    images = loaded().sample(CONDITIONS, samples=2, seed=5)
    assert_images(images, 3, 2)
    assert (np.abs(images[:, 0] - images[:, 1]).max((1, 2, 3)) > 0.01).all()
    again = loaded(batch_size=5).sample(CONDITIONS, samples=2, seed=5)
    np.testing.assert_allclose(again, images, atol=1e-5)
    np.testing.assert_array_equal(loaded().sample(CONDITIONS, samples=2, seed=5), images)
    assert np.abs(loaded().sample(CONDITIONS, samples=2, seed=6) - images).max() > 0.01


def test_temperature_scales_the_noise():
    cold, warm = (loaded().sample(CONDITIONS, samples=2, temperature=t, seed=5) for t in (0.0, 0.7))
    np.testing.assert_allclose(cold[:, 0], cold[:, 1], atol=1e-5)
    assert np.abs(cold - warm).max() > 0.01


def test_conditions_from_nothing_are_other_for_every_seed_place_and_image():
    model = loaded()
    drawn = model.sample_conditions(3, seed=5)
    assert_images(drawn, 3)
    assert np.abs(drawn[0] - drawn[1]).max() > 0.01
    assert np.abs(model.sample_conditions(3, seed=6) - drawn).max() > 0.01
    again = loaded(batch_size=5).sample_conditions(3, seed=5)
    np.testing.assert_allclose(again, drawn, atol=1e-5)
    still = model.sample_conditions(2, temperature=0)
    np.testing.assert_allclose(still[0], still[1], atol=1e-5)


# --- Latents --------------------------------------------------------------------------------------


def test_decoding_undoes_encoding_in_any_number():
    model = loaded()
    latents = model.encode(IMAGES, CONDITIONS)
    assert [level.shape for level in latents] == [(3, *shape) for shape in model.latent_shapes]
    images = model.decode(latents, CONDITIONS)
    assert_images(images, 3)
    np.testing.assert_allclose(images, IMAGES / 255, atol=1e-4)
    np.testing.assert_array_equal(model.reconstruct(IMAGES, CONDITIONS), images)
    alone = model.encode(IMAGES[2:], CONDITIONS[2:])
    np.testing.assert_allclose(alone[0], latents[0][2:], atol=1e-5)


def test_bytes_and_floats_are_the_same_images():
    latents = loaded().encode(IMAGES, CONDITIONS)
    floats = loaded().encode(IMAGES / 255, CONDITIONS / np.float32(255))
    np.testing.assert_allclose(floats[0], latents[0], atol=1e-5)


def test_transfer_onto_its_own_condition_gives_the_image_back():
    model = loaded()
    np.testing.assert_allclose(
        model.transfer(IMAGES, CONDITIONS, onto=CONDITIONS), IMAGES / 255, atol=1e-4
    )
    moved = model.transfer(IMAGES, CONDITIONS, onto=OTHERS)
    assert_images(moved, 3)
    assert np.abs(moved - IMAGES / 255).max() > 0.01
    latents = model.encode(IMAGES, CONDITIONS)
    np.testing.assert_array_equal(moved, model.decode(latents, OTHERS))


# --- Likelihood -----------------------------------------------------------------------------------


def test_log_prob_is_the_density_of_the_images_as_they_are():
    _, model = trained()
    pair = (np.float32(CONDITIONS / 255), np.float32(IMAGES / 255))
    _, target = quick_jit(model.model.network.apply)(model.variables, pair)
    expected = (target.log_prior + target.log_det).sum(-1)
    log_prob = loaded().log_prob(IMAGES, CONDITIONS)
    assert log_prob.shape == (3,)
    np.testing.assert_allclose(log_prob, expected, rtol=1e-4)


def test_bits_per_dim_are_those_of_an_evaluation():
    _, model = trained()
    batch = HostBatch(Batch(CONDITIONS, IMAGES), ["a", "b", "c"], np.ones(3, bool))
    score = ExampleScores(model.model.bits_per_dim, Devices())
    expected = score(model.variables, [batch], jax.random.key(4))
    bits = loaded().bits_per_dim(IMAGES, CONDITIONS, seed=4)
    assert bits.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(bits[name], values[0], rtol=1e-4, err_msg=name)


# --- Other models ---------------------------------------------------------------------------------


def test_boundaries():
    model = loaded(boundary="smooth")
    assert model.reads_boundaries
    edges = np.where(pixels(3) > 127, np.uint8(255), np.uint8(0))
    latents = model.encode(IMAGES, CONDITIONS, boundaries=edges)
    images = model.decode(latents, CONDITIONS, boundaries=edges / 255)
    np.testing.assert_allclose(images, IMAGES / 255, atol=1e-4)
    moved = model.transfer(IMAGES, CONDITIONS, OTHERS, boundaries=edges, onto_boundaries=0 * edges)
    assert np.abs(moved - images).max() > 0.01
    assert_images(model.sample(CONDITIONS, boundaries=edges), 3, 1)
    with pytest.raises(UserError, match="boundaries are missing"):
        model.sample(CONDITIONS)
    with pytest.raises(UserError, match="2 boundaries for 3 conditions"):
        model.sample(CONDITIONS, boundaries=edges[:2])


def test_a_model_without_conditions():
    model = loaded("glow")
    assert not model.reads_conditions
    assert_images(model.sample(samples=3), 1, 3)
    np.testing.assert_allclose(model.reconstruct(IMAGES), IMAGES / 255, atol=1e-4)
    assert model.log_prob(IMAGES).shape == model.bits_per_dim(IMAGES)["image"].shape == (3,)
    for refused in (
        lambda: model.sample(CONDITIONS),
        lambda: model.encode(IMAGES, CONDITIONS),
        lambda: model.transfer(IMAGES, CONDITIONS, OTHERS),
    ):
        with pytest.raises(UserError, match="a glow, reads no conditions"):
            refused()
    with pytest.raises(UserError, match="a glow draws no conditions"):
        model.sample_conditions()
    with pytest.raises(UserError, match="label is given, and this model, a glow, reads no class"):
        model.sample(label="cat")


def test_a_model_without_latents():
    config, model = trained()
    alone = SimpleNamespace(reads_conditions=True, shapes=model.model.shapes)
    gan = LoadedModel(config, Operations(model._replace(model=alone), "gan", Devices(), 2))
    for call, lack in (
        (lambda: gan.encode(IMAGES, CONDITIONS), "a gan cannot encode images"),
        (lambda: gan.transfer(IMAGES, CONDITIONS, OTHERS), "a gan cannot encode images"),
        (lambda: gan.bits_per_dim(IMAGES, CONDITIONS), "a gan has no likelihood of images"),
        (lambda: gan.sample_conditions(), "a gan draws no conditions"),
    ):
        with pytest.raises(UserError, match=lack):
            call()


def test_conditions_that_are_not_read_are_not_drawn_from():
    operations = loaded("glow")._operations
    for call, lack in (
        (lambda batch: list(operations.draw(batch, 1, 0.7, 0)), "no conditions"),
        (lambda batch: operations.transfer(batch, batch), "neither conditions nor classes"),
    ):
        with pytest.raises(UserError, match=f"a glow reads {lack}"):
            call(Batch(CONDITIONS, IMAGES))


# --- What is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.sample(), "conditions are missing"),
        (lambda m: m.sample(CONDITIONS[0]), r"conditions have .*; a single image is IMAGE\[None\]"),
        (lambda m: m.sample(CONDITIONS[:, 1:]), r"\(3, 9, 12, 3\), not \(N, 10, 12, 3\)"),
        (lambda m: m.sample(CONDITIONS[:0]), r"\(0, 10, 12, 3\)"),
        (lambda m: m.sample(CONDITIONS.astype(int)), "conditions are int64, neither uint8 nor"),
        (lambda m: m.sample(CONDITIONS * 1.0), r"floats from 0 to 255, where \[0, 1\]"),
        (lambda m: m.sample(np.full((1, *SIZE, 3), np.nan)), "floats from nan to nan"),
        (lambda m: m.sample(CONDITIONS, boundaries=CONDITIONS), "boundaries are given"),
        (lambda m: m.sample(CONDITIONS, samples=0), "samples=0 must be an integer from 1"),
        (lambda m: m.sample(CONDITIONS, temperature=-1), "temperature=-1 must be a finite number"),
        (lambda m: m.sample(CONDITIONS, temperature=np.nan), "temperature=nan must be"),
        (lambda m: m.sample(CONDITIONS, seed=2**32), "seed=4294967296 must be"),
        (lambda m: m.bits_per_dim(IMAGES, CONDITIONS, seed=-1), "seed=-1 must be"),
        (lambda m: m.encode(IMAGES, CONDITIONS[:2]), "2 conditions for 3 images"),
        (lambda m: m.encode(IMAGES[..., :1], CONDITIONS), r"images have the shape \(3, 10, 12, 1"),
        (lambda m: m.transfer(IMAGES, CONDITIONS, OTHERS[:1]), "1 onto for 3 images"),
        (lambda m: m.decode([np.zeros((3, 5, 6, 6))], CONDITIONS), r"not \(N, 5, 6, 12\)"),
        (lambda m: m.decode([], CONDITIONS), r"latents have the shapes \(\)"),
        (lambda m: m.decode([np.zeros((2, 5, 6, 12))], CONDITIONS), "3 conditions for 2 latents"),
    ],
)
def test_refused(call, message):
    with pytest.raises(UserError, match=message):
        call(loaded())


def test_a_model_of_five_bits_has_images_of_five_bits():
    model, of_five = loaded("glow", bits=5), IMAGES // 8 / np.float32(32)
    again = model.reconstruct(IMAGES)
    np.testing.assert_allclose(again, of_five, atol=1e-4)
    latents = model.encode(IMAGES)
    for same in (IMAGES | 7, IMAGES / 255, of_five, again):
        jax.tree.map(np.testing.assert_array_equal, model.encode(same), latents)
