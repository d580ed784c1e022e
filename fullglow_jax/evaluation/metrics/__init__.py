"""The metrics by name, in the order of reports."""

from fullglow_jax.evaluation.metrics.bits_per_dim import BitsPerDimension
from fullglow_jax.evaluation.metrics.diversity import Diversity
from fullglow_jax.evaluation.metrics.frechet import Fid, FrechetDistanceOfJudge
from fullglow_jax.evaluation.metrics.inception_score import InceptionScore
from fullglow_jax.evaluation.metrics.instance_diversity import InstanceDiversity
from fullglow_jax.evaluation.metrics.kernel import KernelDistanceOfJudge, Kid
from fullglow_jax.evaluation.metrics.lpips import Lpips
from fullglow_jax.evaluation.metrics.metric import Metric
from fullglow_jax.evaluation.metrics.photo2label import PhotoToLabel
from fullglow_jax.evaluation.metrics.precision_recall import PrecisionRecall
from fullglow_jax.evaluation.metrics.psnr import Psnr
from fullglow_jax.evaluation.metrics.psp import Psp
from fullglow_jax.evaluation.metrics.redraw import Redraw
from fullglow_jax.evaluation.metrics.ssim import Ssim

METRICS: dict[str, type[Metric]] = {
    metric.name: metric
    for metric in (
        BitsPerDimension,
        Redraw,
        Ssim,
        Psnr,
        Diversity,
        InstanceDiversity,
        PhotoToLabel,
        Psp,
        Lpips,
        FrechetDistanceOfJudge,
        KernelDistanceOfJudge,
        Fid,
        Kid,
        PrecisionRecall,
        InceptionScore,
    )
}
