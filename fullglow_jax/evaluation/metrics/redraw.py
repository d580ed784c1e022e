"""Likeness of partial re-draws, in reports."""

from typing import Any

from fullglow_jax.evaluation.metrics.metric import ExampleFigures, ModelMetric, Result
from fullglow_jax.evaluation.summary import Figure, figure
from fullglow_jax.sampling.capabilities import LATENTS

HEADLINE = "psnr_r"
DIGITS = {"psnr": 2, "ssim": 4}


class Redraw(ModelMetric):
    """PSNR and SSIM of images of which only the coarsest latent is kept.

    All finer latents are drawn anew: at temperature 1 ("r") and at a lower one ("r_temp"). It is
    the validation of `dajinstory/glow-pytorch`, of all images where that takes one of each batch.
    """

    name = "redraw"
    about = "likeness of images whose finer latents are drawn anew, at temperature 1 and at another"
    reads = ("temperature",)
    needs = (LATENTS,)
    higher_is_better = True

    @staticmethod
    def score(*arguments: Any) -> dict[str, Any]:
        """The entries of the report, JSON values."""
        from fullglow_jax.evaluation.redraws import score_split

        return score_split(*arguments)

    @classmethod
    def of_examples(cls, model: Any, temperature: float) -> ExampleFigures:
        from fullglow_jax.evaluation.redraws import redraw_scores

        return ExampleFigures(redraw_scores(model, temperature), HEADLINE, higher_is_better=True)

    @classmethod
    def result_in(cls, report: dict[str, Any]) -> Result | None:
        return report.get("redraw")

    @classmethod
    def value(cls, result: Result) -> float | None:
        """The mean PSNR at temperature 1."""
        return super().value(result[HEADLINE])

    @classmethod
    def figures(cls, result: Result) -> list[Figure]:
        """One for each similarity and temperature; their columns have the original's names."""
        temperatures = {"r": 1.0, "r_temp": result["temperature"]}
        return [
            figure(
                f"{name} of re-draws, T = {temperature:g}",
                result[f"{name}_{drawn}"],
                digits,
                column=f"{name} {drawn}",
            )
            for drawn, temperature in temperatures.items()
            for name, digits in DIGITS.items()
        ]
