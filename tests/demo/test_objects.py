"""The page's tab of objects, with the toy whose instances have the colours of their styles."""

from types import SimpleNamespace

import gradio as gr
import jax
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from fullglow_jax.demo.answers import Answers
from fullglow_jax.demo.object_answers import ObjectAnswers
from fullglow_jax.demo.page import build_page
from fullglow_jax.demo.studio import Studio
from fullglow_jax.pictures.marked import LINE
from tests.demo.conftest import UNENCRYPTED
from tests.sampling.toy_instances import register
from tests.sampling.toy_scenes import (
    LARGE,
    LONELY,
    NAMES,
    PHOTO_COLOURS,
    ROAD,
    SIZE,
    SKY,
    SMALL,
    WALKER,
    instance_maps,
    label_maps,
    photos,
    toy_config,
    toy_operations,
    write_scenes,
)

CAR = np.array((0, 0, 142), np.uint8)


@pytest.fixture(scope="module", autouse=True)
def _registered():
    jax.config.update("jax_disable_most_optimizations", True)
    with pytest.MonkeyPatch.context() as patch:
        register(patch.setitem)
        yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    config = toy_config(write_scenes(tmp_path_factory.mktemp("scenes")))
    return Studio(config, toy_operations(config, batch_size=1), "val")


@pytest.fixture(scope="module")
def answers(studio):
    of_page = Answers(studio)
    return SimpleNamespace(page=of_page, objects=ObjectAnswers(studio, studio.objects, of_page))


@pytest.fixture(scope="module")
def scene(answers):
    """A photo of the first pair's condition, at temperature 1, seed 3."""
    editor, boundary, _, label, instances = answers.page.choose(NAMES[0])
    image, _, scene, choice = answers.objects.draw(editor, boundary, label, instances, 1.0, 3)
    assert choice.value == f"{LARGE} car"
    assert [name for name, _ in choice.choices] == [
        f"{SKY} sky",
        f"{ROAD} road",
        f"{LARGE} car",
        f"{SMALL} car",
    ]
    np.testing.assert_array_equal(image, scene.image)
    return scene


def inside(id_, place=0):
    return instance_maps()[place] == id_


def test_the_photo_is_that_of_the_tab_of_photos(studio, answers, scene):
    editor, *_, instances = answers.page.choose(NAMES[0])
    painted = answers.page.painted(editor, None, None, instances)
    (photo,) = studio.photos(painted, 1, 1.0, 3)
    np.testing.assert_array_equal(scene.image, photo)


def test_an_object_is_clicked_at(answers, scene):
    name, picture = answers.objects.choose_at(scene, 9, 8)  # column, row
    assert name == f"{LARGE} car"
    here = inside(LARGE)
    np.testing.assert_array_equal(picture[here], scene.image[here])
    assert (picture[6, 8] == LINE).all()
    np.testing.assert_array_equal(answers.objects.choose(scene, name), picture)
    np.testing.assert_array_equal(answers.objects.choose(scene, str(LARGE)), picture)


def test_it_is_drawn_anew_and_the_rest_stays(answers, scene):
    first, _, after, *_ = answers.objects.redraw(scene, f"{LARGE} car")
    second, _, later = answers.objects.redraw(after, f"{LARGE} car")
    other, picture, _ = answers.objects.redraw(later, f"{SMALL} car")
    here, small = inside(LARGE), inside(SMALL)
    for image in (first, second):
        np.testing.assert_array_equal(image[~here], scene.image[~here])
    for one, two in ((scene.image, first), (first, second), (scene.image, second)):
        assert np.abs(one[here].astype(int) - two[here]).max() > 5
    np.testing.assert_array_equal(other[~small], second[~small])  # the car stays as it is now
    assert (other[small] != second[small]).any()
    np.testing.assert_array_equal(picture[small], other[small])


def test_its_style_comes_from_another_photo(answers, scene):
    photo, own_map, instances = answers.objects.choose_reference(NAMES[1])
    image, _, after, said = answers.objects.restyle(
        scene, f"{LARGE} car", photo, own_map, instances
    )
    here = inside(LARGE)
    assert np.abs(image[here].astype(int) - PHOTO_COLOURS[LONELY]).max() < 25
    np.testing.assert_array_equal(image[~here], scene.image[~here])
    assert said.startswith(f"The style of {LONELY} car, read by the model's encoder")
    np.testing.assert_array_equal(after.image, image)
    # An uploaded map has no ids: its instances are found.
    found, _, _, said = answers.objects.restyle(scene, f"{LARGE} car", photo, own_map, None)
    np.testing.assert_array_equal(found, image)
    assert said.startswith("The style of 26001 car")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (lambda a, s: a.choose(s, "99 car"), f"The object 99: .*{SMALL} \\(car\\)"),
        (lambda a, s: a.choose(s, "car"), "'car' is no object: its id"),
        (lambda a, s: a.choose_at(s, 16, 0), "The pixel 0, 16 is outside"),
        (lambda a, s: a.redraw(None, "99"), "There is no photo, or not any more"),
        (lambda a, s: a.redraw(s, None), "There is no object chosen yet"),
        (
            lambda a, s: a.restyle(s, f"{LARGE}", photos()[0], None, None),
            "no label map of the other photo yet",
        ),
        (
            lambda a, s: a.restyle(
                s, f"{LARGE}", photos()[0], np.zeros((*SIZE, 3), np.uint8), None
            ),
            "The other photo's label map has no car, .* unlabeled",
        ),
    ],
)
def test_refused(answers, scene, asked, said):
    with pytest.raises(gr.Error, match=said):
        asked(answers.objects, scene)


