"""Instances drawn anew, and styles taken from a reference, by a model whose styles are colours."""

import re
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from PIL import Image

from fullglow_jax.data.pipeline import collate
from fullglow_jax.data.source import build_source
from fullglow_jax.errors import UserError
from fullglow_jax.palette import COLOURS
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.pictures.marked import LINE, marked
from fullglow_jax.runs.trained import Trained
from fullglow_jax.sampling.command import check_able
from fullglow_jax.sampling.conditions import from_files
from fullglow_jax.sampling.instance_maps import connected_instances
from fullglow_jax.sampling.instances import Instances
from fullglow_jax.sampling.modes import MODES
from fullglow_jax.sampling.operations import Operations
from fullglow_jax.sampling.palettes import cityscapes_palette, model_palette
from fullglow_jax.sampling.request import SampleRequest
from fullglow_jax.sampling.restyling import (
    Reference,
    drawn_photo,
    images_of,
    look,
    redrawn,
    restyled,
)
from fullglow_jax.sampling.session import Session
from tests.sampling.toy_instances import register
from tests.sampling.toy_scenes import (
    CAR,
    LARGE,
    LONELY,
    NAMES,
    PERSON,
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


@pytest.fixture(scope="module", autouse=True)
def _registered():
    jax.config.update("jax_disable_most_optimizations", True)
    with pytest.MonkeyPatch.context() as patch:
        register(patch.setitem)
        yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_scenes(tmp_path_factory.mktemp("scenes"))


@pytest.fixture(scope="module")
def models(root):
    """Operations with an encoder and without, and their configs."""
    configs = [toy_config(root, encoder=encoder) for encoder in (True, False)]
    return [(config, toy_operations(config)) for config in configs]


@pytest.fixture(scope="module")
def batch(models):
    config, operations = models[0]
    asked = operations.shapes.annotations
    source = build_source(config.data, "val", asked)
    return collate([source[0], source[1]], asked).batch


def one(batch, place):
    return jax.tree.map(lambda leaf: leaf[place : place + 1], batch)


def test_styles_are_those_of_what_is_drawn(models, batch):
    _, operations = models[0]
    drawn = {(p, n): image for p, n, image in operations.draw(batch, 3, 0.7, 5)}
    styles = operations.draw_styles(batch, range(3), 0.7, 5)
    images = operations.sample_styled(batch, styles).reshape(2, 3, *SIZE, 3)
    for (place, number), image in drawn.items():
        np.testing.assert_allclose(images[place, number], image, atol=1e-6)
    later = operations.draw_styles(one(batch, 1), [2], 0.7, 5, first=1)
    np.testing.assert_allclose(later.instances[0], styles.instances[5], atol=1e-6)


def test_one_instance_is_drawn_anew_and_the_rest_stays(models, batch):
    _, operations = models[0]
    photo = drawn_photo(operations, one(batch, 0), 1.0, 0)
    (before,) = images_of(operations, photo)
    after = images_of(operations, photo, redrawn(operations, photo, LARGE, [1, 2, 3]))
    inside = instance_maps()[0] == LARGE
    assert after.shape == (3, *SIZE, 3)
    np.testing.assert_array_equal(
        after[:, ~inside], np.broadcast_to(before[~inside], after[:, ~inside].shape)
    )
    assert (np.abs(after[:, inside] - before[inside]).max((1, 2)) > 0.05).all()
    assert np.abs(after[0] - after[1]).max() > 0.05


@pytest.mark.parametrize("encoder", [True, False])
def test_a_style_comes_from_a_reference(models, batch, encoder):
    _, operations = models[0 if encoder else 1]
    photo = drawn_photo(operations, one(batch, 0), 1.0, 0)
    (before,) = images_of(operations, photo)
    reference = Reference(one(batch, 1), instance_maps()[1], LONELY)
    styles, by_encoder = restyled(operations, photo, LARGE, reference, 2)
    assert by_encoder == encoder
    images, inside = images_of(operations, photo, styles), instance_maps()[0] == LARGE
    wanted = np.array(PHOTO_COLOURS[LONELY]) / 255
    distances = np.abs(images[:, inside] - wanted).max((1, 2))
    if encoder:
        assert distances.max() < 0.1
    else:
        numbers = range(1, 33)
        random = images_of(operations, photo, redrawn(operations, photo, LARGE, numbers))
        apart = np.square(random[:, inside].mean(1) - wanted).sum(1)
        nearest = np.argsort(apart, kind="stable")[:2]
        np.testing.assert_allclose(images, random[nearest], atol=1e-6)
    np.testing.assert_array_equal(images[0][~inside], before[~inside])


def test_looks_are_of_the_inside_alone():
    image = np.zeros((2, 2, 3), np.float32)
    image[0, 0], image[0, 1] = 0.5, 1.0
    np.testing.assert_allclose(
        look(image, np.array([[True, True], [False, False]]))[[0, 3]], [0.75, 0.25]
    )


def test_what_instances_there_are():
    found = Instances(instance_maps()[0], label_maps()[0], cityscapes_palette())
    assert [each.name for each in found.all] == [
        f"{SKY} sky",
        f"{ROAD} road",
        f"{LARGE} car",
        f"{SMALL} car",
    ]
    assert [each.id for each in found.largest(3)] == [LARGE, SMALL]
    halves = np.where(instance_maps()[0] == SKY, SKY, ROAD)
    halves[6] = SKY
    uncounted = Instances(halves, np.zeros((*SIZE, 3), np.uint8), None)
    assert [each.id for each in uncounted.largest(1)] == [SKY]
    assert found.at(8, 9, "pixel").id == LARGE
    assert found.like(found.all[2]._replace(pixels=7), "it").id == SMALL
    for ask, said in (
        (
            lambda: found.find(7000, "--instance"),
            f"--instance 7000: .*{SKY} \\(sky\\), .*{SMALL} \\(car\\)",
        ),
        (lambda: found.at(12, 0, "pixel"), "pixel 12, 0 is outside.*0 to 11.*0 to 15"),
        (
            lambda: found.like(found.all[0]._replace(kind="bus"), "It"),
            "It has no bus.*: sky, road, car",
        ),
    ):
        with pytest.raises(UserError, match=said):
            ask()


def test_instances_are_found_in_a_map_of_classes():
    palette = cityscapes_palette()
    found = connected_instances(label_maps()[0], palette, 16)
    expected = instance_maps()[0].copy()
    expected[expected == SMALL], expected[expected == LARGE] = 1, 26001  # the largest first
    expected[expected == 1] = 26002
    np.testing.assert_array_equal(found, expected)
    # Where there is room for one more, the smaller car stays one of the class.
    limited = connected_instances(label_maps()[0], palette, 4)
    np.testing.assert_array_equal(np.unique(limited), [ROAD, SKY, CAR, 26001])
    corners = np.broadcast_to(COLOURS[ROAD], (2, 2, 3)).copy()
    corners[0, 0] = corners[1, 1] = COLOURS[PERSON]
    assert len(np.unique(connected_instances(corners, palette, 9))) == 2


def test_files_have_instances(models, tmp_path):
    config, operations = models[0]
    condition, ids = tmp_path / "map.png", tmp_path / "ids.png"
    Image.fromarray(label_maps()[0]).save(condition)
    Image.fromarray(instance_maps()[0].astype(np.uint16)).save(ids)
    shapes = operations.shapes
    given = from_files([condition], [], shapes, config, [ids]).batch.instances[0]
    np.testing.assert_array_equal(given, instance_maps()[0])
    found = from_files([condition], [], shapes, config).batch.instances[0]
    assert len(np.unique(found)) == 4
    Image.fromarray(np.zeros((5, 5), np.uint8)).save(tmp_path / "small.png")
    many = np.arange(SIZE[0] * SIZE[1], dtype=np.uint16).reshape(SIZE)
    Image.fromarray(many).save(tmp_path / "many.png")
    for file, said in (
        ("small.png", "small.png is 5×5 and .*map.png, .* is 12×16"),
        ("many.png", "has 192 instances, and the model takes 16"),
        ("map.png", "map.png has"),
        ("none.png", "none.png does not exist"),
    ):
        with pytest.raises(UserError, match=said):
            from_files([condition], [], shapes, config, [tmp_path / file])
    with pytest.raises(UserError, match="2 --instance_map files for 1 --condition"):
        from_files([condition], [], shapes, config, [ids, ids])


def test_the_palette_of_a_model(models):
    config = models[0][0].copy_and_resolve_references()
    palette = model_palette(config)
    assert palette.names[palette.nearest(COLOURS[CAR])] == "car"
    assert palette.id_of(palette.names.index("car")) == CAR
    config.model.update(palette="numbers", classes=5)
    assert model_palette(config).names[3:] == ("class 3", "class 4")
    assert not model_palette(config).countable


def test_a_part_is_marked():
    image = np.full((5, 5, 3), 200, np.uint8)
    mask = np.zeros((5, 5), bool)
    mask[2, 2] = True
    picture = marked(image, mask)
    assert (picture[2, 2] == 200).all()
    assert (picture[1, 2] == LINE).all()
    assert (picture[0, 0] < 200).all()


# --- The mode -------------------------------------------------------------------------------------


@pytest.fixture
def draw_here(models, tmp_path):
    """Does in this process what sample.py does, and gives the folder."""

    def draw_here(encoder=True, **asked):
        config, operations = models[0 if encoder else 1]
        request = SampleRequest(workdir=tmp_path, out=tmp_path / "drawn", mode="instances", **asked)
        MODES[request.mode].draw(Session(config, request, operations))
        return request.out

    return draw_here


def picture(path):
    return np.asarray(Image.open(path)).astype(int)


def test_one_instance_after_the_other(draw_here):
    out = draw_here(samples=2, temperature=(1.0,))
    stems = [f"00{place}_{name}__T1" for place, name in enumerate(NAMES)]
    rows = [(0, LARGE), (0, SMALL), (1, LONELY), (1, WALKER)]
    for place, id_ in rows:
        before = picture(out / "photo" / f"{stems[place]}.png")
        inside = instance_maps()[place] == id_
        for number in (1, 2):
            after = picture(out / f"{stems[place]}__{id_}__00{number}.png")
            assert (after[~inside] == before[~inside]).all()
            assert (after[inside] != before[inside]).any()
        shown = picture(out / "instance" / f"{stems[place]}__{id_}.png")
        assert (shown[inside] == before[inside]).all()
    page = (out / "index.html").read_text()
    titles = ["condition", "photo", "instance", "drawn anew", "drawn anew"]
    assert re.findall(r"<th>([^<]+)</th>", page) == titles
    assert f"{stems[0]}, {LARGE} car" in page
    assert len(list(out.glob("*__00*.png"))) == 8


def test_instances_and_pairs_that_are_named(draw_here):
    out = draw_here(instance=(SKY,), pair=("1",), samples=1)
    assert [path.name for path in out.glob("*__001.png")] == [
        f"000_{NAMES[1]}__T0.7__{SKY}__001.png"
    ]
    first = draw_here(instance=(SMALL,), samples=1)
    assert (first / f"000_{NAMES[0]}__T0.7__{SMALL}__001.png").exists()


@pytest.mark.parametrize("encoder", [True, False])
def test_a_reference_of_the_split_and_of_files(draw_here, tmp_path, capsys, encoder):
    out = draw_here(encoder, instance=(SMALL,), reference="1", samples=1, temperature=(1.0,))
    said = capsys.readouterr().out
    assert ("encoder has read" in said) == encoder
    assert ("of 32 random styles" in said) == (not encoder)
    stem = f"000_{NAMES[0]}__T1__{SMALL}"
    drawn = picture(out / f"{stem}__001.png")[instance_maps()[0] == SMALL]
    wanted = np.array(PHOTO_COLOURS[LONELY])
    assert np.abs(drawn - wanted).max() < (25 if encoder else 120)
    assert (out / "reference" / f"{LONELY}.png").exists()
    # The same from files: one car, so that it need not be told from others.
    Image.fromarray(label_maps()[1]).save(tmp_path / "map.png")
    Image.fromarray(photos()[1]).save(tmp_path / "photo.png")
    files = f"{tmp_path / 'map.png'},{tmp_path / 'photo.png'}"
    out = draw_here(encoder, instance=(SMALL,), reference=files, samples=1, temperature=(1.0,))
    again = picture(out / f"{stem}__001.png")[instance_maps()[0] == SMALL]
    np.testing.assert_allclose(again, drawn, atol=1)


def test_without_ids_instances_of_the_references_classes_get_its_style(draw_here):
    out = draw_here(pair=("1",), reference="0", samples=1)
    (drawn,) = out.glob("*__001.png")
    assert drawn.name == f"000_{NAMES[1]}__T0.7__{LONELY}__001.png"
    assert (out / "reference" / f"{LARGE}.png").exists()


def test_a_reference_instance_of_any_class(draw_here):
    asked = {"instance": (SMALL,), "reference": "1", "reference_instance": WALKER, "samples": 1}
    out = draw_here(**asked, temperature=(1.0,))
    drawn = picture(out / f"000_{NAMES[0]}__T1__{SMALL}__001.png")[instance_maps()[0] == SMALL]
    assert np.abs(drawn - PHOTO_COLOURS[WALKER]).max() < 25


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            {"instance": (99,), "pair": ("1", "0")},
            f"{NAMES[1]}: --instance 99: no instance has this id. There are: .* {LONELY} \\(car\\)",
        ),
        (
            {"pair": ("1",), "instance": (WALKER,), "reference": "0"},
            "--reference 0 has no person, whose style .* 24001 person",
        ),
        ({"reference": "1", "reference_instance": 9}, "--reference_instance 9: no instance"),
        ({"reference": "{map}"}, "--reference .*map.png: here is a condition alone"),
        ({"reference": "nowhere"}, "--reference nowhere: there is no file nowhere"),
    ],
)
def test_refused(draw_here, tmp_path, asked, said):
    Image.fromarray(label_maps()[1]).save(tmp_path / "map.png")
    if "reference" in asked:
        asked = {**asked, "reference": asked["reference"].format(map=tmp_path / "map.png")}
    with pytest.raises(UserError, match=said):
        draw_here(**asked)
    assert not (tmp_path / "drawn").exists()


def test_other_models_are_refused_by_name(models, batch):
    shapes = models[0][1].shapes
    model = SimpleNamespace(shapes=shapes, reads_conditions=True)
    operations = Operations(Trained(model, {}, 0), "plain", Devices(), 1)
    for ask in (
        lambda: operations.instance_ids(batch),
        lambda: operations.draw_styles(batch, [0], 1.0, 0),
        lambda: operations.read_styles(batch),
    ):
        with pytest.raises(UserError, match="a plain draws no style for each instance"):
            ask()
    with pytest.raises(UserError, match=r"--mode instances: .*a plain, draws no style.* random"):
        check_able(model, "plain", "instances")
