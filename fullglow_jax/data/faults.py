"""What is wrong with a data set, and how to say it."""

from collections.abc import Sequence
from typing import NamedTuple

from fullglow_jax.errors import UserError

SHOWN = 3
"""Cases of one kind that a message names."""


class Fault(NamedTuple):
    """One thing that keeps an example from being used.

    Attributes:
        kind: What cases like this have in common, for example "photos without label map".
        case: This one, naming its files.
        mend: What helps against this kind.
    """

    kind: str
    case: str
    mend: str


def refuse(faults: Sequence[Fault], advice: str = "") -> None:
    """Returns where there are no faults.

    Raises:
        UserError: Where there are; counts them by kind and names the first of each.
    """
    if faults:
        raise UserError("\n".join([described(faults), *([advice] if advice else [])]))


def described(faults: Sequence[Fault], shown: int | None = SHOWN) -> str:
    """The faults by kind: how many, the first cases, or all for None, and what helps."""
    lines = []
    for kind, mend in dict.fromkeys((fault.kind, fault.mend) for fault in faults):
        cases = [fault.case for fault in faults if (fault.kind, fault.mend) == (kind, mend)]
        lines.append(f"{kind}: {len(cases)}")
        lines += [f"  {case}" for case in cases[:shown]]
        if shown is not None and len(cases) > shown:
            lines.append(f"  and {len(cases) - shown} more")
        lines.append(mend)
    return "\n".join(lines)
