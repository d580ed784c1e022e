"""Options that sources share, refused by all of them in the same words."""

from collections.abc import Iterable

from fullglow_jax.data.images import FITS
from fullglow_jax.errors import UserError


def chosen_direction(direction: str | None, directions: Iterable[str]) -> str:
    """The direction asked for, or the first there is for None.

    Raises:
        UserError: It is none of them.
    """
    there = list(directions)
    if direction is None:
        return there[0]
    if direction not in there:
        raise UserError(
            f"config.data.direction={direction!r} is not one of this data's: {', '.join(there)}."
        )
    return direction


def check_fit(how: str) -> None:
    """Returns where `how` is one of `images.FITS`.

    Raises:
        UserError: Where it is not.
    """
    if how not in FITS:
        raise UserError(f"config.data.fit={how!r} is not one of {', '.join(FITS)}.")


def check_boundary(asked: bool, there: bool) -> None:
    """Returns unless boundary maps are asked for that are not there.

    Raises:
        UserError: Where they are.
    """
    if asked and not there:
        raise UserError(
            "config.model.condition asks for boundary maps, which this data does not have. "
            "Set --config.model.condition=source, or use data in the layout of Cityscapes."
        )
