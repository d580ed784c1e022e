"""Faults of data sets, and messages about them."""

from collections.abc import Sequence
from typing import NamedTuple

from fullglow_jax.errors import UserError

SHOWN = 3
"""Number of cases of one kind that a message names."""


class Fault(NamedTuple):
    """A reason why an example cannot be used.

    Attributes:
        kind: Name for all faults of this kind, for example "photos without label map".
        case: This fault, with the names of its files.
        mend: A remedy for this kind.
    """

    kind: str
    case: str
    mend: str


def refuse(faults: Sequence[Fault]) -> None:
    """Raises an error if there are faults.

    Raises:
        UserError: If there are faults; counts them by kind and names the first of each.
    """
    if faults:
        raise UserError(described(faults))


def described(faults: Sequence[Fault], shown: int | None = SHOWN) -> str:
    """The faults by kind: their number, the first cases (all, if `shown` is None), a remedy."""
    lines = []
    for kind, mend in dict.fromkeys((fault.kind, fault.mend) for fault in faults):
        cases = [fault.case for fault in faults if (fault.kind, fault.mend) == (kind, mend)]
        lines.append(f"{kind}: {len(cases)}")
        lines += [f"  {case}" for case in cases[:shown]]
        if shown is not None and len(cases) > shown:
            lines.append(f"  and {len(cases) - shown} more")
        lines.append(mend)
    return "\n".join(lines)
