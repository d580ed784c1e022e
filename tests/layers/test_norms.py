"""Norms by a batch's statistics, each image's, and running ones; spectral norms."""

import jax
import numpy as np
import pytest

from fullglow_jax.layers.norms import OF_BATCH, OF_IMAGE, RUNNING, Norm
from fullglow_jax.layers.spectral_norm import SpectralNorm
from tests.layers.variables import quick_jit, run, start

RNG = np.random.default_rng(0)
X = (3 + 2 * RNG.standard_normal((4, 3, 5, 2))).astype(np.float32)


def started(kind, **options):
    norm = Norm(kind, **options)
    _, variables = start(norm, X)
    return norm, variables


def test_a_batch_norm_takes_the_statistics_that_it_is_told():
    norm, variables = started("batch")
    of_batch, moved = run(norm, variables, X, statistics=OF_BATCH, mutable=("statistics",))
    np.testing.assert_allclose(of_batch.mean((0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(of_batch.std((0, 1, 2)), 1, atol=1e-4)
    of_image = run(norm, variables, X, statistics=OF_IMAGE)
    np.testing.assert_allclose(of_image.mean((1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(
        run(norm, variables, X, statistics=RUNNING), X / np.sqrt(1 + 1e-5), rtol=1e-5
    )
    # 0.9·r + 0.1·new, the variance's with Bessel's correction.
    statistics = moved["statistics"]
    np.testing.assert_allclose(statistics["mean"], 0.1 * X.mean((0, 1, 2)), rtol=1e-5)
    variance = 0.9 + 0.1 * X.var((0, 1, 2), ddof=1)
    np.testing.assert_allclose(statistics["variance"], variance, rtol=1e-5)


def test_images_are_alone_but_for_a_batchs_statistics():
    norm, variables = started("batch")
    np.testing.assert_array_equal(
        run(norm, variables, X, statistics=OF_IMAGE)[:1], run(norm, variables, X[:1])
    )
    assert not np.allclose(
        run(norm, variables, X, statistics=OF_BATCH)[:1], run(norm, variables, X[:1])
    )


def test_an_instance_norm_has_nothing_of_its_own():
    norm, variables = started("instance")
    assert not variables
    for statistics in (OF_BATCH, RUNNING):
        y = run(norm, variables, X, statistics=statistics)
        np.testing.assert_allclose(y.mean((1, 2)), 0, atol=1e-5)
    assert run(norm, {}, X.astype("bfloat16")).dtype == "bfloat16"


def test_none_changes_nothing_and_scales_start_around_1():
    norm, variables = started("none")
    np.testing.assert_array_equal(run(norm, variables, X), X)
    wide = np.zeros((1, 2, 2, 4000), np.float32)
    _, variables = start(Norm("batch", 0.02), wide, seed=1)
    scale = variables["params"]["scale"]
    assert scale.mean() == pytest.approx(1, abs=2e-3)
    assert scale.std() == pytest.approx(0.02, rel=0.1)


def test_a_batch_norm_may_have_running_statistics_alone():
    norm, variables = started("batch", affine=False)
    assert "params" not in variables
    y, moved = run(norm, variables, X, statistics=OF_BATCH, mutable=("statistics",))
    np.testing.assert_allclose(y.mean((0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(y.std((0, 1, 2)), 1, atol=1e-4)
    np.testing.assert_allclose(moved["statistics"]["mean"], 0.1 * X.mean((0, 1, 2)), rtol=1e-5)


def test_a_spectral_norm_approaches_the_largest_singular_value():
    norm, kernel = SpectralNorm(), RNG.standard_normal((3, 3, 2, 5)).astype(np.float32)
    _, variables = start(norm, kernel)
    for _ in range(200):
        divided, moved = run(norm, variables, kernel, mutable=("spectral",))
        variables = {**variables, **moved}
    largest = np.linalg.svd(divided.reshape(-1, 5), compute_uv=False)[0]
    assert largest == pytest.approx(1, abs=1e-4)
    # In testing they stay, and so does the result.
    np.testing.assert_allclose(run(norm, variables, kernel), divided, rtol=1e-5)


def test_one_turn_of_power_iteration_and_the_gradient_through_sigma_alone():
    norm, kernel = SpectralNorm(), RNG.standard_normal((1, 1, 4, 3)).astype(np.float32)
    _, variables = start(norm, kernel)
    w, u = kernel.reshape(4, 3).T, np.array(variables["spectral"]["u"])
    v = w.T @ u / np.linalg.norm(w.T @ u)
    u = w @ v / np.linalg.norm(w @ v)
    sigma = u @ w @ v
    divided, _ = run(norm, variables, kernel, mutable=("spectral",))
    np.testing.assert_allclose(divided, kernel / sigma, rtol=1e-5)

    def total(kernel):
        return (norm.apply(variables, kernel, mutable=["spectral"])[0] ** 2).sum()

    gradient = quick_jit(jax.grad(total))(kernel).reshape(4, 3).T
    expected = 2 * w / sigma**2 - 2 * (w**2).sum() / sigma**3 * np.outer(u, v)
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-5)
