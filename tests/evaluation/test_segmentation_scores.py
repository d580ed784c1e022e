"""Scores of label maps, against scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    confusion_matrix,
    jaccard_score,
    recall_score,
)

from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.segmentation_scores import (
    classes_of_colours,
    classes_of_label_map,
    confusion,
    scores_of,
)
from fullglow_jax.palette import EVALUATED, IGNORED, LABELS

CLASSES = 5
maps = arrays(np.uint8, (4, 6), elements=st.integers(0, CLASSES - 1))
masks = arrays(bool, (4, 6))


def scored(*pairs, classes=CLASSES):
    counts = sum(confusion(truth, predicted, classes) for truth, predicted in pairs)
    return counts, scores_of(counts)


@given(first=st.tuples(maps, maps), second=st.tuples(maps, maps), void=masks)
def test_scores_are_scikit_learns(first, second, void):
    truth = first[0].copy()
    truth[void] = IGNORED
    counts, scores = scored((truth, first[1]), second)
    true = np.concatenate([first[0][~void], second[0].ravel()])
    guessed = np.concatenate([first[1][~void], second[1].ravel()])
    labels = range(CLASSES)
    np.testing.assert_array_equal(counts, confusion_matrix(true, guessed, labels=labels))
    assert scores.pixel_accuracy == pytest.approx(accuracy_score(true, guessed))
    occurring, anywhere = np.unique(true), np.union1d(true, guessed)
    recall = recall_score(true, guessed, labels=occurring, average=None)
    assert scores.class_accuracy == pytest.approx(recall.mean())
    iou = jaccard_score(true, guessed, labels=anywhere, average=None)
    assert scores.class_iou == pytest.approx(iou.mean())
    np.testing.assert_allclose(scores.accuracies[occurring], recall)
    np.testing.assert_allclose(scores.ious[anywhere], iou)
    assert np.isnan(np.delete(scores.accuracies, occurring)).all()
    assert np.isnan(np.delete(scores.ious, anywhere)).all()
    if len(anywhere) == len(occurring):
        assert scores.class_accuracy == pytest.approx(balanced_accuracy_score(true, guessed))


@given(truth=maps)
def test_a_perfect_prediction_has_all(truth):
    _, scores = scored((truth, truth))
    assert (scores.pixel_accuracy, scores.class_accuracy, scores.class_iou) == (1.0, 1.0, 1.0)


def test_void_counts_nowhere():
    truth = np.array([[0, IGNORED], [1, IGNORED]], np.uint8)
    counts, scores = scored((truth, np.array([[0, 4], [1, 3]], np.uint8)))
    assert counts.sum() == 2
    assert scores.class_iou == 1.0
    _, scores = scored((np.full((2, 2), IGNORED, np.uint8), np.zeros((2, 2), np.uint8)))
    assert np.isnan([scores.pixel_accuracy, scores.class_accuracy, scores.class_iou]).all()
    assert np.isnan([*scores.accuracies, *scores.ious]).all()


@pytest.mark.parametrize(
    ("truth", "predicted"),
    [(np.zeros((2, 3)), np.zeros((3, 2))), (np.full((1, 1), 7), np.zeros((1, 1)))]
    + [(np.zeros((1, 1)), np.full((1, 1), bad)) for bad in (IGNORED, CLASSES, -1)],
)
def test_what_cannot_be_counted_is_refused(truth, predicted):
    with pytest.raises(ValueError, match=r"truth|prediction"):
        confusion(truth.astype(np.int32), predicted.astype(np.int32), CLASSES)


def test_nearest_colours():
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 19, (5, 7))
    colours = np.array([label.colour for label in EVALUATED])[classes]
    np.testing.assert_array_equal(classes_of_colours(colours.astype(np.uint8)), classes)
    image = rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)
    palette = np.array([label.colour for label in EVALUATED])
    expected = [[((palette - pixel) ** 2).sum(-1).argmin() for pixel in row] for row in image]
    np.testing.assert_array_equal(classes_of_colours(image), expected)


def test_true_label_maps():
    image = np.array([[label.colour for label in LABELS]], np.uint8)
    expected = [label.train_id for label in LABELS]
    # Of one colour are labels that are not evaluated, and poles and groups of them.
    pole, group = (
        next(i for i, x in enumerate(LABELS) if x.name == n) for n in ("pole", "polegroup")
    )
    assert expected[group] == IGNORED
    found = classes_of_label_map(image, "map")[0]
    assert found[pole] == found[group] == LABELS[pole].train_id
    expected[group] = expected[pole]
    np.testing.assert_array_equal(found, expected)


def test_mixed_colours_are_no_label_map():
    image = np.zeros((2, 2, 3), np.uint8)
    image[0, 0] = (1, 2, 3)
    with pytest.raises(UserError, match=r"here\.png: 25\.0% .* \(1, 2, 3\)"):
        classes_of_label_map(image, "here.png")
