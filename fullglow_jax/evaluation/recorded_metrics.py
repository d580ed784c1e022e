"""Comparisons with recorded values of metrics, by the system that a file's meta data name."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from fullglow_jax.evaluation.of_features import kernel_distance
from fullglow_jax.evaluation.of_features.frechet_distance import frechet_distance, statistics
from fullglow_jax.evaluation.of_features.inception_score import inception_scores
from fullglow_jax.evaluation.of_features.precision_recall import precision_recall
from fullglow_jax.interop.recording import RecordedArrays
from fullglow_jax.interop.row import Row, compare, compare_values
from fullglow_jax.perception.inception import FEATURES, PRETRAINED_INCEPTION, look
from fullglow_jax.perception.inception_photos import PREPROCESSINGS
from fullglow_jax.perception.lpips import ALEX, VGG, Lpips, head_name
from fullglow_jax.perception.network import Pretrained, Weights
from fullglow_jax.perception.weights import as_ours

ARITHMETIC = 1e-6
"""Tolerance of what is computed of features."""

INCEPTION = 1e-4

DISTANCES = 1e-5
"""Tolerance of distances in activations, relative to the largest."""

GRADIENTS = 1e-3

OTHER_KERNELS: dict[str, kernel_distance.Kernel] = {
    "kid_rbf": partial(kernel_distance.gaussian, deviation=3.0),
    "kid_degree2": partial(kernel_distance.polynomial, degree=2, scale=0.1, shift=0.5),
}
"""Kernels other than KID's, by the names of what was recorded with them."""


# ---- arithmetic of features ----------------------------------------------------------------------


def arithmetic(recording: RecordedArrays) -> list[Row]:
    """Fréchet and kernel distances, the Inception score, precision and recall."""
    r = recording
    first, second, logits = r["features_1"], r["features_2"], r["logits"]
    of_first, of_second = statistics(first), statistics(second)
    of_few = statistics(first[:8])
    found = {
        "mean_1": of_first.mean,
        "covariance_1": of_first.covariance,
        "isc": _mean_and_deviation(inception_scores(logits)),
        "isc_3_in_order": _mean_and_deviation(inception_scores(logits, 3, shuffled=False)),
        "precision_recall": precision_recall(drawn=first, true=second),
    }
    distances = {
        "fid": frechet_distance(of_first, of_second),
        "fid_same": frechet_distance(of_first, of_first),
        "fid_few": frechet_distance(of_few, of_second),
    }
    for name, distance in distances.items():
        found |= {name: distance, f"{name}_pytorch_fid": distance}
    rows = [
        # Of equal sets, 0 was recorded up to rounding: there is nothing to be relative to.
        compare(
            name, value, r[f"f64::{name}"], "absolute" if "same" in name else "relative", ARITHMETIC
        )
        for name, value in found.items()
        if f"f64::{name}" in r
    ]
    return [*rows, *_kernel_rows(r)]


def _kernel_rows(r: RecordedArrays) -> Iterator[Row]:
    """Kernel distances, relative to the kernels that they are small differences of.

    They were recorded in float32, whose rounding is relative to those.
    """
    first, second = r["features_1"], r["features_2"]
    subsets, size = (r.meta["kid"][name] for name in ("kid_subsets", "kid_subset_size"))
    kernels: dict[str, kernel_distance.Kernel] = {"kid": kernel_distance.polynomial}
    for name, kernel in (kernels | OTHER_KERNELS).items():
        distances = kernel_distance.of_subsets(first, second, subsets, size, kernel)
        found: dict[str, Any] = {name: _mean_and_deviation(distances)}
        if name == "kid":
            found["mmd2_of_first"] = kernel_distance.kernel_distance(first[:size], second[:size])
        scale = float(np.abs(kernel(first, second)).mean())
        for quantity, ours in found.items():
            row = compare(quantity, ours, r[f"f64::{quantity}"], "relative", ARITHMETIC)
            yield row._replace(relative=row.absolute / scale)


