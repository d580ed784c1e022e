"""Capabilities that only some models have, and messages for models without them."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple


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


def _implements(protocol: str) -> Callable[[Any], bool]:
    """Whether a model implements one of the interface's protocols, by the protocol's name."""

    def of(model: Any) -> bool:
        # Only when it is asked: --help lists capabilities, and does not wait for JAX.
        from fullglow_jax.models import interface

        return isinstance(model, getattr(interface, protocol))

    return of


CONDITIONS = Capability("reads no conditions", lambda model: model.reads_conditions)
CONDITIONS_OR_CLASSES = Capability(
    "reads neither conditions nor classes",
    lambda model: model.reads_conditions or model.shapes.annotations.label,
)
LIKELIHOOD = Capability(
    "has no likelihood of images, and so no bits per dimension", _implements("LikelihoodModel")
)
LATENTS = Capability(
    "cannot encode images: it has no latents of them", _implements("InvertibleModel")
)
OWN_CONDITIONS = Capability(
    "draws no conditions: it has no density of them", _implements("ConditionModel")
)
INSTANCES = Capability(
    "draws no style for each instance, so that none can be drawn anew alone",
    _implements("InstanceModel"),
)
