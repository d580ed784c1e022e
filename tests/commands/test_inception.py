"""eval.py's metrics of sets in the features of an Inception network, whose weights are random."""

import shutil

import jax
import numpy as np
import pytest
from PIL import Image

from fullglow_jax.data.source import checked_source
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.command import evaluate
from fullglow_jax.evaluation.of_features.frechet_distance import statistics
from fullglow_jax.evaluation.of_features.stored_statistics import save_statistics
from fullglow_jax.evaluation.request import EvaluationRequest
from fullglow_jax.evaluation.truths import Truths
from fullglow_jax.perception.inception import PRETRAINED_INCEPTION
from fullglow_jax.perception.weights import save_weights
from fullglow_jax.runs.trained import stored_config
from tests.perception.random_weights import random_weights

METRICS = ("fid", "kid", "is", "precision_recall")


@pytest.fixture
def _quick_compilation():
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture
def score(trained, tmp_path):
    """Scores the true photos of the split, as if they had been drawn."""
    run = shutil.copytree(trained, tmp_path / "run")
    config, drawn = stored_config(run, "latest"), tmp_path / "drawn"
    truths = Truths(checked_source(config.data, "val"))
    for truth in map(truths.__getitem__, range(len(truths))):
        file = drawn / f"{truth.name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(truth.target).save(file)

    def score(**asked):
        request = EvaluationRequest(workdir=run, images=drawn, **asked)
        return evaluate(config, request)["images"]

    return score


@pytest.mark.usefixtures("_quick_compilation")
def test_the_true_photos_are_at_no_distance(score, tmp_path, capsys):
    weights = tmp_path / "inception.npz"
    save_weights(weights, PRETRAINED_INCEPTION, random_weights(PRETRAINED_INCEPTION.shapes))
    own, of_768 = tmp_path / "own.npz", {"inception": weights, "inception_features": "768"}
    found = score(metrics=METRICS, save_statistics=own, **of_768)
    assert found["fid"]["network"] == "Inception's 768 features (torch_fidelity)"
    assert found["fid"]["distance"]["mean"] == pytest.approx(0, abs=1e-4)
    assert found["kid"]["distance"]["mean"] is not None
    assert found["is"]["score"]["mean"] is None
    printed = capsys.readouterr().out
    assert "note: KID is of subsets of 3 images, as there are fewer than 1000" in printed
    assert "note: IS takes 10 images or more, not 3" in printed
    assert "note: precision takes 4 images or more, not 3" in printed

    named = (
        r"of another network, Inception's 768 features \(torch_fidelity\), and they .* those of "
    )
    with pytest.raises(UserError, match=rf"{named}Inception's 768 features \(pytorch_fid\)"):
        score(metrics=("fid",), preprocessing="pytorch_fid", against=own, **of_768)
    with pytest.raises(UserError, match=rf"{named}Inception's 2048 features"):
        score(metrics=("fid",), inception=weights, against=own)
    stored = tmp_path / "of_others.npz"
    save_statistics(stored, statistics(np.eye(64)))
    with pytest.raises(UserError, match=r"of 64 features, and Inception's 2048 .* has 2048"):
        score(metrics=("fid",), inception=weights, against=stored)
