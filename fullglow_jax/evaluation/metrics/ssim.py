"""Structural similarity."""

from typing import Any

from fullglow_jax.evaluation.metrics.similarity import Similarity


class Ssim(Similarity):
    """Structural similarity (Wang et al. 2004), with its Gaussian window of 11 pixels."""

    name = "ssim"
    about = "structural likeness of drawn images to the true ones"
    higher_is_better = True

    @staticmethod
    def similarity(x: Any, y: Any) -> Any:
        import dm_pix

        return dm_pix.ssim(x, y)
