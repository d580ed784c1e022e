"""Capabilities that only some models have, and messages for models without them."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from fullglow_jax.models.interface import ConditionModel, InvertibleModel, LikelihoodModel


class Capability(NamedTuple):
    """A capability that not every model has (`models/interface.py`).

    Attributes:
        lacking: The message for a model without it, which follows the model's name.
        of: Whether a model has it.
    """

    lacking: str
    of: Callable[[Any], bool]


def lacking(model: Any, needs: Sequence[Capability]) -> list[str]:
    """The messages of those capabilities that a model lacks."""
    return [needed.lacking for needed in needs if not needed.of(model)]


CONDITIONS = Capability("reads no conditions", lambda model: model.reads_conditions)
LIKELIHOOD = Capability(
    "has no likelihood of images, and so no bits per dimension",
    lambda model: isinstance(model, LikelihoodModel),
)
LATENTS = Capability(
    "cannot encode images: it has no latents of them",
    lambda model: isinstance(model, InvertibleModel),
)
OWN_CONDITIONS = Capability(
    "draws no conditions: it has no density of them",
    lambda model: isinstance(model, ConditionModel),
)
