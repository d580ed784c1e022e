"""Configs with the paper's values, and their form in JSON."""

import json
from typing import Any

from ml_collections import ConfigDict

from fullglow_jax.config.migrations import SCHEMA, migrated
from fullglow_jax.errors import UserError


def default_config(family: str = "full_glow") -> ConfigDict:
    """A family's config, as in its paper; for a Full-Glow, that is Cityscapes at 256×256.

    All keys are defined in `config/sections.py` and, for `config.model`, in the settings that the
    family's entry in `model_registry.FAMILIES` names.

    Args:
        family: "full_glow", or its relatives "c_flow", "c_glow" and "dual_glow"; "glow", for the
            targets alone; "pix2pix", a GAN; or "pspnet", which labels photos. It becomes
            `config.model.name`.

    Raises:
        UserError: If there is no such family.
    """
    # Not at the top: commands that only parse flags need not import JAX and Flax.
    from fullglow_jax.config.sections import Common
    from fullglow_jax.model_registry import family_of
    from fullglow_jax.settings.section import defaults_of

    config = defaults_of(Common)
    config.model = defaults_of(family_of(family).settings)
    config.model.name = family
    config.train.temperature = family_of(family).temperature
    return config


def to_json(config: ConfigDict) -> dict[str, Any]:
    """A config as plain JSON values, with the number of its schema."""
    plain: dict[str, Any] = json.loads(config.to_json_best_effort())
    return {"schema": SCHEMA, **plain}


def from_json(stored: dict[str, Any]) -> ConfigDict:
    """The config that `to_json` stored; keys added since get their defaults.

    Raises:
        UserError: If a later version stored it, or it has a key that no version knows.
    """
    values = migrated(stored)
    config = default_config(values.get("model", {}).get("name", "full_glow"))
    _update(config, values, "config")
    return config


def _update(config: ConfigDict, stored: dict[str, Any], name: str) -> None:
    for key, value in stored.items():
        if key not in config:
            raise UserError(
                f"The checkpoint's {name}.{key} is not known to this version of fullglow_jax. "
                "Use the version that wrote the checkpoint, or a later one."
            )
        if isinstance(value, dict):
            _update(config[key], value, f"{name}.{key}")
        else:
            config[key] = tuple(value) if isinstance(value, list) else value
