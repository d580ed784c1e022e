"""Options of all sources, refused by all of them in the same words."""

from collections.abc import Collection, Iterable

from ml_collections import ConfigDict

from fullglow_jax.errors import UserError
from fullglow_jax.models.annotations import Annotations

_ASKED = {
    "boundary": (
        "config.data.boundary asks for boundary maps",
        "Leave it out, or use data in the layout of Cityscapes.",
    ),
    "instances": (
        "the model asks for instance ids",
        "Use a layout that has them, cityscapes say, name their folder with "
        "--config.data.instances (of two_folders), or let each class be one instance: "
        "--config.model.instances=0.",
    ),
    "label": (
        "the model asks for each example's class",
        "Say where classes come from with --config.data.labels, or use data with classes, "
        "--config.data.name=mnist say.",
    ),
}
"""By annotation: the setting that asks for it, and what to do without it."""


def chosen_direction(direction: str | None, directions: Iterable[str]) -> str:
    """The direction, or the first of `directions` for None.

    Raises:
        UserError: If it is not one of `directions`.
    """
    there = list(directions)
    if direction is None:
        return there[0]
    if direction not in there:
        raise UserError(
            f"config.data.direction={direction!r} is not one of this data's: {', '.join(there)}."
        )
    return direction


def check_label_maps(named: Iterable[str], parts: Iterable[str]) -> None:
    """Checks that the parts of pairs that are said to be label maps are there.

    Raises:
        UserError: If one is not; names it.
    """
    there = list(dict.fromkeys(parts))
    for part in named:
        if part not in there:
            raise UserError(
                f"config.data.label_maps names {part!r}, which is no part of this data's pairs: "
                f"{', '.join(there)}."
            )


def asked_annotations(config: ConfigDict) -> Annotations:
    """The annotations that a config asks of its data, but for classes."""
    return Annotations(config.data.boundary, instances=config.model.get("instances", 0))


def check_annotations(asked: Annotations, there: Collection[str]) -> None:
    """Checks that all annotations that are asked for are there.

    Raises:
        UserError: If one is not; names it.
    """
    for name in asked.names:
        if name not in there:
            who, mend = _ASKED[name]
            raise UserError(f"{who}, which this data does not have. {mend}")
