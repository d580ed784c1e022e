"""Styles of instances in the library."""

import re
from pathlib import Path

import jax
import numpy as np
import pytest

from fullglow_jax.errors import UserError
from fullglow_jax.loaded_model import LoadedModel
from tests.sampling.toy_instances import register
from tests.sampling.toy_scenes import (
    LARGE,
    LONELY,
    PHOTO_COLOURS,
    SIZE,
    SMALL,
    WALKER,
    instance_maps,
    label_maps,
    photos,
    toy_config,
    toy_operations,
)

MAPS, IDS = label_maps(), instance_maps()


@pytest.fixture(scope="module", autouse=True)
def _registered():
    jax.config.update("jax_disable_most_optimizations", True)
    with pytest.MonkeyPatch.context() as patch:
        register(patch.setitem)
        yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    config = toy_config(tmp_path_factory.mktemp("nowhere"))
    return LoadedModel(config, toy_operations(config))


def test_styles_are_those_of_samples(model):
    images = model.sample(MAPS, instances=IDS, samples=2, temperature=1.0, seed=4)
    styles = model.draw_styles(MAPS, instances=IDS, samples=2, temperature=1.0, seed=4)
    again = model.sample_styled(MAPS, styles, instances=IDS)
    np.testing.assert_allclose(again, images, atol=1e-6)
    np.testing.assert_array_equal(model.instance_ids(MAPS, instances=IDS), IDS)


def test_one_instance_is_redrawn_by_id_or_by_pixel(model):
    one, ids = MAPS[:1], IDS[:1]
    styles = model.draw_styles(one, instances=ids, temperature=1.0)
    (before,) = model.sample_styled(one, styles, instances=ids)
    common = {"instances": ids, "samples": 3, "temperature": 1.0}
    redrawn = model.redraw_instance(one, styles, LARGE, **common)
    (after,) = model.sample_styled(one, redrawn, instances=ids)
    inside = IDS[0] == LARGE
    assert after.shape == (3, *SIZE, 3)
    assert (after[:, ~inside] == before[0][~inside]).all()
    assert (np.abs(after[:, inside] - before[0][inside]).max((1, 2)) > 0.02).all()
    at = model.redraw_instance(one, styles, at=(8, 9), **common)
    np.testing.assert_array_equal(at.instances, redrawn.instances)
    same = model.redraw_instance(one, styles, LARGE, instances=ids, temperature=1.0, seed=0)
    np.testing.assert_array_equal(same.instances, styles.instances)


def test_a_style_is_taken_from_a_reference(model):
    one, ids = MAPS[:1], IDS[:1]
    styles = model.draw_styles(one, instances=ids)
    reference = {
        "reference": photos()[1:],
        "reference_condition": MAPS[1:],
        "reference_instances": IDS[1:],
        "instances": ids,
    }
    for chosen, like in (({}, LONELY), ({"reference_instance": WALKER}, WALKER)):
        restyled = model.restyle_instance(one, styles, SMALL, **reference, **chosen)
        image = model.sample_styled(one, restyled, instances=ids)[0, 0]
        wanted = np.array(PHOTO_COLOURS[like]) / 255
        assert np.abs(image[IDS[0] == SMALL] - wanted).max() < 0.1


def test_without_ids_instances_are_found(model):
    found = model.instance_ids(MAPS)
    np.testing.assert_array_equal(found[0] == 26001, IDS[0] == LARGE)
    assert model.sample(MAPS).shape == (2, 1, *SIZE, 3)


def test_refused(model):
    one, ids = MAPS[:1], IDS[:1]
    styles = model.draw_styles(one, instances=ids)
    wide = IDS[:, :, :5]
    for ask, said in (
        (lambda: model.sample(MAPS, instances=wide), r"int64 of the shape \(2, 12, 5\)"),
        (lambda: model.sample(MAPS, instances=IDS * 1.0), "are float64 of the shape"),
        (
            lambda: model.sample(one, instances=np.arange(192).reshape(1, *SIZE)),
            "an image has 192, and the model takes 16",
        ),
        (lambda: model.redraw_instance(one, styles, instances=ids), "either instance, an id, or"),
        (lambda: model.redraw_instance(one, styles, 5, instances=ids), "instance 5: no instance"),
        (
            lambda: model.redraw_instance(one, styles, at=(12, 0), instances=ids),
            "at 12, 0 is outside",
        ),
        (
            lambda: model.redraw_instance(MAPS, styles, LARGE, instances=IDS),
            "there are 2 conditions for 1 styles",
        ),
        (
            lambda: model.restyle_instance(
                MAPS[1:],
                model.draw_styles(MAPS[1:], instances=IDS[1:]),
                WALKER,
                reference=photos()[:1],
                reference_condition=MAPS[:1],
                instances=IDS[1:],
            ),
            "reference has no person",
        ),
        (lambda: model.sample_styled(MAPS, styles, instances=IDS), "1 styles for 2 conditions"),
        (lambda: model.draw_styles(one, instances=ids, samples=0), "samples"),
    ):
        with pytest.raises(UserError, match=said):
            ask()


def test_the_snippet_of_the_documents(model):
    page = (Path(__file__).resolve().parents[2] / "docs" / "sampling.md").read_text()
    (snippet,) = re.findall(r"^```python\n(styles = .*?)^```", page, re.M | re.S)
    names = {"model": model, "maps": MAPS, "ids": IDS, "photos": photos()}
    exec(snippet, names)
    inside = IDS[0] == LARGE
    assert names["another"].ids.shape[0] == 5
    assert np.abs(names["changed"][inside] - np.array(PHOTO_COLOURS[LONELY]) / 255).max() < 0.1
    assert (names["changed"][~inside] == names["photo"][~inside]).all()
