"""A model that implements `Model` alone goes through all there is, as any other."""

import json
from functools import partial

import dm_pix
import jax
import numpy as np
import optax
import pytest
from PIL import Image

import fullglow_jax
from fullglow_jax.data.source import build_source
from fullglow_jax.demo.answers import Answers
from fullglow_jax.demo.page import build_page
from fullglow_jax.demo.studio import Studio
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.command import EvaluationRequest, evaluate
from fullglow_jax.model_registry import build_model
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.pictures.grid import as_uint8
from fullglow_jax.runs.checkpoints import Checkpoints
from fullglow_jax.runs.metrics import read_metrics
from fullglow_jax.runs.trained import load_trained
from fullglow_jax.sampling.command import sample
from fullglow_jax.sampling.conditions import from_source
from fullglow_jax.sampling.operations import Operations
from fullglow_jax.sampling.request import SampleRequest
from fullglow_jax.sampling.sampler import Sampler
from fullglow_jax.segmentation import PSPNet, PSPNetArchitecture, save_pspnet
from fullglow_jax.training.loop import train
from tests.commands.conftest import commands, shared
from tests.commands.running import ROOT, saved_state, steps_saved
from tests.layers.variables import start
from tests.training.tiny import tiny_config, write_pairs
from tests.training.toy_gan import NAME, register

__all__ = ["commands", "shared"]

SIZE = (16, 16)
STEPS = 4


@pytest.fixture(scope="module", autouse=True)
def _registered():
    with pytest.MonkeyPatch.context() as patch:
        register(patch.setitem)
        yield


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    return write_pairs(tmp_path_factory.mktemp("pairs") / "pairs")


@pytest.fixture
def config(pairs):
    return gan_config(pairs)


CHANGES = {
    "data.image_size": SIZE,
    "train.steps": STEPS,
    "train.validate_every": 1,
    "train.samples_per_condition": 2,
    "train.keep_last": 1,
    "optimizer.learning_rate": 0.02,
    "optimizer.average_decay": 0.0,
}


def gan_config(pairs):
    config = tiny_config(pairs, NAME)
    config.update_from_flattened_dict(CHANGES)
    return config


