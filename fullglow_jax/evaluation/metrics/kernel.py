"""Kernel distances: KID, and that in the features of the judge."""

from collections.abc import Sequence

from fullglow_jax.evaluation.metrics.metric import ImageMetric, Result
from fullglow_jax.evaluation.metrics.of_sets import OF_INCEPTION, Seen, SetMetric, features_of
from fullglow_jax.evaluation.of_features.kernel_distance import SUBSET_SIZE, SUBSETS, of_subsets


class KernelDistance(SetMetric):
    """The kernel distance of the drawn images from the true ones, the mean over 100 subsets.

    Subsets have 1000 images, or all if there are fewer.
    """

    digits = 5
    needs_images = True

    def of_round(self, drawn: Sequence[Seen], true: Sequence[Seen]) -> dict[str, float]:
        size = min(SUBSET_SIZE, len(drawn), len(true))
        # There is one subset of all; in another order, it has the same distance.
        subsets = 1 if size == len(drawn) == len(true) else SUBSETS
        distances = of_subsets(features_of(drawn), features_of(true), subsets, size)
        return {
            "distance": float(distances.mean()),
            "deviation_of_subsets": float(distances.std()),
            "images_of_a_subset": size,
        }

    @classmethod
    def caution(cls, result: Result) -> str:
        size = round(result["images_of_a_subset"]["mean"])
        if size == SUBSET_SIZE:
            return ""
        column = cls.title()
        return f"{column} is of subsets of {size} images, as there are fewer than {SUBSET_SIZE}"


class Kid(KernelDistance):
    """KID: the kernel distance in Inception's features (Bińkowski et al. 2018)."""

    name = "kid"
    about = "kernel distance of drawn images from the true ones in Inception's features"
    reads = (*ImageMetric.reads, *OF_INCEPTION, "against")
    observer = measured_as = "inception"
    columns = (("distance", "KID"),)


class KernelDistanceOfJudge(KernelDistance):
    """KD-judge: the kernel distance in the mean over places of what a judge's classifier reads."""

    name = "kd_judge"
    about = "kernel distance of drawn images from the true ones in a judge's features"
    reads = (*ImageMetric.reads, "judge", "against")
    observer = measured_as = "judge"
    columns = (("distance", "KD-judge"),)
