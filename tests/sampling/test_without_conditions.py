"""The modes of sample.py for a model that reads no conditions, on image files."""

import json

import jax
import numpy as np
import pytest
from PIL import Image

from fullglow_jax.errors import UserError
from fullglow_jax.sampling.command import check_able
from fullglow_jax.sampling.modes import MODES
from fullglow_jax.sampling.request import SampleRequest
from fullglow_jax.sampling.session import Session
from tests.test_loaded_model import IMAGES, loaded


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Runs a mode on the first two images, and gives the folder."""
    jax.config.update("jax_disable_most_optimizations", True)
    folder = tmp_path_factory.mktemp("images")
    files = [folder / f"image_{i}.png" for i in range(2)]
    for file, image in zip(files, IMAGES, strict=False):
        Image.fromarray(image).save(file)
    ends = [f"{files[0]},{files[0]}", str(files[1])]  # the image alone, too

    def run(mode, bits=8):
        out = tmp_path_factory.mktemp(mode) / "out"
        request = SampleRequest(
            workdir=folder,
            mode=mode,
            pair=(":".join(ends),) if mode == "interpolate" else tuple(ends),
            frames=2,
            batch_size=2,
            out=out,
        )
        model = loaded("glow", bits=bits)
        MODES[mode].draw(Session(model.config, request, model._operations))
        return out

    yield run
    jax.config.update("jax_disable_most_optimizations", False)


def test_reconstruct(run):
    out = run("reconstruct")
    assert json.loads((out / "reconstruction.json").read_text())["largest"] <= 1e-3
    again = np.asarray(Image.open(out / "001_image_1__reconstruction.png"))
    np.testing.assert_array_equal(again, IMAGES[1])
    assert not (out / "condition").exists()


def test_the_error_of_a_reconstruction_is_that_in_the_models_bits(run):
    out = run("reconstruct", bits=5)
    assert json.loads((out / "reconstruction.json").read_text())["largest"] <= 1e-3
    again = np.asarray(Image.open(out / "001_image_1__reconstruction.png"))
    np.testing.assert_array_equal(again, IMAGES[1] // 8 * 8)


def test_interpolate_in_latents_alone(run):
    out = run("interpolate")
    frames = sorted(out.glob("000_*.png"))
    assert [frame.stem.split("__")[-2:] for frame in frames] == [
        ["latents", "000"],
        ["latents", "001"],
    ]
    for frame, image in zip(frames, IMAGES, strict=False):
        np.testing.assert_allclose(np.asarray(Image.open(frame)).astype(int), image, atol=1)


def picture(path):
    return np.asarray(Image.open(path)).astype(int)


def test_latents_times_temperatures(run):
    out = run("temperatures")
    usual = ("0", "0.25", "0.5", "0.6", "0.7", "0.8", "0.9", "1")
    for place, image in enumerate(IMAGES[:2]):
        stem = f"{place:03d}_image_{place}"
        by_factor = [picture(out / f"{stem}__T{factor}.png") for factor in usual]
        np.testing.assert_array_equal(by_factor[-1], image)
        latents = loaded("glow").encode(IMAGES[place : place + 1])
        half = loaded("glow").decode(tuple(latent / 2 for latent in latents))[0] * 255
        np.testing.assert_allclose(by_factor[2], half, atol=1)
        assert np.abs(by_factor[2] - image).max() > 3
    np.testing.assert_array_equal(
        picture(out / "000_image_0__T0.png"), picture(out / "001_image_1__T0.png")
    )
    assert "<th>T = 0.25</th>" in (out / "index.html").read_text()


def test_a_redraw_with_one_level_is_the_image(run):
    out = run("redraw")
    for place, image in enumerate(IMAGES[:2]):
        for factor in ("1", "0.7"):
            again = picture(out / f"{place:03d}_image_{place}__T{factor}.png")
            np.testing.assert_array_equal(again, image)
    assert not (out / "condition").exists()


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        ("transfer", "a glow, reads neither conditions nor classes"),
        ("set", "a glow, reads no conditions. It can do --mode random or reconstruct or interp"),
        ("unconditional", "a glow, draws no conditions"),
    ],
)
def test_refused(mode, message):
    with pytest.raises(UserError, match=message):
        check_able(loaded("glow")._operations.trained.model, "glow", mode)


@pytest.mark.parametrize("mode", ["random", "reconstruct", "interpolate", "redraw", "temperatures"])
def test_classes_are_refused(mode, tmp_path):
    model = loaded("glow")
    request = SampleRequest(workdir=tmp_path, mode=mode, label=("cat",))
    with pytest.raises(UserError, match=r"^--label cat: this model, a glow .* reads no class"):
        MODES[mode].draw(Session(model.config, request, model._operations))


@pytest.mark.parametrize("flag", ["condition", "boundary"])
def test_conditions_are_refused(flag, tmp_path):
    model = loaded("glow")
    request = SampleRequest(workdir=tmp_path, **{flag: (tmp_path / "some.png",)})
    with pytest.raises(UserError, match=r"^--condition and --boundary mean nothing to this model"):
        MODES["random"].draw(Session(model.config, request, model._operations))