@pytest.fixture(scope="module")
def workdir(pairs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("gan") / "run"
    train(gan_config(pairs), folder)
    return folder


@pytest.fixture(scope="module")
def trained(pairs, workdir):
    return load_trained(gan_config(pairs), workdir, "latest", Devices())


def test_it_is_validated_by_drawn_images_and_the_most_alike_are_the_best(workdir):
    records = read_metrics(workdir)
    scores = {r["step"]: r["validation/ssim"] for r in records if "validation/ssim" in r}
    assert list(scores) == [1, 2, 3, 4]
    best = max(scores, key=lambda step: (scores[step], step))
    assert Checkpoints.of(workdir).choose("best") == best
    assert steps_saved(workdir) == sorted({best, STEPS})
    assert not [name for record in records for name in record if "bits" in name]
    losses = {"train/loss/generator", "train/loss/discriminator"}
    assert losses <= set().union(*records)
    assert (workdir / "curve.png").is_file()


def test_the_figure_is_that_of_images_drawn_under_the_runs_key(config, workdir, trained):
    source = build_source(config.data, "val")
    given = from_source(source, config.train.validation_examples, trained.model.shapes)
    key = Devices().keys(config.seed, 4)[2]
    drawn = Sampler(trained.model, Devices(), 3)(trained.variables, given.batch, 2, 0.7, key)
    alike = [
        float(dm_pix.ssim(as_uint8(image) / np.float32(255), truth / np.float32(255)))
        for place, _, image in drawn
        for truth in [given.batch.target[place]]
    ]
    assert len(alike) == 4
    recorded = read_metrics(workdir)[-1]["validation/ssim"]
    assert recorded == pytest.approx(np.mean(alike), abs=1e-4)


def test_stopped_and_gone_on_with_it_is_the_same_bit_for_bit(config, workdir, tmp_path, capsys):
    config.train.steps = 2
    train(config, tmp_path / "run")
    config.train.steps = STEPS
    train(config, tmp_path / "run")
    assert "going on from step 2 of 4" in capsys.readouterr().out
    whole, parts = (saved_state(folder, STEPS) for folder in (workdir, tmp_path / "run"))
    assert any("statistics" in name for name in whole)
    assert sum("'mu'" in name or ".mu" in name for name in whole) >= 2
    jax.tree.map(np.testing.assert_array_equal, parts, whole)
    again = [r["validation/ssim"] for r in read_metrics(tmp_path / "run") if "validation/ssim" in r]
    assert again == [r["validation/ssim"] for r in read_metrics(workdir) if "validation/ssim" in r]


def test_validated_by_a_distance_of_sets_of_images(config, tmp_path):
    architecture = PSPNetArchitecture(blocks=(1, 1, 1, 1), width=4)
    photos = np.zeros((1, *SIZE, 3), np.float32)
    save_pspnet(tmp_path / "judge.npz", architecture, start(PSPNet(architecture), photos)[1])
    config.train.metrics, config.train.judge = ("fd_judge",), str(tmp_path / "judge.npz")
    config.train.steps = 2
    train(config, tmp_path / "run")
    values = [
        record["validation/fd_judge"]
        for record in read_metrics(tmp_path / "run")
        if "validation/fd_judge" in record
    ]
    assert values
    assert np.isfinite(values).all()
    assert min(values) > 0


def test_two_devices_share_it(commands, pairs, workdir, tmp_path):
    values = {
        "model.name": NAME,
        "data.name": "two_folders",
        "data.root": pairs,
        "data.fit": "stretch",
        "train.batch_size": 2,
    }
    values |= {**CHANGES, "train.validation_examples": 2, "parallel.devices": 2}
    result = commands(
        "tests/training/toy_gan.py",
        ROOT / "train.py",
        f"--config={ROOT / 'configs' / 'two_folders_256.py'}",
        f"--workdir={tmp_path / 'run'}",
        *(f"--config.{key}={str(value).replace(' ', '')}" for key, value in values.items()),
        cwd=tmp_path,
        devices=2,
    )
    assert result.code == 0, result.err
    assert "2 devices" in result.out
    assert "validation ssim" in result.out
    one, two = saved_state(workdir, STEPS), saved_state(tmp_path / "run", STEPS)
    assert one.keys() == two.keys()
    for name, array in one.items():
        np.testing.assert_allclose(two[name], array, atol=2e-3, err_msg=name)


def test_sample_draws_from_it(config, workdir, tmp_path):
    request = partial(
        SampleRequest,
        workdir=workdir,
        checkpoint="latest",
        split="val",
        count=2,
        samples=2,
        temperature=(0.7,),
        seed=0,
        batch_size=2,
    )
    sample(config, request(mode="random", out=tmp_path / "out"))
    assert len(list((tmp_path / "out").glob("00*__T0.7__*.png"))) == 4
    with pytest.raises(UserError, match="a toy_gan, cannot encode images"):
        sample(config, request(mode="reconstruct"))


def test_eval_scores_what_it_draws(config, workdir):
    request = partial(
        EvaluationRequest,
        workdir=workdir,
        checkpoint="best",
        split="val",
        limit=2,
        seed=0,
        batch_size=2,
        draws=1,
        images=None,
        rounds=2,
        temperature=1.0,
        judge=None,
        skip_bad=False,
    )
    evaluate(config, request(metrics=("ssim", "diversity")))
    images = json.loads((workdir / "eval.json").read_text())["images"]
    assert -1 <= images["ssim"]["mean"] <= 1
    assert images["diversity"]["mean"] > 0
    with pytest.raises(UserError, match=r"a toy_gan, has no likelihood of images.* ssim"):
        evaluate(config, request(metrics=("bpd", "ssim")))


def test_the_library_has_what_the_model_can_do(workdir):
    model = fullglow_jax.load(workdir)
    maps = np.zeros((2, *SIZE, 3), np.uint8)
    assert model.sample(maps, samples=3).shape == (2, 3, *SIZE, 3)
    for call, lack in (
        (lambda: model.bits_per_dim(maps, maps), "a toy_gan has no likelihood of images"),
        (lambda: model.encode(maps, maps), "a toy_gan cannot encode images"),
        (lambda: model.reconstruct(maps, maps), "a toy_gan cannot encode images"),
        (lambda: model.transfer(maps, maps, maps), "a toy_gan cannot encode images"),
        (lambda: model.sample_conditions(), "a toy_gan draws no conditions"),
    ):
        with pytest.raises(UserError, match=lack):
            call()


def test_the_page_has_a_canvas_and_photos_alone(config, trained):
    studio = Studio(config, Operations(trained, NAME, Devices(), 1), "val")
    assert tabs(build_page(studio, "title")) == ["Photos", "True image"]
    (photo,) = studio.photos(studio.blank(), 1, 0.7, 0)
    assert photo.shape == (*SIZE, 3)
    with pytest.raises(UserError, match="no bits per dimension"):
        studio.bits_per_dim(studio.blank(), photo)


def test_a_condition_of_its_page_is_painted_on_cleared_and_drawn_from(config, trained):
    studio = Studio(config, Operations(trained, NAME, Devices(), 1), "val")
    answers, canvas = Answers(studio), studio.canvas
    editor, _, photo, *_ = answers.choose(studio.names[0])
    assert photo.shape == (*SIZE, 3)

    def drawn(*strokes):
        # The file goes with the request.
        drawing = answers.draw({**editor, "layers": list(strokes)}, None, 1, 0.7, 3)
        return np.asarray(Image.open(next(drawing)[0][0]))

    stroke = np.zeros((*canvas.size, 4), np.uint8)
    stroke[: 5 * canvas.zoom] = (*studio.palette.colours[-1], 255)
    before, painted = drawn(), drawn(stroke)
    (expected,) = studio.photos(canvas.read(editor["background"], [stroke]), 1, 0.7, 3)
    np.testing.assert_array_equal(painted, expected)
    assert (painted != before).any()
    editor, *_ = answers.cleared()
    np.testing.assert_array_equal(drawn(), next(studio.photos(studio.blank(), 1, 0.7, 3)))


def tabs(page):
    return [c["props"]["label"] for c in page.config["components"] if c["type"] == "tabitem"]


def test_a_model_is_not_asked_for_what_it_lacks(config, tmp_path):
    config.train.metrics = ("ssim", "bpd")
    with pytest.raises(UserError, match=r"metrics=bpd: this model, a toy_gan, has no likelihood"):
        train(config, tmp_path / "run")
    assert not list(tmp_path.rglob("metrics.jsonl"))
    assert build_model(config, optax.constant_schedule(1e-3)).reads_conditions
