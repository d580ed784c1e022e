"""Inception score of a set of images (Salimans et al. 2016), in float64.

    exp(mean over images of KL(p(class | image) ‖ mean of p))

It knows no true images. It is high if each image is surely of one of ImageNet's classes and all
classes are drawn, whatever the data's classes are.
"""

from itertools import pairwise

import numpy as np

PARTS = 10
"""By default, and in torch-fidelity."""

SEED = 2020
"""Of the order of the images in torch-fidelity."""


def inception_scores(logits: np.ndarray, parts: int = PARTS, shuffled: bool = True) -> np.ndarray:
    """The score of each of some parts of the images, as torch-fidelity takes it.

    Args:
        logits: (N, classes), without the classifier's bias in torch-fidelity.
        parts: Number of parts, at most N.
        shuffled: Whether images are put into a random order first, the same every time.

    Returns:
        (parts,), each from 1 to the number of classes.
    """
    count = len(logits)
    order = np.random.RandomState(SEED).permutation(count) if shuffled else np.arange(count)
    log_p = _log_softmax(logits[order].astype(np.float64))
    edges = [part * count // parts for part in range(parts + 1)]
    return np.array([_score(log_p[a:b]) for a, b in pairwise(edges)])


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    logits = logits - logits.max(1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(1, keepdims=True))


def _score(log_p: np.ndarray) -> float:
    p = np.exp(log_p)
    divergences = (p * (log_p - np.log(p.mean(0)))).sum(1)
    return float(np.exp(divergences.mean()))
