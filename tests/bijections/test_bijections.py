"""What holds of every bijection, whatever its parameters, image and condition."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bijections.cases import CASES
from tests.layers.variables import quick_jit

SHAPE, OTHER_SHAPE = (3, 6, 8, 4), (1, 8, 6, 2)  # few: each is compiled for every case
TOLERANCE = {np.float32: 1e-4, np.float64: 1e-9}

every_case = pytest.mark.parametrize("case", CASES, ids=str)
conditional_cases = pytest.mark.parametrize(
    "case", [case for case in CASES if case.conditional], ids=str
)
few_examples = settings(max_examples=8, deadline=None, derandomize=True, database=None)
fewer_examples = settings(few_examples, max_examples=3)
seeds = st.integers(0, 2**16)


@cache
def there_and_back(case, channels):
    """(variables, x, condition) → (y, log_det, x again)."""
    module = case.module(channels)

    @quick_jit
    def run(variables, x, condition):
        y, log_det = module.apply(variables, x, condition, method="forward")
        return y, log_det, module.apply(variables, y, condition, method="inverse")

    return lambda *args: jax.device_get(run(*args))


@cache
def log_abs_det_of_jacobian(case, channels):
    """(variables, one image, its condition) → log|det ∂y/∂x|, by automatic differentiation."""
    module = case.module(channels)

    @quick_jit
    def run(variables, x, condition):
        def flat(pixels):
            y, _ = module.apply(variables, pixels.reshape(x.shape), condition, method="forward")
            return y.ravel()

        return jnp.linalg.slogdet(jax.jacrev(flat)(x.ravel())).logabsdet

    return lambda *args: jax.device_get(run(*args))


def one(tree, i):
    """The i-th example of a batch, a batch of its own."""
    return jax.tree.map(lambda leaf: leaf[i : i + 1], tree)


@every_case
@pytest.mark.parametrize(
    ("dtype", "shape"),
    [(np.float32, SHAPE), (np.float64, SHAPE), (np.float64, OTHER_SHAPE)],
    ids=["float32", "float64", "float64, another shape"],
)
@few_examples
@given(seed=seeds)
def test_the_inverse_inverts(case, dtype, shape, seed):
    with jax.enable_x64(dtype == np.float64):
        variables = case.variables(shape, seed, dtype)
        x, condition = case.inputs(shape, seed + 1, dtype)
        y, log_det, again = there_and_back(case, shape[-1])(variables, x, condition)
        assert y.dtype == log_det.dtype == again.dtype == dtype
        assert y.size == x.size
        assert log_det.shape == (shape[0],)
        assert not np.allclose(y.ravel(), x.ravel(), atol=0.01)
        np.testing.assert_allclose(again, x, atol=TOLERANCE[dtype])


@every_case
@fewer_examples
@given(seed=seeds)
def test_log_det_is_that_of_the_jacobian_of_each_example(case, seed):
    with jax.enable_x64(True):
        variables = case.variables(SHAPE, seed, np.float64)
        x, condition = case.inputs(SHAPE, seed + 1, np.float64)
        _, log_det, _ = there_and_back(case, SHAPE[-1])(variables, x, condition)
        expected = [
            log_abs_det_of_jacobian(case, SHAPE[-1])(variables, one(x, i), one(condition, i))
            for i in range(SHAPE[0])
        ]
        np.testing.assert_allclose(log_det, expected, rtol=0, atol=1e-6)


@every_case
@few_examples
@given(seed=seeds)
def test_an_example_does_not_depend_on_the_others(case, seed):
    with jax.enable_x64(True):
        run = there_and_back(case, SHAPE[-1])
        variables = case.variables(SHAPE, seed, np.float64)
        inputs = case.inputs(SHAPE, seed + 1, np.float64)
        others = case.inputs(SHAPE, seed + 2, np.float64)
        mixed = jax.tree.map(lambda a, b: np.stack([b[0], a[1], b[2]]), inputs, others)
        before = run(variables, *inputs)
        after = run(variables, *mixed)
        for of_before, of_after in zip(before, after, strict=True):
            np.testing.assert_allclose(of_after[1], of_before[1], atol=1e-12)
            if of_before.ndim > 1:
                assert not np.allclose(of_after[0], of_before[0])


@conditional_cases
def test_a_condition_serves_several_images_in_a_row(case):
    shape = (6, *SHAPE[1:])
    with jax.enable_x64(True):
        run = there_and_back(case, shape[-1])
        variables = case.variables(shape, 0, np.float64)
        x, conditions = case.inputs(shape, 1, np.float64)
        y, log_det, again = run(variables, x, conditions[:2])
        assert log_det.shape == (6,)
        expected = run(variables, x, np.repeat(conditions[:2], 3, axis=0))
        for actual, repeated in zip((y, log_det, again), expected, strict=True):
            np.testing.assert_allclose(actual, repeated, atol=1e-10)


@conditional_cases
def test_the_condition_counts(case):
    with jax.enable_x64(True):
        run = there_and_back(case, SHAPE[-1])
        variables = case.variables(SHAPE, 0, np.float64)
        x, condition = case.inputs(SHAPE, 1, np.float64)
        y, log_det, _ = run(variables, x, condition)
        other_y, other_log_det, _ = run(variables, x, -condition)
        assert (np.abs(y - other_y).max(axis=(1, 2, 3)) > 1e-3).all()
        assert (np.abs(log_det - other_log_det) > 1e-3).all()
