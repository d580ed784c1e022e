"""What can judge photos, and what cannot."""

from pathlib import Path

import jax
import numpy as np
import optax
import pytest

from fullglow_jax.config import default_config
from fullglow_jax.data.images import resize_bilinear
from fullglow_jax.data.source import build_source
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation import judge as judges
from fullglow_jax.evaluation.judge import TrainedJudge, load_judge
from fullglow_jax.evaluation.segmentation_scores import classes_of_colours
from fullglow_jax.model_registry import build_model
from fullglow_jax.palette import IGNORED
from fullglow_jax.segmentation import PSPNet, PSPNetArchitecture, normalise, save_pspnet
from fullglow_jax.training import teachers
from tests.layers.variables import run, start


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


def test_its_features_as_a_perceptual_loss():
    """Those that it sees in photos, at its own size, as a function with a gradient."""
    architecture = PSPNetArchitecture(blocks=(1, 1, 1, 1), width=4, norm="group")
    network = PSPNet(architecture)
    _, variables = start(network, np.zeros((1, 17, 17, 3), np.float32))
    judge = TrainedJudge("judge", network, variables, (17, 17))
    photo = np.random.default_rng(0).integers(0, 256, (17, 17, 3), dtype=np.uint8)
    image = photo[None] / np.float32(127.5) - 1

    def loss(image):
        (found,) = judge.activations(image)
        return found.mean(), found

    (_, found), gradient = jax.jit(jax.value_and_grad(loss, has_aux=True))(image)
    (expected,) = judge.features([photo])
    np.testing.assert_allclose(found[0], expected, rtol=1e-4, atol=1e-4)
    assert np.isfinite(gradient).all()
    assert np.abs(gradient).max() > 0
    large = np.random.default_rng(1).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    fitted = judge._fitted(jax.numpy.asarray(large[None], np.float32))[0]
    np.testing.assert_allclose(fitted, resize_bilinear(large, (17, 17)), atol=1.01)


def test_a_model_learns_from_the_judge_that_its_config_names(monkeypatch):
    class Found:
        name = "the one, step 4"

        @staticmethod
        def activations(images):
            return [images, 2 * images]

    config = default_config("pix2pix")
    asked = {"perceptual_network": "judge", "perceptual_file": "runs/judge"}
    config.model.update(asked, perceptual_weight=3.0)
    model = build_model(config, optax.constant_schedule(0.0))
    with pytest.raises(UserError, match=r"runs/judge .* was not read before training"):
        model.adversaries.objective.features(np.zeros((1, 2, 2, 3)))
    paths = []
    monkeypatch.setattr(teachers, "load_judge", lambda path, _: paths.append(str(path)) or Found)
    told = teachers.read_teachers(model, config.parallel)
    assert told == ("perceptual loss: the judge the one, step 4",)
    assert paths == ["runs/judge"]
    assert model.adversaries.objective.features("images") == ["images", "imagesimages"]
    assert model.adversaries.objective.layers == (1.0,)
    config.model.perceptual_weight = 0.0
    unasked = build_model(config, optax.constant_schedule(0.0))
    assert teachers.read_teachers(unasked, config.parallel) == ()


def test_the_judge_in_the_package_knows_the_scenes(tmp_path):
    config = default_config("full_glow")
    config.data.update(name="street_scenes", root=str(tmp_path), image_size=(64, 128))
    config.data.street_scenes.update(train=1, val=2, height=64, width=128)
    source = build_source(config.data, "val")
    pairs = [source[place] for place in range(len(source))]
    judge = load_judge(Path("street_scenes_judge"))
    assert judge.name == "street_scenes_judge, step 500"
    found = np.array(judge.classes([pair["target"] for pair in pairs]))
    true = np.array([classes_of_colours(pair["condition"]) for pair in pairs])
    assert (found == true)[true != IGNORED].mean() > 0.75


def test_no_file(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.npz: no such file"):
        load_judge(tmp_path / "nowhere.npz")


def test_no_run(tmp_path):
    with pytest.raises(UserError, match="checkpoint"):
        load_judge(tmp_path)
