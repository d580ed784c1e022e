"""What can judge photos, and what cannot."""

import jax
import numpy as np
import pytest

from fullglow_jax.errors import UserError
from fullglow_jax.evaluation import judge as judges
from fullglow_jax.evaluation.judge import load_judge
from fullglow_jax.segmentation import PSPNet, PSPNetArchitecture, normalise, save_pspnet
from tests.layers.variables import run, start


@pytest.fixture
def _quickly_compiled():
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.mark.usefixtures("_quickly_compiled")
def test_a_file_of_weights(tmp_path, monkeypatch):
    monkeypatch.setattr(judges, "CROP", (17, 17))
    architecture = PSPNetArchitecture(blocks=(1, 1, 1, 1), width=4)
    network = PSPNet(architecture)
    _, variables = start(network, np.zeros((1, 17, 17, 3), np.float32))
    save_pspnet(tmp_path / "judge.npz", architecture, variables)
    photo = np.random.default_rng(0).integers(0, 256, (20, 24, 3), dtype=np.uint8)
    judge = load_judge(tmp_path / "judge.npz")
    found, again, small = judge.classes([photo, photo, photo[:19]])
    assert found.shape == (20, 24)
    assert found.dtype == np.uint8
    assert found.max() < 19
    assert small.shape == (19, 24)
    np.testing.assert_array_equal(found, again)
    same = load_judge(tmp_path / "judge.npz")
    assert same.digest == judge.digest
    np.testing.assert_array_equal(same.classes([photo])[0], found)
    (features,) = judge.features([photo])
    assert features.shape == (3, 3, 32)
    expected = run(network, variables, normalise(photo[None]), method=PSPNet.features)
    np.testing.assert_allclose(features, expected[0], rtol=1e-4, atol=1e-4)


def test_no_file(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.npz: no such file"):
        load_judge(tmp_path / "nowhere.npz")


def test_no_run(tmp_path):
    with pytest.raises(UserError, match="checkpoint"):
        load_judge(tmp_path)