def stroke(canvas, rows, columns, colour):
    layer = np.zeros((*canvas.size, 4), np.uint8)
    layer[rows, columns] = (*colour, 255)
    return layer


def test_strokes_are_new_instances_and_colours_do_not_mix(studio):
    canvas, ids, z = studio.canvas, instance_maps()[0].astype(np.int32), studio.canvas.zoom
    sky = label_maps()[0][0, 0]
    strokes = [
        stroke(canvas, slice(0, 2 * z), slice(2 * z, 4 * z), CAR),
        stroke(canvas, slice(0, 2 * z), slice(8 * z, 10 * z), CAR),
        stroke(canvas, slice(10 * z, 12 * z), slice(0, 2 * z), sky),
        stroke(canvas, slice(4 * z, 5 * z), slice(0, z // 4), CAR),  # not over the pixel's centre
        stroke(canvas, slice(5 * z, 6 * z), slice(0, z - z // 4), CAR),
    ]
    painted = canvas.read(canvas.enlarged(label_maps()[0]), strokes, None, ids)
    expected, colours = ids.copy(), label_maps()[0]
    expected[0:2, 2:4], expected[0:2, 8:10], expected[5, 0] = 1, 2, 3
    expected[10:12, 0:2] = SKY  # of the sky that is there, as it is not counted
    for rows, columns in ((slice(2), slice(2, 4)), (slice(2), slice(8, 10)), (5, 0)):
        colours[rows, columns] = CAR
    colours[10:12, 0:2] = sky
    np.testing.assert_array_equal(painted.instances, expected)
    np.testing.assert_array_equal(painted.condition, colours)


def test_too_many_strokes_are_told(studio, answers):
    ids = np.arange(SIZE[0] * SIZE[1], dtype=np.int32).reshape(SIZE)
    editor, *_ = answers.page.choose(NAMES[0])
    with pytest.raises(gr.Error, match=r"There are 192 objects .* the model takes 16"):
        answers.objects.draw(editor, None, None, ids, 1.0, 0)


def test_a_canvas_cleared_or_uploaded_has_instances(answers, tmp_path):
    _, _, instances = answers.page.cleared()
    assert len(np.unique(instances)) == 1
    Image.fromarray(label_maps()[1]).save(tmp_path / "map.png")
    _, instances = answers.page.fitted_to_canvas(str(tmp_path / "map.png"))
    expected = instance_maps()[1]
    np.testing.assert_array_equal(instances == 26001, expected == LONELY)
    np.testing.assert_array_equal(instances == 24001, expected == WALKER)


@pytest.fixture(scope="module")
def address(studio):
    page = build_page(studio, "toy")
    _, address, _ = page.launch(
        server_name="127.0.0.1", quiet=True, prevent_thread_lock=True, show_error=True
    )
    yield address
    page.close(verbose=False)


def test_over_http_as_a_browser_asks(address, scene, tmp_path):
    client = Client(address, verbose=False, download_files=tmp_path, **UNENCRYPTED)
    labels = [c["props"].get("label") for c in client.config["components"]]
    assert "Objects" in labels

    def image(path):
        return np.asarray(Image.open(path))

    editor = {"background": None, "layers": [], "composite": None}
    chosen = client.predict(NAMES[0], api_name="/choose")[0]
    editor["background"] = handle_file(chosen["background"])
    drawn, _, _ = client.predict(editor, None, 1.0, 3, api_name="/draw_scene")
    np.testing.assert_array_equal(image(drawn), scene.image)
    redrawn, _ = client.predict(f"{LARGE} car", api_name="/redraw_object")
    here = inside(LARGE)
    np.testing.assert_array_equal(image(redrawn)[~here], scene.image[~here])
    assert (image(redrawn)[here] != scene.image[here]).any()
    photo, own_map = client.predict(NAMES[1], api_name="/choose_reference")
    files = handle_file(photo), handle_file(own_map)
    restyled, _, said = client.predict(f"{LARGE} car", *files, api_name="/restyle_object")
    assert f"The style of {LONELY} car" in said
    assert np.abs(image(restyled)[here].astype(int) - PHOTO_COLOURS[LONELY]).max() < 25
    with pytest.raises(AppError, match="The object 99: no instance"):
        client.predict("99", api_name="/redraw_object")
