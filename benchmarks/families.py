"""The flows that benchmarks run, by family, and how they are run if nothing else is asked for."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import optax

from fullglow_jax.config import default_config
from fullglow_jax.flows.model import FlowModel
from fullglow_jax.model_registry import build_model


class Benched(NamedTuple):
    """A family's usual run.

    Attributes:
        cases: SIZE:MEMORY_MODE of training steps.
        steps: Of each level.
        batch: Images in a training step.
        settings: Of `config.model`, so that it is the same function as its original.
    """

    cases: tuple[str, ...]
    steps: tuple[int, ...]
    batch: int = 1
    settings: Mapping[str, Any] = MappingProxyType({})


BENCHED = {
    "full_glow": Benched(("128x128:store", "256x256:remat", "256x256:invert"), (8, 8, 8, 8)),
    "c_flow": Benched(("128x128:store",), (8, 8, 8, 8)),
    "c_glow": Benched(("128x128:store",), (8, 8, 8)),
    "dual_glow": Benched(("128x128:store",), (8, 8, 8, 8)),
    "glow": Benched(
        ("64x64:store",),
        (12, 12, 12, 12),
        batch=8,
        settings=MappingProxyType(
            {
                "actnorm": "log_scale",
                "coupled_half": "first",
                "coupling_scale": "exp_glow",
                "prior": "standard",
                "centred": True,
            }
        ),
    ),
}
"""By `config.model.name`."""


def flow_of(
    family: str, image_size: tuple[int, int], steps: tuple[int, ...], **settings: Any
) -> FlowModel:
    """A family's model, with the optimiser of its config; `settings` are of `config.model`."""
    config = default_config(family)
    config.data.image_size = image_size
    config.model.update({**BENCHED[family].settings, **settings, "steps": steps})
    model = build_model(config, optax.constant_schedule(1e-4))
    assert isinstance(model, FlowModel)
    return model
