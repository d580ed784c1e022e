"""Precision and recall of a set of images in features (Kynkäänniemi et al. 2019), in float64.

A feature belongs to a set if it is as near to one of the set's features as that one's k-th
neighbour within its set. Precision is the share of drawn features that belong to the true ones:
how many images are good. Recall is the share of true ones that belong to the drawn: how much of
the variety is there.
"""

import numpy as np

NEIGHBOURS = 3

ROWS = 1024
"""Features whose distances to all others are in memory at once."""


def precision_recall(
    drawn: np.ndarray, true: np.ndarray, neighbours: int = NEIGHBOURS
) -> tuple[float, float]:
    """Precision and recall, each from 0 to 1.

    Args:
        drawn: Features of drawn images, (M, C), M above `neighbours`.
        true: Features of true images, (N, C), N above `neighbours`.
        neighbours: k.
    """
    return _share_within(drawn, true, neighbours), _share_within(true, drawn, neighbours)


def _share_within(features: np.ndarray, of_set: np.ndarray, neighbours: int) -> float:
    """The share of features that belong to a set."""
    from scipy.spatial.distance import cdist  # which --help need not wait for

    radii = np.concatenate(
        # The nearest one is the feature itself.
        [np.partition(cdist(rows, of_set), neighbours)[:, neighbours] for rows in _rows(of_set)]
    )
    belong = [(cdist(rows, of_set) <= radii).any(1) for rows in _rows(features)]
    return float(np.concatenate(belong).mean())


def _rows(features: np.ndarray) -> list[np.ndarray]:
    features = features.astype(np.float64)
    return [features[start : start + ROWS] for start in range(0, len(features), ROWS)]
