"""Figures of drawn images, against computations of their own."""

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import correlate1d

from fullglow_jax.evaluation.metrics.diversity import Diversity
from fullglow_jax.evaluation.metrics.metric import DrawnPair
from fullglow_jax.evaluation.metrics.photo2label import PhotoToLabel
from fullglow_jax.evaluation.metrics.psnr import Psnr
from fullglow_jax.evaluation.metrics.ssim import Ssim
from fullglow_jax.evaluation.redraws import redraw_scores
from fullglow_jax.evaluation.truths import Truth
from fullglow_jax.models.batch import Batch
from fullglow_jax.palette import EVALUATED

SIZE = (16, 24)
NO_CONDITION = np.zeros((*SIZE, 3), np.uint8)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def drawn_for(target, *images, name="t"):
    return DrawnPair(Truth(name, NO_CONDITION, target, NO_CONDITION), images)


def result(metric, *pairs):
    return metric.result(metric.measure(pairs))


def images(rng, count, size=SIZE):
    return list(rng.integers(0, 256, (count, *size, 3), dtype=np.uint8))


def similar(rng, image):
    return np.clip(image + rng.normal(0, 20, image.shape), 0, 255).astype(np.uint8)


def reference_ssim(a, b):
    """Wang et al. 2004, channel by channel, in float64, with the window cut at the borders."""
    a, b = a / 255, b / 255
    window = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    window /= window.sum()

    def mean(x):
        return correlate1d(correlate1d(x, window, axis=0), window, axis=1)[5:-5, 5:-5]

    ma, mb = mean(a), mean(b)
    va, vb, cov = mean(a * a) - ma**2, mean(b * b) - mb**2, mean(a * b) - ma * mb
    c1, c2 = 0.01**2, 0.03**2
    return np.mean((2 * ma * mb + c1) * (2 * cov + c2) / (ma**2 + mb**2 + c1) / (va + vb + c2))


def test_ssim_and_psnr(rng):
    truths = images(rng, 3)
    rounds = [[similar(rng, truth) for _ in range(2)] for truth in truths]
    by_hand = {
        "ssim": reference_ssim,
        "psnr": lambda a, b: -10 * np.log10(np.mean((a / 255 - b / 255) ** 2)),
    }
    for name, make in (("ssim", Ssim), ("psnr", Psnr)):
        found = result(make(), *(drawn_for(t, *d) for t, d in zip(truths, rounds, strict=True)))
        expected = [
            np.mean([by_hand[name](t, d[i]) for t, d in zip(truths, rounds, strict=True)])
            for i in range(2)
        ]
        assert found["rounds"] == pytest.approx(expected, abs=1e-4)
        assert found["mean"] == pytest.approx(np.mean(expected), abs=1e-4)
        assert found["deviation"] == pytest.approx(np.std(expected, ddof=1), abs=1e-4)


def test_the_truth_itself(rng):
    (truth,) = images(rng, 1)
    pair = drawn_for(truth, truth)
    assert result(Ssim(), pair) == {"mean": pytest.approx(1, abs=1e-6), "deviation": None} | {
        "rounds": [pytest.approx(1, abs=1e-6)]
    }
    assert result(Psnr(), pair)["mean"] is None
    assert result(Diversity(), pair) == {"mean": None, "standard_error": None}


def test_scores_are_taken_at_the_truths_size(rng):
    (truth,), (small,) = images(rng, 1, (32, 48)), images(rng, 1)
    height, width = truth.shape[:2]
    large = np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BILINEAR))
    assert result(Ssim(), drawn_for(truth, small)) == result(Ssim(), drawn_for(truth, large))


