"""Images under classes: the library and the modes of sample.py, for a Glow and a DUAL-Glow."""

from functools import cache

import jax
import numpy as np
import optax
import pytest
from PIL import Image

from fullglow_jax.config import default_config
from fullglow_jax.data.source import build_source
from fullglow_jax.demo.answers import Answers
from fullglow_jax.demo.page import build_page
from fullglow_jax.demo.studio import Studio
from fullglow_jax.errors import UserError
from fullglow_jax.loaded_model import LoadedModel
from fullglow_jax.model_registry import build_model
from fullglow_jax.models.batch import Batch
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.runs.trained import Trained
from fullglow_jax.sampling.modes import MODES
from fullglow_jax.sampling.operations import Operations
from fullglow_jax.sampling.request import SampleRequest
from fullglow_jax.sampling.session import Session
from fullglow_jax.training.pictures import SampleGrids
from tests.layers.variables import perturbed, quick_jit, quick_key

SIZE = (4, 8)
CLASSES = ("cat", "dog", "fox")
IMAGES, OTHERS = np.random.default_rng(0).integers(0, 256, (2, 3, *SIZE, 3), np.uint8)
LABELS = [2, 0, 1]
NAMES = [CLASSES[label] for label in LABELS]


@pytest.fixture(autouse=True, scope="module")
def _compiled_sooner():
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Three pairs, each of another class."""
    root = tmp_path_factory.mktemp("pairs")
    for folder, images in (("A", OTHERS), ("B", IMAGES)):
        for name, image in zip(NAMES, images, strict=True):
            (root / "val" / folder / name).mkdir(parents=True)
            Image.fromarray(image).save(root / "val" / folder / name / "1.png")
    return root


@cache
def loaded(root, family):
    config = default_config(family)
    config.data.update(name="two_folders", root=str(root), image_size=SIZE)
    config.data.update(labels="folders", classes=CLASSES)
    config.model.update(steps=(1, 1), coupling_width=4)
    model = build_model(config, optax.constant_schedule(0.0))
    batch = Batch(OTHERS, IMAGES, label=np.int32(LABELS))
    state = quick_jit(model.init)(quick_key(3), batch)
    trained = Trained(model, perturbed(jax.device_get(state.variables), 0), 3)
    return LoadedModel(config, Operations(trained, family, Devices(), 3))


@pytest.fixture(scope="module")
def glow(root):
    return loaded(root, "glow")


@pytest.fixture(scope="module")
def dual_glow(root):
    return loaded(root, "dual_glow")


# --- The library ----------------------------------------------------------------------------------


def test_samples_depend_on_the_class(glow):
    assert glow.classes == CLASSES
    images = glow.sample(label=["cat", "dog", "cat"], temperature=0)
    assert images.shape == (3, 1, *SIZE, 3)
    np.testing.assert_array_equal(images[0], images[2])
    assert np.abs(images[0] - images[1]).max() > 0.01
    np.testing.assert_allclose(glow.sample(label="dog", temperature=0)[0], images[1], atol=1e-5)


def test_likelihoods_and_latents_are_those_of_the_class(glow):
    as_is, swapped = (glow.log_prob(IMAGES, label=names) for names in (NAMES, NAMES[::-1]))
    assert (np.abs(as_is - swapped) > 1e-3).tolist() == [True, False, True]
    bits = glow.bits_per_dim(IMAGES, label=NAMES)["image"]
    assert bits.shape == (3,)
    latents = glow.encode(IMAGES, label=NAMES)
    np.testing.assert_allclose(glow.decode(latents, label=NAMES), IMAGES / 255, atol=1e-4)
    again = glow.reconstruct(IMAGES, label="fox")
    np.testing.assert_allclose(again, IMAGES / 255, atol=1e-4)


@pytest.mark.parametrize("family", ["glow", "dual_glow"])
def test_a_transfer_to_another_class_keeps_what_the_prior_does_not_know(root, family):
    model = loaded(root, family)
    given = () if family == "glow" else (OTHERS, OTHERS)
    own = model.transfer(IMAGES, *given, label=NAMES)
    np.testing.assert_allclose(own, IMAGES / 255, atol=1e-4)
    moved = model.transfer(IMAGES, *given, label=NAMES, onto_label="dog")
    differences = np.abs(moved - IMAGES / 255).max((1, 2, 3))
    assert (differences > 0.01).tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda m: m.sample(),
            "label is missing: this model reads a class; there are 'cat', 'dog', '",
        ),
        (lambda m: m.sample(label="dgo"), "label 'dgo': .* never seen .* did you mean 'dog'"),
        (lambda m: m.encode(IMAGES, label=["cat"]), "1 labels for 3 images"),
        (lambda m: m.sample(label=[]), "0 labels for 1 images"),
        (lambda m: m.encode(IMAGES), "label is missing"),
    ],
)
def test_refused(glow, call, message):
    with pytest.raises(UserError, match=message):
        call(glow)


# --- The page -------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["glow", "dual_glow"])
def test_the_page_lets_choose_a_class(root, family):
    model = loaded(root, family)
    studio = Studio(model.config, model._operations, "val")
    components = build_page(studio, "title").config["components"]
    tabs = [c["props"]["label"] for c in components if c["type"] == "tabitem"]
    assert tabs == ["Photos", "Transfer", "Bits per dimension"]
    choices = {
        c["props"]["label"]: [name for name, _ in c["props"]["choices"]]
        for c in components
        if c["type"] == "dropdown"
    }
    assert choices["Class"] == choices["Its class"] == [*CLASSES]


def test_the_page_draws_transfers_and_measures_under_it(glow):
    answers = Answers(Studio(glow.config, glow._operations, "val"))
    drawing = answers.draw(None, None, 1, 0.0, 0, "dog")
    ((photo, _),) = next(drawing)
    expected = glow.sample(label="dog", temperature=0)[0, 0]
    np.testing.assert_allclose(read(photo), expected * 255, atol=1.01)
    assert answers.choose_content("fox/1")[3] == "fox"
    moved = answers.transfer(None, None, IMAGES[0], None, None, "dog", "fox")
    expected = glow.transfer(IMAGES[:1], label="fox", onto_label="dog")[0]
    np.testing.assert_allclose(moved.astype(int), expected * 255, atol=1.01)
    bits = answers.bits_per_dim(None, None, IMAGES[0], "fox")
    expected = glow.bits_per_dim(IMAGES[:1], label="fox")["image"][0]
    assert float(bits) == pytest.approx(float(expected), abs=1e-3)


# --- Modes ----------------------------------------------------------------------------------------


@pytest.fixture
def draw(tmp_path):
    def draw(model, mode, **asked):
        request = SampleRequest(workdir=tmp_path, out=tmp_path / "out", mode=mode, **asked)
        MODES[mode].draw(Session(model.config, request, model._operations))
        pictures = request.out.rglob("*.png")
        return sorted(path.relative_to(request.out).as_posix() for path in pictures)

    return draw


def read(path):
    return np.asarray(Image.open(path)).astype(int)


def test_random_in_turn_or_of_the_named_classes(glow, draw, tmp_path):
    drawn = draw(glow, "random", count=4, temperature=(0.0,))
    stems = ["000_image__cat", "001_image__dog", "002_image__fox", "003_image__cat"]
    assert drawn == [*(f"{stem}__T0__000.png" for stem in stems), "grid.png"]
    images = [read(tmp_path / "out" / file) for file in drawn[:4]]
    np.testing.assert_array_equal(images[0], images[3])
    assert (images[0] != images[1]).any()


def test_random_of_the_named_classes(glow, draw):
    drawn = draw(glow, "random", count=2, label=("fox", "dog"))
    stems = ["000_image__fox", "001_image__dog", "002_image__fox", "003_image__dog"]
    assert drawn == [*(f"{stem}__T0.7__000.png" for stem in stems), "grid.png"]


def test_conditions_under_their_own_classes_or_others(dual_glow, draw):
    own = draw(dual_glow, "random", count=2, samples=1)
    assert [file for file in own if "/" not in file][:2] == [
        "000_cat_1__T0.7__000.png",
        "001_dog_1__T0.7__000.png",
    ]
    others = draw(dual_glow, "random", count=1, samples=1, label=("fox", "dog"))
    assert {"000_cat_1__fox__T0.7__000.png", "001_cat_1__dog__T0.7__000.png"} < set(others)


def test_conditions_from_files_need_a_class(dual_glow, draw, root):
    files = (root / "val" / "A" / "cat" / "1.png",)
    with pytest.raises(UserError, match=r"--condition: files have no class.*--label"):
        draw(dual_glow, "random", condition=files)
    assert "000_1__dog__T0.7__000.png" in draw(
        dual_glow, "random", condition=files, label=("dog",), samples=1
    )


@pytest.mark.parametrize("family", ["glow", "dual_glow"])
def test_reconstruct_and_interpolate_under_classes(root, family, draw, tmp_path):
    model = loaded(root, family)
    draw(model, "reconstruct", count=3)
    for place, (name, image) in enumerate(sorted(zip(NAMES, IMAGES, strict=True), key=str)):
        found = read(tmp_path / "out" / f"{place:03d}_{name}_1__reconstruction.png")
        np.testing.assert_allclose(found, image, atol=1)
    line = draw(model, "interpolate", pair=("0:1",), frames=2)
    first = next(file for file in line if file.endswith("latents__000.png") and "from" not in file)
    np.testing.assert_allclose(read(tmp_path / "out" / first), IMAGES[NAMES.index("cat")], atol=1)
    if family == "dual_glow":
        assert sum("conditions__00" in file for file in line) == 2


def test_files_get_the_class_of_the_flag(glow, draw, root, tmp_path):
    file = str(root / "val" / "B" / "fox" / "1.png")
    with pytest.raises(UserError, match="files have no class, and this model reads one"):
        draw(glow, "reconstruct", pair=(f"{file},{file}",))
    assert draw(glow, "reconstruct", pair=(f"{file},{file}",), label=("fox",))
    fox = {"pair": (f"{file},{file}",), "label": ("fox",), "temperature": (1.0,)}
    for mode, most in (("temperatures", 1), ("redraw", 255)):
        assert "000_1__T1.png" in draw(glow, mode, **fox)
        found = read(tmp_path / "out" / "000_1__T1.png")
        assert np.abs(found - IMAGES[NAMES.index("fox")].astype(int)).max() <= most
    assert np.abs(found - IMAGES[NAMES.index("fox")].astype(int)).max() > 3
    with pytest.raises(UserError, match="--mode reconstruct takes one --label"):
        draw(glow, "reconstruct", label=("fox", "cat"))


def test_transfer_to_other_classes(glow, dual_glow, draw, tmp_path):
    drawn = draw(glow, "transfer", pair=("cat/1",), label=("cat", "dog"))
    assert [file for file in drawn if "/" not in file] == [
        "000_cat_1__onto__cat.png",
        "001_cat_1__onto__dog.png",
        "grid.png",
    ]
    same, moved = (read(tmp_path / "out" / file) for file in drawn[:2])
    np.testing.assert_allclose(same, IMAGES[NAMES.index("cat")], atol=1)
    assert np.abs(moved - same).max() > 2
    couples = draw(glow, "transfer", pair=("0:1",))
    assert "structure/000_cat_1__onto__dog_1.png" in couples
    np.testing.assert_array_equal(read(tmp_path / "out" / "000_cat_1__onto__dog_1.png"), moved)
    assert "000_cat_1__onto__fox.png" in draw(dual_glow, "transfer", count=1, label=("fox",))


def test_the_grids_of_training_are_of_the_pairs_classes(glow):
    model = glow._operations.trained.model
    source = build_source(glow.config.data, "val", model.shapes.annotations)
    grids = SampleGrids(glow.config, model, source, Devices(), jax.random.key(0))
    assert grids.conditions.batch.label.tolist() == [0, 1, 2]
    assert list(grids.conditions.shown) == ["ground truth"]


def test_label_maps_from_nothing_in_turn_and_named(dual_glow, draw):
    in_turn = draw(dual_glow, "unconditional", count=2, samples=1)
    assert {"000__cat__T0.7__000.png", "001__dog__T0.7__000.png"} < set(in_turn)
    named = draw(dual_glow, "unconditional", count=1, samples=1, label=("fox", "cat"))
    assert {"condition/000__fox__T0.7.png", "000__cat__T0.7__000.png"} < set(named)


def test_a_set_under_the_true_classes(dual_glow, draw, tmp_path):
    assert "round_1/fox/1.png" in draw(dual_glow, "set", rounds=1, temperature=(0.0,))
    pictures = {name: read(tmp_path / "out" / "round_1" / name / "1.png") for name in NAMES}
    drawn = dual_glow.sample(OTHERS, label=NAMES, temperature=0)[:, 0]
    for name, image in zip(NAMES, drawn, strict=True):
        np.testing.assert_allclose(pictures[name], image * 255, atol=1.01)


def test_a_class_that_training_has_never_seen_is_refused_with_the_nearest(glow, draw):
    said = "--label 'fx': training has never seen this class; did you mean 'fox'"
    for mode in ("random", "reconstruct", "interpolate", "transfer"):
        with pytest.raises(UserError, match=said):
            draw(glow, mode, label=("fx",))
