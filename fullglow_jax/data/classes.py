"""Classes of examples, by name."""

import difflib
from collections.abc import Sequence

from fullglow_jax.data.faults import Fault
from fullglow_jax.data.names import canonical
from fullglow_jax.errors import UserError

FOLDERS = "folders"
"""The value of `config.data.labels` for classes that are the names of folders."""

SHOWN = 12
"""Number of classes that a message names."""


def folder_class(name: str) -> str | None:
    """The class of an example in a folder of its class: of "cat/1.png", "cat"."""
    folder, slash, _ = name.partition("/")
    return folder if slash else None


def listed(classes: Sequence[str]) -> str:
    """The names of classes, or of the first of many."""
    more = f" and {len(classes) - SHOWN} more" if len(classes) > SHOWN else ""
    return ", ".join(map(repr, classes[:SHOWN])) + more


def class_index(name: str, classes: Sequence[str], what: str) -> int:
    """A class's index.

    Args:
        name: The class's name.
        classes: The names of all classes that the model knows.
        what: What has the class, which begins the message.

    Raises:
        UserError: If the model does not know the class; names the nearest.
    """
    if (same := canonical(name)) in classes:
        return classes.index(same)
    near = difflib.get_close_matches(name, classes, n=1, cutoff=0)[0]
    raise UserError(
        f"{what} {name!r}: training has never seen this class; did you mean {near!r}? There are: "
        f"{listed(classes)}."
    )


def class_fault(case: str, name: str | None, classes: Sequence[str]) -> Fault | None:
    """The fault of an example without a class, or of one that training has not seen."""
    if not name:
        mend = (
            "Move each into a folder of its class, ROOT/SPLIT/CLASS/NAME.png, or give each a class "
            "in the CSV, as config.data.labels says."
        )
        return Fault("images without a class", case, mend)
    if name in classes:
        return None
    mend = f"Give these one of its classes, or leave them out: {listed(classes)}."
    return Fault("images of classes that training has never seen", f"{case}: {name}", mend)
