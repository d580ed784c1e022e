"""Scores of drawn photos by what a judge finds in them."""

import numpy as np
import pytest

from fullglow_jax.evaluation.metrics.metric import DrawnPair
from fullglow_jax.evaluation.metrics.psp import Psp
from fullglow_jax.evaluation.truths import Truth
from fullglow_jax.palette import EVALUATED_COLOURS

SIZE = (8, 12)
ROAD, CAR, SKY = 0, 13, 10


class Judge:
    """Stands in for a segmentation network: a photo's red channel is the class."""

    name = "red"
    digest = "red"

    def classes(self, photos):
        return [photo[..., 0] for photo in photos]


def label_map(*classes):
    """Of stripes, from above, equally high."""
    rows = np.repeat(classes, SIZE[0] // len(classes))
    return EVALUATED_COLOURS[np.repeat(rows[:, None], SIZE[1], 1)]


def photo(*classes):
    rows = np.repeat(classes, SIZE[0] // len(classes))
    return np.repeat(np.repeat(rows[:, None], SIZE[1], 1)[..., None], 3, 2).astype(np.uint8)


@pytest.fixture
def found():
    half_wrong = photo(SKY, SKY)
    pairs = [
        DrawnPair(
            Truth("a", label_map(SKY, ROAD), photo(SKY, ROAD), label_map(CAR, ROAD)),
            [photo(SKY, ROAD), half_wrong],
        ),
        DrawnPair(
            Truth("b", label_map(CAR, ROAD), photo(CAR, ROAD), label_map(SKY, ROAD)),
            [photo(CAR, ROAD), half_wrong],
        ),
    ]
    metric = Psp(Judge())
    return metric.result(metric.measure(pairs))


def test_rounds_have_scores_of_their_own(found):
    assert found["judge"] == "red"
    assert found["pixel_accuracy"]["rounds"] == [1, 0.25]
    assert found["pixel_accuracy"]["mean"] == 0.625
    assert found["pixel_accuracy"]["deviation"] == pytest.approx(0.75 / 2**0.5)
    assert found["class_accuracy"]["rounds"] == pytest.approx([1, 1 / 3])
    # Sky: of 4 stripes found 1 is right, and none is missed; road and car are found nowhere.
    assert found["class_iou"]["rounds"] == pytest.approx([1, 0.25 / 3])
    assert found["by_class"]["sky"] == {"accuracy": 1, "iou": pytest.approx(0.625)}
    assert found["by_class"]["truck"] == {"accuracy": None, "iou": None}
    stripe = SIZE[0] // 2 * SIZE[1]
    counts = np.array(found["confusion"])
    assert counts.sum() == 8 * stripe
    assert counts[ROAD, ROAD] == counts[ROAD, SKY] == 2 * stripe


def test_true_photos_and_other_label_maps(found):
    assert found["ground_truth"]["pixel_accuracy"]["rounds"] == [1]
    assert found["ground_truth"]["pixel_accuracy"]["deviation"] is None
    # Only the road is where it is in the other label map; in the second round, half of its sky.
    assert found["shuffled"]["pixel_accuracy"]["rounds"] == [0.5, 0.25]


def test_another_label_map_of_another_size():
    other = label_map(SKY, ROAD).repeat(2, 0).repeat(2, 1)
    truth = Truth("a", label_map(SKY, ROAD), photo(SKY, ROAD), other)
    metric = Psp(Judge())
    found = metric.result(metric.measure([DrawnPair(truth, [photo(SKY, ROAD)])]))
    assert found["shuffled"]["pixel_accuracy"]["rounds"] == [1]


def test_conditions_that_are_no_label_maps():
    grey, street = np.full((*SIZE, 3), 1, np.uint8), label_map(SKY, ROAD)
    fault = Psp(Judge()).fault(Truth("street", grey, grey, street))
    assert "street: 100.0% of its pixels have colours that are no label's" in fault.case


@pytest.mark.parametrize("other", [None, np.full((*SIZE, 3), 1, np.uint8)])
def test_without_another_label_map(other):
    """There is none, or it is bad, of which its own pair tells."""
    truth = Truth("street", label_map(SKY, ROAD), photo(SKY, ROAD), other)
    metric = Psp(Judge())
    assert metric.fault(truth) is None
    found = metric.result(metric.measure([DrawnPair(truth, [photo(SKY, ROAD)])]))
    assert found["pixel_accuracy"]["mean"] == 1
    assert found["shuffled"]["pixel_accuracy"]["rounds"] == [None]
