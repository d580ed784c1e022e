"""Distances of sets of features, against computations of their own."""

import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.special import logsumexp

from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.of_features import kernel_distance as kernels
from fullglow_jax.evaluation.of_features.frechet_distance import (
    Statistics,
    frechet_distance,
    statistics,
)
from fullglow_jax.evaluation.of_features.inception_score import inception_scores
from fullglow_jax.evaluation.of_features.precision_recall import precision_recall
from fullglow_jax.evaluation.of_features.stored_statistics import read_statistics, save_statistics


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def features(rng, count, width=6, shift=0.0):
    return (rng.standard_normal((count, width)) @ rng.standard_normal((width, width))) + shift


@pytest.mark.filterwarnings("ignore:Matrix is singular")
@pytest.mark.parametrize("count", [40, 4])
def test_frechet_distance(rng, count):
    """Of fewer images than features, too."""
    x, y = features(rng, count), features(rng, 50, shift=1.0)
    of_x, of_y = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    mixed = sqrtm(of_x @ of_y).real
    expected = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(of_x + of_y - 2 * mixed)
    found = frechet_distance(statistics(x), statistics(y))
    assert found == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(statistics(y), statistics(x)) == pytest.approx(found, rel=1e-6)
    assert frechet_distance(statistics(x), statistics(x)) == pytest.approx(0, abs=1e-6)


def test_frechet_distance_of_what_differs_along_one_axis():
    """(μ₁ − μ₂)² + (σ₁ − σ₂)²."""
    first = Statistics(np.array([1.0, 0.0]), np.diag([4.0, 1.0]))
    second = Statistics(np.array([3.0, 0.0]), np.diag([25.0, 1.0]))
    assert frechet_distance(first, second) == pytest.approx(4 + 9)


@pytest.mark.parametrize(
    ("kernel", "by_hand"),
    [
        (kernels.polynomial, lambda a, b: (a @ b / len(a) + 1) ** 3),
        (kernels.gaussian, lambda a, b: np.exp(-((a - b) ** 2).sum() / 200)),
    ],
)
def test_kernel_distance(rng, kernel, by_hand):
    x, y = features(rng, 5), features(rng, 5)
    within = sum(
        by_hand(of[i], of[j]) for of in (x, y) for i in range(5) for j in range(5) if i != j
    )
    between = sum(by_hand(a, b) for a in x for b in y)
    expected = within / 20 - 2 * between / 25
    assert kernels.kernel_distance(x, y, kernel) == pytest.approx(expected, rel=1e-9)


def test_kernel_distance_of_few_images_has_no_bias(rng):
    x, y = rng.standard_normal((2, 4000, 3))
    small = kernels.of_subsets(x, y, subsets=400, size=5)
    assert abs(small.mean()) < 4 * small.std() / 20
    assert (small < 0).any()


def test_subsets_are_the_same_every_time_and_may_be_the_whole(rng):
    x, y = features(rng, 12), features(rng, 12)
    np.testing.assert_array_equal(*(kernels.of_subsets(x, y, 3, 4) for _ in range(2)))
    whole = kernels.of_subsets(x, y, 3, 12)
    np.testing.assert_allclose(whole, kernels.kernel_distance(x, y), rtol=1e-9)


def test_inception_score(rng):
    """The number of classes, if each image is surely of another; 1, if all are alike."""
    sure = 50 * np.eye(4)
    assert inception_scores(sure, 1) == pytest.approx(4)
    assert inception_scores(np.tile(rng.standard_normal(4), (6, 1)), 2) == pytest.approx(1)
    logits = rng.standard_normal((7, 5))
    log_p = logits - logsumexp(logits, axis=1, keepdims=True)
    p = np.exp(log_p)

    def score(part):
        kl = (p[part] * (log_p[part] - np.log(p[part].mean(0)))).sum(1)
        return np.exp(kl.mean())

    found = inception_scores(logits, 2, shuffled=False)
    assert found == pytest.approx([score(slice(3)), score(slice(3, 7))])


def test_precision_and_recall():
    true = np.array([[0.0], [1.0], [2.0], [3.0]])
    drawn = np.array([[0.5], [0.6], [0.7], [9.0]])
    # Of one neighbour: every radius of the true ones is 1, those of the drawn 0.1, 0.1, 0.1, 8.3.
    assert precision_recall(drawn, true, 1) == (0.75, 0.75)
    assert precision_recall(true, true, 1) == (1, 1)
    assert precision_recall(drawn - 100, true, 1) == (0, 0)


def test_many_features_in_parts(rng, monkeypatch):
    x, y = features(rng, 30), features(rng, 25)
    whole = precision_recall(x, y)
    monkeypatch.setattr("fullglow_jax.evaluation.of_features.precision_recall.ROWS", 7)
    assert precision_recall(x, y) == whole


def test_stored_statistics(rng, tmp_path):
    of_set = statistics(features(rng, 9).astype(np.float32))
    save_statistics(tmp_path / "a.npz", of_set)
    folder = tmp_path / "folder"
    folder.mkdir()
    np.save(folder / "m.npy", of_set.mean)
    np.save(folder / "s.npy", of_set.covariance)
    for path in (tmp_path / "a.npz", folder):
        stored = read_statistics(path)
        assert (stored.network, stored.digest) == ("", "")
        for found, expected in zip(stored.statistics, of_set, strict=True):
            np.testing.assert_array_equal(found, expected)
    save_statistics(tmp_path / "named.npz", of_set, "a network", "its digest")
    assert read_statistics(tmp_path / "named.npz")[1:] == ("a network", "its digest")
    with np.load(tmp_path / "named.npz") as as_pytorch_fid_reads_it:
        assert as_pytorch_fid_reads_it["mu"].shape == (6,)
    (folder / "s.npy").unlink()
    with pytest.raises(UserError, match=r"s\.npy: no such file; expected a"):
        read_statistics(folder)
    np.savez(tmp_path / "b.npz", mu=of_set.mean, sigma=of_set.covariance[:2])
    with pytest.raises(UserError, match=r"covariance of shape \(2, 6\)"):
        read_statistics(tmp_path / "b.npz")
    np.savez(tmp_path / "c.npz", x=of_set.mean)
    with pytest.raises(UserError, match="has no statistics"):
        read_statistics(tmp_path / "c.npz")
    np.savez(tmp_path / "d.npz", mu=of_set.mean * np.nan, sigma=of_set.covariance)
    with pytest.raises(UserError, match="not finite"):
        read_statistics(tmp_path / "d.npz")
    with pytest.raises(UserError, match="has no covariance"):
        save_statistics(tmp_path / "e.npz", None)
    with pytest.raises(UserError, match="cannot be written"):
        save_statistics(tmp_path / "none" / "e.npz", of_set)
