"""Modulation by rows of classes and instances, against the products with one-hot maps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fullglow_jax.layers.modulation import TILE, Modulation, modulated
from fullglow_jax.layers.norms import OF_BATCH
from tests.layers.variables import quick_jit, random_variables, run

RNG = np.random.default_rng(0)
SIZE = (70, 64)  # in two tiles
CLASSES, PLACES = 3, 4
X = RNG.standard_normal((2, *SIZE, 2), np.float32)
IDS = RNG.integers(0, CLASSES, (2, *SIZE), np.int32)
INSTANCES = RNG.integers(0, PLACES - 1, (2, *SIZE), np.int32)  # the last place is nobody's
OF_CLASSES = RNG.standard_normal((CLASSES, 4, 2), np.float32)
ROWS = RNG.standard_normal((2, PLACES, 2, 2), np.float32)


def of_one_hot_maps(x, classes, places, of_classes, rows):
    of_class, of_place = jax.nn.one_hot(classes, CLASSES), jax.nn.one_hot(places, PLACES)
    w_0, w_1, b_0, b_1 = (of_class @ of_classes[:, n] for n in range(4))
    scale, shift = (jnp.einsum("bhwn,bnc->bhwc", of_place, rows[:, :, n]) for n in range(2))
    return (w_0 * scale + b_0) * x + w_1 * shift + b_1


def value_and_gradients(form, x, of_classes, rows):
    def of(x, of_classes, rows):
        y = form(x, IDS, INSTANCES, of_classes, rows)
        return jnp.sin(y).sum(), y

    gradients = quick_jit(jax.grad(of, (0, 1, 2), has_aux=True))(x, of_classes, rows)
    return jax.tree.leaves(jax.device_get(gradients))


def test_rows_by_id_are_products_with_one_hot_maps():
    assert SIZE[0] * SIZE[1] > TILE
    given = X, OF_CLASSES, ROWS
    ours, others = (value_and_gradients(form, *given) for form in (modulated, of_one_hot_maps))
    for mine, other in zip(ours, others, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-4)
    (*_, of_rows, _) = ours
    assert np.abs(of_rows[:, :-1]).min() > 1e-3
    assert (of_rows[:, -1] == 0).all()


def test_in_bfloat16_gradients_of_rows_are_summed_in_float32():
    exact = value_and_gradients(modulated, X, OF_CLASSES, ROWS)
    short = value_and_gradients(modulated, X.astype(jnp.bfloat16), OF_CLASSES, ROWS)
    assert [x.dtype for x in short] == ["bfloat16", "float32", "float32", "bfloat16"]
    for mine, other in zip(short, exact, strict=True):
        difference = np.linalg.norm(mine.astype(np.float32) - other)
        assert difference < 0.02 * np.linalg.norm(other)


def test_a_modulation_is_its_equation():
    layer = Modulation(CLASSES)
    styles = RNG.standard_normal((2, PLACES, 2, 5), np.float32)
    x = X[:, :2, :3]
    classes, places = IDS[:, :2, :3], INSTANCES[:, :2, :3]
    variables = random_variables(layer, x, classes, places, styles)
    weight, bias, project = (variables["params"][n] for n in ("weight", "bias", "project"))
    y, moved = run(
        layer, variables, x, classes, places, styles, statistics=OF_BATCH, mutable=("statistics",)
    )
    normalised = (x - x.mean((0, 1, 2))) / np.sqrt(x.var((0, 1, 2)) + 1e-5)
    rows = styles @ project["kernel"] + project["bias"]
    own = rows[np.arange(2)[:, None, None], places]
    w, b = weight[classes], bias[classes]
    scale = w[..., 0] * own[..., 0, :] + b[..., 0]
    expected = scale * normalised + w[..., 1] * own[..., 1, :] + b[..., 1]
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4)
    assert np.abs(moved["statistics"]["norm"]["mean"]).min() > 0
    # A style of nobody, and the other image's, change nothing.
    styles[:, -1], styles[1] = 9, 7
    other = run(layer, variables, x, classes, places, styles, statistics=OF_BATCH)
    np.testing.assert_array_equal(other[0], y[0])
    assert np.abs(other[1] - y[1]).max() > 0.1


def test_class_weights_start_from_0_to_1_and_shifts_from_0():
    layer = Modulation(50)
    zeros = np.zeros((1, 1, 1), np.int32)
    given = np.zeros((1, 1, 1, 40), np.float32), zeros, zeros, np.zeros((1, 1, 2, 60), np.float32)
    params = quick_jit(layer.init)(jax.random.key(0), *given)["params"]
    weight, kernel = np.asarray(params["weight"]), np.asarray(params["project"]["kernel"])
    assert 0 <= weight.min() < 0.01
    assert 0.99 < weight.max() < 1
    assert kernel.std() == pytest.approx(0.02 * (2 / 100) ** 0.5, rel=0.05)
    for shift in (params["bias"], params["project"]["bias"]):
        assert (np.asarray(shift) == 0).all()
