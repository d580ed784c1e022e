"""What eval.py refuses before it loads anything."""

from dataclasses import replace
from pathlib import Path

import pytest

from fullglow_jax.config import default_config
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.command import EvaluationRequest, evaluate

REQUEST = EvaluationRequest(
    workdir=Path("nowhere"),
    checkpoint="latest",
    split="val",
    metrics=("bpd",),
    limit=None,
    seed=0,
    batch_size=2,
    draws=1,
    images=None,
    rounds=3,
    temperature=0.7,
    judge=None,
    skip_bad=False,
)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"metrics": ("bpd", "ssmi")}, "ssmi: .* did you mean 'ssim'"),
        ({"metrics": ()}, "--metrics : there is no such metric"),
        ({"images": Path()}, "--images has images alone"),
        ({"metrics": ("psp",)}, "--judge takes the workdir of a pspnet"),
        ({"judge": Path("judge")}, "--judge is asked by --metrics psp or diversity"),
    ],
)
def test_bad_requests(changes, named):
    with pytest.raises(UserError, match=named):
        evaluate(default_config(), replace(REQUEST, **changes))


def test_a_glow_has_no_images_of_conditions():
    config = default_config()
    config.model.name = "glow"
    with pytest.raises(UserError, match="--metrics bpd alone"):
        evaluate(config, replace(REQUEST, metrics=("ssim",)))
