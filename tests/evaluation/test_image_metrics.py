"""Figures of drawn images, against computations of their own."""

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import correlate1d

from fullglow_jax.data.palette import EVALUATED
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.image_metrics import METRICS, Diversity, PhotoToLabel, psnr, ssim
from fullglow_jax.evaluation.truths import Truth

SIZE = (16, 24)
NO_CONDITION = np.zeros((*SIZE, 3), np.uint8)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


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
    for name, make in (("ssim", ssim), ("psnr", psnr)):
        measure = make()
        for truth, drawn in zip(truths, rounds, strict=True):
            measure.add(Truth("t", NO_CONDITION, truth), drawn)
        result = measure.result()
        expected = [
            np.mean([by_hand[name](t, d[i]) for t, d in zip(truths, rounds, strict=True)])
            for i in range(2)
        ]
        assert result["rounds"] == pytest.approx(expected, abs=1e-4)
        assert result["mean"] == pytest.approx(np.mean(expected), abs=1e-4)
        assert result["deviation"] == pytest.approx(np.std(expected, ddof=1), abs=1e-4)


def test_the_truth_itself(rng):
    (truth,) = images(rng, 1)
    measures = {name: METRICS[name]() for name in ("ssim", "psnr", "diversity")}
    for measure in measures.values():
        measure.add(Truth("t", NO_CONDITION, truth), [truth])
    assert measures["ssim"].result()["mean"] == pytest.approx(1, abs=1e-6)
    assert measures["ssim"].result()["deviation"] is None
    assert measures["psnr"].result()["mean"] is None
    assert measures["diversity"].result() == {"mean": None}


def test_scores_are_taken_at_the_truths_size(rng):
    (truth,), (small,) = images(rng, 1, (32, 48)), images(rng, 1)
    at_size, resized = ssim(), ssim()
    at_size.add(Truth("t", NO_CONDITION, truth), [small])
    height, width = truth.shape[:2]
    large = np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BILINEAR))
    resized.add(Truth("t", NO_CONDITION, truth), [large])
    assert at_size.result() == resized.result()


def test_label_maps(rng):
    colours = np.array([label.colour for label in EVALUATED], np.uint8)
    classes = rng.integers(0, 4, SIZE)
    truth = colours[classes]
    truth[0, :6] = (111, 74, 0)  # "dynamic", which is not evaluated
    wrong = classes.copy()
    wrong[1, :12] = 5
    drawn = [np.clip(colours[c] + rng.normal(0, 2, truth.shape), 0, 255) for c in (classes, wrong)]
    measure = PhotoToLabel()
    measure.add(Truth("t", NO_CONDITION, truth), [image.astype(np.uint8) for image in drawn])
    result = measure.result()
    counted = SIZE[0] * SIZE[1] - 6
    assert result["pixel_accuracy"]["rounds"] == pytest.approx([1, 1 - 12 / counted])
    assert result["class_iou"]["rounds"][0] == 1
    assert result["class_iou"]["rounds"][1] < 0.85  # pole, which is nowhere, counts as missed
    assert result["by_class"]["road"]["iou"] < 1
    assert result["by_class"]["train"] == {"accuracy": None, "iou": None}
    assert result["by_class"]["pole"]["accuracy"] is None


def test_label_metrics_of_photos(rng):
    with pytest.raises(UserError, match=r"street: .* no label's"):
        PhotoToLabel().add(Truth("street", NO_CONDITION, images(rng, 1)[0]), images(rng, 1))


def test_diversity(rng):
    a, b, c = images(rng, 3)
    measure = Diversity()
    measure.add(Truth("t", NO_CONDITION, a), [a, b, c])
    measure.add(Truth("t", NO_CONDITION, a), [a, a, a])

    def distance(x, y):
        return np.sqrt(np.mean((x / 255 - y / 255) ** 2))

    expected = np.mean([distance(a, b), distance(a, c), distance(b, c)]) / 2
    assert measure.result()["mean"] == pytest.approx(expected, rel=1e-5)
