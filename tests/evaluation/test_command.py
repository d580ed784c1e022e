"""What eval.py refuses before it loads anything."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fullglow_jax.config import default_config
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation import observers, scoring
from fullglow_jax.evaluation.command import evaluate
from fullglow_jax.evaluation.request import EvaluationRequest

REQUEST = EvaluationRequest(workdir=Path("nowhere"), batch_size=2)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"images": Path()}, "--images has images alone"),
        ({"metrics": ("ssim",), "against": Path("b")}, "--against b: --metrics ssim compares each"),
        ({"metrics": ("psp",)}, "--judge takes the workdir of a pspnet"),
        ({"metrics": ("kd_judge",)}, "--metrics kd_judge asks what a judge finds"),
        ({"metrics": ("fid",)}, r"--metrics fid .* --inception takes https://github\.com"),
        (
            {"metrics": ("fid", "fd_judge"), "save_statistics": Path("a.npz")},
            "fd_judge and fid have statistics of different features",
        ),
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


def test_without_the_package_of_lpips(monkeypatch):
    monkeypatch.setattr(observers, "package_folder", lambda: None)
    with pytest.raises(
        UserError, match=r"--metrics lpips .* 'fullglow-jax\[lpips\]'; or --lpips_w"
    ):
        evaluate(default_config(), replace(REQUEST, metrics=("lpips",)))


def test_a_file_of_another_network(tmp_path):
    np.savez(tmp_path / "other.npz", network=np.frombuffer(b"VGG-19", np.uint8))
    asked = replace(REQUEST, metrics=("fid",), inception=tmp_path / "other.npz")
    with pytest.raises(UserError, match=r"other\.npz is VGG-19, where FID's Inception was exp"):
        evaluate(default_config(), asked)


def test_what_other_code_found_is_not_gone_on_with(monkeypatch):
    names = {scoring.identity(REQUEST), scoring.identity(replace(REQUEST, batch_size=8))}
    assert len(names) == 1  # which does not decide what is found
    monkeypatch.setattr(scoring, "code_version", lambda: {"fullglow-jax": "another"})
    assert scoring.identity(REQUEST) not in names