def _mean_and_deviation(values: np.ndarray) -> tuple[float, float]:
    return float(values.mean()), float(values.std())


# ---- Inception -----------------------------------------------------------------------------------


def of_inception(recording: RecordedArrays) -> list[Row]:
    """Features and logits of photos under both preprocessings, and both resizings."""
    r = recording
    weights = _weights(r, "inception.", PRETRAINED_INCEPTION)
    photos = r["photos"].transpose(0, 2, 3, 1)
    rows = []
    for prefix, name in (("fidelity", "torch_fidelity"), ("pytorch_fid", "pytorch_fid")):
        preprocess = PREPROCESSINGS[name]
        seen = jax.jit(look)(weights, np.stack(list(map(preprocess, photos))))
        found = {f"{prefix}_{width}": seen.features[width] for width in FEATURES}
        found |= {f"{prefix}_logits": seen.logits, f"{prefix}_logits_unbiased": seen.unbiased}
        resized = "resized" if prefix == "fidelity" else "resized_pytorch"
        size = r[resized].shape[2:]
        ours = np.stack([preprocess.resize(photo.astype(np.float32), size) for photo in photos])
        found[resized] = ours.transpose(0, 3, 1, 2)
        rows += [compare_values(n, v, r[n], INCEPTION) for n, v in found.items() if n in r]
    return rows


# ---- LPIPS and the perceptual loss ---------------------------------------------------------------


def of_lpips(recording: RecordedArrays) -> list[Row]:
    """Distances and their gradients, in AlexNet and in VGG-16."""
    r = recording
    x, y = r.image("x"), r.image("y")
    rows = []
    for name, prefix, lpips in (("alex", "alexnet.", ALEX), ("vgg", "vgg16.", VGG)):
        weights = _weights(r, prefix, lpips.pretrained)
        heads = {head_name(layer) for layer in range(5)}
        even = {n: np.ones_like(w) if n in heads else w for n, w in weights.items()}
        distance = jax.jit(lpips.__call__)
        by_layer, gradient = jax.jit(partial(_with_gradient, lpips))(weights, x, y)
        found = {
            name: by_layer.sum(0),
            f"{name}_layers": by_layer,
            f"{name}_unit_input": distance(weights, 2 * (x + 1) / 2 - 1, 2 * (y + 1) / 2 - 1),
            f"{name}_without_heads": distance(even, x, y),
        }
        rows += [compare_values(n, value, r[n], DISTANCES) for n, value in found.items()]
        of_x = f"{name}_grad_x"
        rows.append(compare(of_x, gradient, r.image(of_x), "relative", GRADIENTS))
    return rows


def _with_gradient(lpips: Lpips, weights: Weights, x: Array, y: Array) -> tuple[Array, Array]:
    """Distances by layer, (5, B), and the gradient to x of all of them together."""
    by_layer, pullback = jax.vjp(lambda x: lpips.by_layer(weights, x, y), x)
    return by_layer, *pullback(jnp.ones_like(by_layer))


def _weights(recording: RecordedArrays, prefix: str, network: Pretrained) -> Weights:
    """A network's weights; those that are not recorded have a constant by the end of their name."""
    constants = recording.meta.get("constants", {})
    found = {}
    for name, shape in network.shapes.items():
        recorded = recording.state.get(f"{prefix}{name}")
        constant = next((v for end, v in constants.items() if name.endswith(end)), None)
        if recorded is None and constant is None:
            raise KeyError(f"{prefix}{name}")
        tensor = np.full(shape, constant, np.float32) if recorded is None else as_ours(recorded)
        found[name] = jnp.asarray(tensor)
    return found


SYSTEMS: dict[str, Callable[[RecordedArrays], list[Row]]] = {
    "metrics: arithmetic": arithmetic,
    "metrics: Inception of FID": of_inception,
    "metrics: LPIPS": of_lpips,
}
"""By `meta["system"]`."""