def test_label_maps(rng):
    colours = np.array([label.colour for label in EVALUATED], np.uint8)
    classes = rng.integers(0, 4, SIZE)
    truth = colours[classes]
    truth[0, :6] = (111, 74, 0)  # "dynamic", which is not evaluated
    wrong = classes.copy()
    wrong[1, :12] = 5
    drawn = [np.clip(colours[c] + rng.normal(0, 2, truth.shape), 0, 255) for c in (classes, wrong)]
    found = result(PhotoToLabel(), drawn_for(truth, *(image.astype(np.uint8) for image in drawn)))
    counted = SIZE[0] * SIZE[1] - 6
    assert found["pixel_accuracy"]["rounds"] == pytest.approx([1, 1 - 12 / counted])
    assert found["class_iou"]["rounds"][0] == 1
    assert found["class_iou"]["rounds"][1] < 0.85  # pole, which is nowhere, counts as missed
    assert found["by_class"]["road"]["iou"] < 1
    assert found["by_class"]["train"] == {"accuracy": None, "iou": None}
    assert found["by_class"]["pole"]["accuracy"] is None


def test_label_metrics_of_photos(rng):
    pair = drawn_for(*images(rng, 2), name="street")
    fault = PhotoToLabel().fault(pair.truth)
    assert "street: 100.0% of its pixels have colours that are no label's" in fault.case
    assert Ssim().fault(pair.truth) is None


def test_diversity(rng):
    a, b, c = images(rng, 3)

    def distance(x, y):
        return np.sqrt(np.mean((x / 255 - y / 255) ** 2))

    found = result(Diversity(), drawn_for(a, a, b, c), drawn_for(a, a, a, a))
    expected = np.mean([distance(a, b), distance(a, c), distance(b, c)])
    assert found["mean"] == pytest.approx(expected / 2, rel=1e-5)
    assert found["standard_error"] == pytest.approx(expected / 2, rel=1e-5)
    assert "features" not in found


def test_diversity_of_images_of_two_sizes(rng):
    (large,), (small,) = images(rng, 1, (32, 48)), images(rng, 1)
    height, width = large.shape[:2]
    as_large = np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BILINEAR))
    found = result(Diversity(), drawn_for(large, large, small))
    assert found == result(Diversity(), drawn_for(large, large, as_large))


class Channels:
    """Stands in for a judge: its features are the colours of every other pixel."""

    digest = "channels"

    def features(self, photos):
        return [photo[::2, ::2].astype(np.float32) for photo in photos]


def test_diversity_in_features(rng):
    a, b = images(rng, 2)
    found = result(Diversity(Channels()), drawn_for(a, a, b), drawn_for(a, a, a // 2 * 2))
    x, y = (image[::2, ::2].reshape(-1, 3).astype(float) for image in (a, b))
    cosines = (x * y).sum(1) / np.linalg.norm(x, axis=1) / np.linalg.norm(y, axis=1)
    # Between vectors of unit length, the squared distance is 2 − 2·cos; brightness is no matter.
    assert found["features"]["mean"] == pytest.approx((2 - 2 * cosines).mean() / 2, abs=1e-3)


def test_likeness_of_redraws_is_that_of_unrounded_images(rng):
    """Of a model that draws the truth, a little brighter with the temperature."""
    truth = rng.integers(60, 180, (2, *SIZE, 3)).astype(np.uint8)

    class Brighter:
        def pixels(self, images):
            return images / np.float32(255)

        def redraw(self, variables, batch, keys, temperature):
            return self.pixels(batch.target) + variables * temperature / 255

    found = redraw_scores(Brighter(), 0.5)(0.6, Batch(None, truth), None)
    assert set(found) == {"psnr_r", "ssim_r", "psnr_r_temp", "ssim_r_temp"}
    for name, shift in (("r", 0.6), ("r_temp", 0.3)):
        np.testing.assert_allclose(found[f"psnr_{name}"], 20 * np.log10(255 / shift), rtol=1e-4)
        expected = [reference_ssim(each, each + shift) for each in truth.astype(float)]
        np.testing.assert_allclose(found[f"ssim_{name}"], expected, atol=1e-5)
