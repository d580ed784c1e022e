"""Migrations of configs of earlier versions to today's keys.

Each schema has a number, which is stored with a config (1 if it is missing). A change of names or
meanings is one function here, and the next number.
"""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from fullglow_jax.errors import UserError

MOVED = {
    "model.condition": "data.boundary",
    "optimizer.source_weight": "model.source_weight",
    "model.pspnet.blocks": "model.blocks",
    "model.pspnet.width": "model.width",
    "model.pspnet.bins": "model.bins",
    "model.pspnet.dropout": "model.dropout",
}
"""Today's names for keys of earlier schemas, for messages."""

_BOUNDARY = {"source": "", "source+boundary": "smooth", "source+boundary_ceil": "ceil"}
_ONLY_FULL_GLOW = ("spatial_width", "source_weight")


def _family_sections(stored: dict[str, Any]) -> None:
    """1 to 2: `config.model` has the keys of one family only; `config.data` has boundary maps."""
    data, model, optimizer = (stored.setdefault(s, {}) for s in ("data", "model", "optimizer"))
    condition = model.pop("condition", "source")
    data["boundary"] = _BOUNDARY.get(condition, condition)
    pspnet = model.pop("pspnet", {})
    if "source_weight" in optimizer:
        model["source_weight"] = optimizer.pop("source_weight")
    name = model.setdefault("name", "full_glow")
    if name == "pspnet":
        stored["model"] = {"name": name, **pspnet}
    elif name == "glow":
        stored["model"] = {k: v for k, v in model.items() if k not in _ONLY_FULL_GLOW}


_STEPS: tuple[Callable[[dict[str, Any]], None], ...] = (_family_sections,)
"""Migrations from each schema to the next; each changes the stored config in place."""

SCHEMA = 1 + len(_STEPS)
"""The schema of configs that this version stores."""


def migrated(stored: dict[str, Any]) -> dict[str, Any]:
    """The sections of a stored config in this version's schema; `stored` does not change.

    Raises:
        UserError: If a later version stored it.
    """
    values = deepcopy(stored)
    schema = values.pop("schema", 1)
    if schema > SCHEMA:
        raise UserError(
            f"The checkpoint's config is of schema {schema}, of a later version of fullglow_jax "
            f"than this one, which knows {SCHEMA}. Use the version that wrote it, or a later one."
        )
    for step in _STEPS[schema - 1 :]:
        step(values)
    return values


def renamed(name: str) -> str | None:
    """A message for a key or section that has another name now; None for others."""
    if new := MOVED.get(name):
        values = (f"{after!r} for {before!r}" for before, after in _BOUNDARY.items())
        return f"is now config.{new}" + (f": {', '.join(values)}" if new == "data.boundary" else "")
    inside = [new for old, new in MOVED.items() if old.startswith(f"{name}.")]
    return f"is now config.{', config.'.join(inside)}" if inside else None
