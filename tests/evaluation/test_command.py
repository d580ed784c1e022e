"""What eval.py refuses before it loads anything."""

from dataclasses import replace
from pathlib import Path

import pytest

from fullglow_jax.config import default_config
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation import command
from fullglow_jax.evaluation.command import evaluate
from fullglow_jax.evaluation.request import EvaluationRequest

REQUEST = EvaluationRequest(workdir=Path("nowhere"), batch_size=2)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"images": Path()}, "--images has images alone"),
        ({"metrics": ("psp",)}, "--judge takes the workdir of a pspnet"),
    ],
)
def test_bad_requests(changes, named):
    with pytest.raises(UserError, match=named):
        evaluate(default_config(), replace(REQUEST, **changes))


def test_a_glow_has_no_images_of_conditions():
    config = default_config("glow")
    with pytest.raises(
        UserError, match=r"a glow, reads no conditions\..* --metrics bpd or redraw alone"
    ):
        evaluate(config, replace(REQUEST, metrics=("ssim",)))


def test_what_other_code_found_is_not_gone_on_with(monkeypatch):
    names = {command._identity(REQUEST), command._identity(replace(REQUEST, batch_size=8))}
    assert len(names) == 1  # which does not decide what is found
    monkeypatch.setattr(command, "code_version", lambda: {"fullglow-jax": "another"})
    assert command._identity(REQUEST) not in names
