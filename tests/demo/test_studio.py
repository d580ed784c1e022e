"""What the page offers of a model, and which pair a name on it means."""

import unicodedata

import numpy as np
import pytest
from PIL import Image

from fullglow_jax.demo.answers import Answers
from fullglow_jax.demo.page import build_page
from fullglow_jax.demo.studio import Studio
from fullglow_jax.errors import UserError
from fullglow_jax.pictures.grid import as_uint8
from tests.test_loaded_model import SIZE, loaded

NAMES = ["10", "12:30:05", "Main St, 5th", "a#b%20", "emoji 🚗", "café"]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_pairs_are_chosen_by_their_names(tmp_path, form):
    for grey, name in enumerate(NAMES):
        for part in "AB":
            path = tmp_path / "val" / part / f"{unicodedata.normalize(form, name)}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((*SIZE, 3), grey, np.uint8)).save(path)
    model = loaded()
    config = model.config.copy_and_resolve_references()
    config.data.update(name="two_folders", root=str(tmp_path))
    studio = Studio(config, model._operations, "val")
    assert studio.names == sorted(NAMES)
    for grey, name in enumerate(NAMES):
        for asked in ("NFC", "NFD"):
            pair = studio.pair(unicodedata.normalize(asked, name))
            assert pair["target"][0, 0, 0] == grey
    with pytest.raises(UserError, match="There is no pair '5' in the split"):
        studio.pair("5")


@pytest.mark.parametrize(
    ("name", "tabs", "paints"),
    [
        ("full_glow", ["Photos", "Transfer", "Bits per dimension"], True),
        ("glow", ["Photos", "Bits per dimension"], False),
    ],
)
def test_the_page_has_what_the_model_can_do(name, tabs, paints):
    model = loaded(name)
    studio = Studio(model.config, model._operations, "val")
    components = build_page(studio, "title").config["components"]
    assert [c["props"]["label"] for c in components if c["type"] == "tabitem"] == tabs
    assert any(c["type"] == "imageeditor" for c in components) == paints
    widths = [
        (c["props"]["minimum"], c["props"]["maximum"])
        for c in components
        if c["type"] == "slider" and c["props"]["label"].startswith("Width of the brush")
    ]
    assert widths == [(1, 15)] * paints
    assert paints == any(c["props"].get("value") == "Clear" for c in components)


def test_a_page_without_canvas_draws_and_measures():
    model = loaded("glow")
    answers = Answers(Studio(model.config, model._operations, "val"))
    drawing = answers.draw(None, None, 2, 0.7, 5)
    photos = [next(drawing) for _ in range(2)][-1]
    expected = as_uint8(model.sample(samples=2, seed=5)[0])
    for (photo, _), image in zip(photos, expected, strict=True):
        np.testing.assert_allclose(np.asarray(Image.open(photo), int), image, atol=1)
    bits = float(answers.bits_per_dim(None, None, expected[0]))
    (of_library,) = model.bits_per_dim(expected[:1])["image"]
    assert bits == pytest.approx(float(of_library), abs=1e-3)
