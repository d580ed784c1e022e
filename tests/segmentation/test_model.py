"""The segmentation model: its scores, its objective, what it draws."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from fullglow_jax.config import default_config
from fullglow_jax.errors import UserError
from fullglow_jax.model_registry import build_architecture, build_model
from fullglow_jax.models.batch import Batch
from fullglow_jax.models.interface import LikelihoodModel, ScoringModel
from fullglow_jax.palette import EVALUATED, EVALUATED_COLOURS, IGNORED, LABELS
from fullglow_jax.segmentation.model import Segmentation, classes_of
from fullglow_jax.segmentation.pixels import normalise
from tests.layers.variables import quick_jit, quick_key

SIZE = (16, 24)


def config(dropout=0.0):
    config = default_config("pspnet")
    config.model.blocks = (1, 1, 1, 1)
    config.model.width = 4
    config.model.dropout = dropout
    config.data.direction = "photo2label"
    config.data.image_size = SIZE
    return config


def batch(count=2):
    rng = np.random.default_rng(0)
    photos = rng.integers(0, 256, (count, *SIZE, 3), dtype=np.uint8)
    maps = EVALUATED_COLOURS[rng.integers(0, 19, (count, *SIZE))].copy()
    maps[:, :3] = (1, 2, 3)  # mixed by resizing
    maps[:, 3] = (111, 74, 0)  # "dynamic", which is not evaluated
    return Batch(photos, maps)


@pytest.fixture(scope="module")
def model():
    return build_model(config(), optax.constant_schedule(1e-2))


@pytest.fixture(scope="module")
def state(model):
    return quick_jit(model.init)(quick_key(), batch())


@pytest.fixture(scope="module")
def train_step(model):
    return quick_jit(model.train_step)


@pytest.fixture(scope="module")
def logits(model, state):
    return quick_jit(model.read_conditions)(state.variables, batch())


def bits_by_hand(logits, maps):
    logits = np.asarray(logits, np.float64)
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    index = {label.colour: label.train_id for label in EVALUATED}
    totals = []
    for of_image, colours in zip(log_p, maps, strict=True):
        of_pixels = [
            -of_pixel[index[tuple(colour)]]
            for row, of_row in zip(colours.tolist(), of_image, strict=True)
            for colour, of_pixel in zip(row, of_row, strict=True)
            if tuple(colour) in index
        ]
        totals.append(np.mean(of_pixels) / np.log(2))
    return totals


def test_bits_are_the_mean_over_evaluated_pixels(model, state, logits):
    given = batch()
    assert logits.shape == (2, *SIZE, 19)
    keys = jax.random.split(jax.random.key(1), 2)
    scores = quick_jit(model.scores)
    found = scores(state.variables, given, keys)
    np.testing.assert_allclose(
        found["cross_entropy"], bits_by_hand(logits, given.target), rtol=1e-5
    )
    as_floats = Batch(given.condition / np.float32(255), given.target / np.float32(255))
    again = scores(state.variables, as_floats, keys)
    np.testing.assert_allclose(again["cross_entropy"], found["cross_entropy"], rtol=1e-4)


def test_the_objective_weighs_the_second_head(model, state):
    given = batch()
    heads = quick_jit(partial(model.network.apply, method="with_auxiliary"))(
        state.variables, normalise(given.condition)
    )
    main, auxiliary = (np.array(bits_by_hand(logits, given.target)) for logits in heads)
    keys = jax.random.split(jax.random.key(1), 2)
    losses, values = quick_jit(model._objective)(state.variables["params"], {}, given, keys)
    np.testing.assert_allclose(losses, main + 0.4 * auxiliary, rtol=1e-4)
    np.testing.assert_allclose(values["cross_entropy"], main, rtol=1e-4)


def test_training_lowers_the_bits(state, train_step):
    told = []
    for _ in range(8):
        state, report = train_step(state, batch(), jax.random.key(2))
        told.append(float(report.scalars["cross_entropy"]))
    assert told[-1] < told[0] - 0.1
    assert report.finite.all()


def test_an_examples_dropout_is_its_own(state):
    model = build_model(config(dropout=0.5), optax.constant_schedule(0.0))
    given, keys = batch(), jax.random.split(jax.random.key(1), 2)
    objective = quick_jit(
        lambda batch, keys: model._objective(state.variables["params"], {}, batch, keys)[0]
    )
    both = objective(given, keys)
    beside_another = jax.tree.map(lambda x: np.stack([255 - x[0], x[1]]), given)
    np.testing.assert_allclose(objective(beside_another, keys)[1], both[1], rtol=1e-5)
    assert not np.allclose(objective(given, keys[::-1]), both, rtol=1e-3)


def test_a_map_without_any_evaluated_pixel_teaches_nothing(state, train_step):
    given = replace(batch(), target=np.zeros((2, *SIZE, 3), np.uint8))
    _, report = train_step(state, given, jax.random.key(0))
    assert report.scalars["cross_entropy"] == 0
    assert report.scalars["gradient_norm"] == 0


def test_what_is_drawn(model, logits):
    keys, sample = jax.random.split(jax.random.key(0), 4), quick_jit(model.sample)
    maps = np.asarray(sample({}, logits, keys, jnp.float32(0)))
    likeliest = EVALUATED_COLOURS[np.asarray(logits.argmax(-1))]
    np.testing.assert_array_equal(np.rint(255 * maps), likeliest.repeat(2, axis=0))
    # At temperature 1, every class as often as it is likely.
    few = np.broadcast_to(np.log(np.float32([0.5, 0.3, 0.2] + [1e-9] * 16)), logits.shape)
    drawn = sample({}, few, keys, jnp.float32(1))
    classes = np.asarray(classes_of(drawn))
    shares = np.bincount(classes.ravel(), minlength=19) / classes.size
    np.testing.assert_allclose(shares[:3], [0.5, 0.3, 0.2], atol=0.04)


def test_classes_of_colours():
    colours = np.array([[[label.colour for label in LABELS]]], np.uint8)[0]
    found = np.asarray(classes_of(colours[None]))[0, 0]
    for label, train_id in zip(LABELS, found, strict=True):
        pole = label.name == "polegroup"  # of the colour of poles
        assert train_id == (5 if pole else label.train_id)
    assert (np.asarray(classes_of(np.full((1, 1, 1, 3), 7, np.uint8))) == IGNORED).all()


def test_other_directions_are_refused():
    given = config()
    given.data.direction = None
    with pytest.raises(UserError, match="direction=photo2label"):
        build_architecture(given)


def test_it_is_built_by_its_name(model):
    assert isinstance(model, Segmentation)
    assert isinstance(model, ScoringModel)
    assert not isinstance(model, LikelihoodModel)
    assert model.shapes.image_size == SIZE
    assert not model.shapes.boundary
