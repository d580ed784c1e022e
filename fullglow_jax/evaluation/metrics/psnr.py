"""Peak signal-to-noise ratio."""

from typing import Any

from fullglow_jax.evaluation.metrics.similarity import Similarity


class Psnr(Similarity):
    """Peak signal-to-noise ratio in decibels; None if an image equals the truth."""

    name = "psnr"
    about = "likeness of drawn images to the true ones, pixel by pixel, in decibels"
    higher_is_better = True
    digits = 2

    @staticmethod
    def similarity(x: Any, y: Any) -> Any:
        import dm_pix

        return dm_pix.psnr(x, y)
