"""What a run is validated by, as its model can have it and its config asks for it."""

import dataclasses

import jax
import numpy as np
import optax
import pytest

from fullglow_jax.config import default_config
from fullglow_jax.config.keys import check_config
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.observers import Asked
from fullglow_jax.evaluation.request import EvaluationRequest
from fullglow_jax.model_registry import build_model
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.runs.score import Goal
from fullglow_jax.runs.trained import abstract_state
from fullglow_jax.training.validation import Validation

GREY = np.full((16, 16, 3), 100, np.uint8)


TINY = {
    "full_glow": {"model.steps": (1,), "model.coupling_width": 4, "model.spatial_width": 4},
    "glow": {"model.steps": (1,), "model.coupling_width": 4},
    "pspnet": {
        "model.blocks": (1, 1, 1, 1),
        "model.width": 4,
        "data.direction": "photo2label",
    },
}


def goal(family="full_glow", **changes):
    """Of a tiny model, on a split of one pair."""
    config = default_config(family)
    asked = {key.replace("__", "."): value for key, value in changes.items()}
    config.update_from_flattened_dict({"data.image_size": (16, 16), **TINY[family], **asked})
    check_config(config)
    model, devices = build_model(config, optax.constant_schedule(0.0)), Devices()
    pairs = [{"condition": GREY, "target": GREY, "name": "grey"}]
    like = abstract_state(model, devices)
    return Validation(config, model, pairs, devices, jax.random.key(0), like.variables).goal


CONDITIONAL, SSIM = Goal("bits_per_dim/conditional"), Goal("ssim", higher_is_better=True)
PSPNET = {"family": "pspnet"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, CONDITIONAL),
        ({"family": "glow"}, Goal("bits_per_dim/image")),
        (PSPNET, Goal("cross_entropy")),
        ({"train__metrics": ("bpd", "ssim")}, CONDITIONAL),
        ({"train__metrics": ("ssim", "bpd")}, SSIM),
        ({"train__metrics": ("bpd", "ssim"), "train__best_by": "ssim"}, SSIM),
        ({"train__best_by": "bits_per_dim/source"}, Goal("bits_per_dim/source")),
        ({"train__metrics": ("redraw", "bpd")}, Goal("psnr_r", higher_is_better=True)),
        (
            {"train__metrics": ("bpd", "redraw"), "train__best_by": "ssim_r_temp"},
            Goal("ssim_r_temp", higher_is_better=True),
        ),
        ({**PSPNET, "train__metrics": ("ssim", "scores")}, SSIM),
    ],
)
def test_what_a_run_goes_by(changes, expected):
    assert goal(**changes) == expected


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"train__metrics": ("bdp",)}, "metrics=bdp: .* did you mean 'bpd'"),
        ({"train__metrics": ("psp",)}, "metrics=psp: .* without a judge; eval.py --metrics psp"),
        (
            {"train__metrics": ("fid",)},
            "metrics=fid: .* without FID's Inception; .*train.inception",
        ),
        ({"train__metrics": ("fd_judge",)}, "metrics=fd_judge: .* --config.train.judge names one"),
        ({"train__metrics": ("scores",)}, "metrics=scores: .* a full_glow, has no scores"),
        ({**PSPNET, "train__metrics": ("bpd",)}, "metrics=bpd: .* a pspnet, has no likelihood"),
        ({**PSPNET, "train__metrics": ("redraw",)}, "metrics=redraw: .* a pspnet, cannot encode"),
        ({"family": "glow", "train__metrics": ("ssim",)}, "a glow, reads no conditions"),
        ({"train__best_by": "ssim"}, "best_by=ssim: .* did you mean 'bits_per_dim/"),
        ({"train__metrics": ("ssim",), "train__best_by": "psnr"}, "best_by=psnr: .* are: ssim."),
        # Grey is no label's colour.
        ({**PSPNET, "train__metrics": ("photo2label",)}, "metrics=photo2label is taken at the mod"),
    ],
)
def test_what_there_is_not_is_refused_before_the_first_step(changes, named):
    with pytest.raises(UserError, match=named):
        goal(**changes)


def test_what_validation_sees_is_what_eval_sees():
    """With the same flags: FID in training can be any program's."""
    config = default_config("pix2pix")
    flags = {
        "inception_features": "768",
        "preprocessing": "pytorch_fid",
        "lpips_network": "vgg",
        "inception": "inception.npz",
    }
    config.train.update(flags)
    check_config(config)
    asked = Asked.of(config.train)
    assert {name: getattr(asked, name) for name in flags} == flags
    own, theirs = EvaluationRequest(), default_config().train
    for field in dataclasses.fields(Asked):
        assert getattr(own, field.name) == theirs[field.name]
