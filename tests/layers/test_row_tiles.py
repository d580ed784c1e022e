"""Networks some rows at a time against the same networks in one piece."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fullglow_jax.flows.conditioners.coupling_net import CouplingNet
from fullglow_jax.flows.conditioners.spatial_net import SpatialNet
from fullglow_jax.flows.conditioners.vector_net import VectorNet
from fullglow_jax.layers.precision import Compute
from fullglow_jax.layers.row_tiles import tile_rows
from fullglow_jax.layers.zero_conv import ZeroConv
from tests.layers.jaxprs import equations, largest_result
from tests.layers.variables import quick_jit, random_variables

BATCH, HEIGHT, WIDTH = 4, 12, 5
ROW = BATCH * WIDTH
"""Pixels."""
HIDDEN = 64

CASES = {
    "coupling net": (lambda compute: CouplingNet(3, HIDDEN, compute), [(BATCH, 2)]),
    "coupling net with a condition": (
        lambda compute: CouplingNet(3, HIDDEN, compute),
        [(BATCH, 2), (BATCH, 3)],
    ),
    "coupling net with fewer conditions": (
        lambda compute: CouplingNet(3, HIDDEN, compute),
        [(BATCH, 2), (BATCH // 2, 3)],
    ),
    "spatial net": (lambda compute: SpatialNet(3, HIDDEN, compute), [(BATCH, 2)]),
    "vector net": (
        lambda compute: VectorNet(3, lambda *_: jnp.zeros(3), compute),
        [(BATCH, 2)],
    ),
    "zero-conv": (lambda compute: ZeroConv(2, 3, compute.tile), [(BATCH, 2)]),
}
every_case = pytest.mark.parametrize("case", CASES)


def images(case):
    rng = np.random.default_rng(0)
    return [rng.standard_normal((b, HEIGHT, WIDTH, channels)) for b, channels in CASES[case][1]]


def variables(case):
    """Random, biases too, so that the border is not what is inside it."""
    build, inputs = CASES[case][0], images(case)
    return random_variables(build(Compute()), *inputs, dtype=np.float64)


def gradients(case, tile, store=False):
    """(variables, inputs) → what the network makes of them, and the gradients of a sum of it."""
    network = CASES[case][0](Compute(tile=tile, store=store))

    def objective(variables, inputs):
        y = network.apply(variables, *inputs)
        weights = jnp.cos(jnp.arange(float(y.size))).reshape(y.shape)
        return (weights * y).sum(), y

    return jax.value_and_grad(objective, argnums=(0, 1), has_aux=True)


@pytest.mark.parametrize(
    ("pixels", "height", "expected"),
    [
        (12 * ROW, 12, 12),
        (12 * ROW - 1, 12, 6),
        (6 * ROW, 12, 6),
        (5 * ROW, 12, 4),  # five does not divide it
        (2 * ROW - 1, 12, 1),
        (1, 12, 1),
        (8 * ROW, 9, 3),
        (6 * ROW, 7, 1),
        (100 * ROW, 7, 7),
    ],
)
def test_a_tile_has_the_most_rows_that_divide_the_height_and_fit(pixels, height, expected):
    assert tile_rows(pixels, BATCH, height, WIDTH) == expected


@every_case
def test_tiles_change_nothing(case):
    in_one, in_tiles = gradients(case, None), [gradients(case, rows * ROW) for rows in (1, 6)]
    in_tiles.append(gradients(case, 2 * ROW, store=True))
    run = quick_jit(lambda *args: (in_one(*args), [tiled(*args) for tiled in in_tiles]))
    with jax.enable_x64(True):
        expected, tiled = jax.device_get(run(variables(case), images(case)))
    assert all(np.abs(leaf).max() > 0.01 for leaf in jax.tree.leaves(expected))
    for actual in tiled:
        jax.tree.map(partial(np.testing.assert_allclose, rtol=0, atol=1e-10), actual, expected)


@pytest.mark.parametrize(
    "case", [case for case in CASES if "coupling" in case or "spatial" in case]
)
def test_the_hidden_layer_is_never_there_as_a_whole(case):
    whole = BATCH * HEIGHT * WIDTH * HIDDEN
    args = variables(case), images(case)
    assert largest_result(gradients(case, None), *args) >= whole
    assert largest_result(gradients(case, 2 * ROW), *args) < whole / 2


def values(case, tile, store):
    network = CASES[case][0](Compute(tile=tile, store=store))
    return lambda variables, inputs: network.apply(variables, *inputs)


def test_what_is_stored_is_stored_for_gradients_alone():
    case, whole = "coupling net", BATCH * HEIGHT * WIDTH * HIDDEN
    args = variables(case), images(case)
    assert largest_result(values(case, 2 * ROW, True), *args) < whole / 2
    assert largest_result(gradients(case, 2 * ROW, store=True), *args) >= whole


def test_the_costly_product_is_not_computed_again():
    case = "coupling net"
    args = variables(case), images(case)

    def products(tile, store):
        """Products of the hidden layer's pixels with its square weights, forward or backward."""
        found = equations(gradients(case, tile, store), *args)
        return sum(
            equation.primitive.name == "dot_general"
            and equation.outvars[0].aval.shape[-1] == HIDDEN
            and equation.invars[1].aval.shape == (HIDDEN, HIDDEN)
            for equation in found
        )

    # Forward, and backward for the input; tiles compute the former again.
    assert products(2 * ROW, store=True) == 2
    assert products(2 * ROW, store=False) == 3
