"""Pretrained networks that a model learns from, read before the first step."""

from collections.abc import Sequence

from ml_collections import ConfigDict

from fullglow_jax.evaluation.judge import load_judge
from fullglow_jax.files.paths import user_path
from fullglow_jax.models.interface import Activations, Model, TaughtModel


def read_teachers(model: Model, parallel: ConfigDict) -> Sequence[str]:
    """Reads the networks that a model's objective asks, and returns what they are, in words.

    Args:
        model: The model.
        parallel: `config.parallel`.

    Raises:
        UserError: If one cannot be read, or is another one.
    """

    def judge(path: str) -> tuple[str, Activations]:
        found = load_judge(user_path(path), parallel)
        return f"the judge {found.name}", found.activations

    return model.read_teachers(judge) if isinstance(model, TaughtModel) else ()
