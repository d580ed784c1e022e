"""What is measured of photos in which one instance is drawn anew."""

from functools import cache
from itertools import combinations
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.command import EvaluationRequest, check_metrics
from fullglow_jax.evaluation.instance_redraws import redraw_distances
from fullglow_jax.evaluation.metrics import METRICS
from fullglow_jax.evaluation.summary import NONE, over_examples
from fullglow_jax.models.batch import Batch
from tests.sampling.toy_instances import Settings, ToyInstances, ToyShapes
from tests.sampling.toy_scenes import LARGE, LONELY, SIZE, SKY, instance_maps, label_maps, photos

BATCH = Batch(label_maps(), photos(), (), instance_maps().astype(np.int32))
NUMBERED = Batch(np.zeros_like(label_maps()), photos(), (), instance_maps().astype(np.int32))
KEYS = jax.random.split(jax.random.key(0), 2)
DRAWS = 3


@pytest.fixture(autouse=True, scope="module")
def _compiled_sooner():
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


class Leaking(ToyInstances):
    """A fifth of the change of an instance shows everywhere."""

    def sample_styled(self, variables, conditions, styles):
        images = super().sample_styled(variables, conditions, styles)
        there = (styles.ids < 30_000)[..., None]
        return images + 0.2 * jnp.where(there, styles.instances[:, :, 0], 0).sum(1)[:, None, None]


def model(kind=ToyInstances):
    return kind(Settings(), ToyShapes(SIZE, instances=16))


@cache
def distances(kind, draws):
    return jax.jit(redraw_distances(model(kind), draws, 1.0))


def measured(kind=ToyInstances, batch=BATCH, draws=DRAWS):
    return distances(kind, draws)({}, batch, KEYS)


@jax.jit
def styles(maps):
    """Of both photos, and of their redraws: (2, 1 + DRAWS, …)."""
    numbers = jnp.arange(1, DRAWS + 1)
    others = jax.vmap(jax.vmap(jax.random.fold_in, (None, 0)), (0, None))(KEYS, numbers)
    keys = jnp.concatenate([KEYS[:, None], others], axis=1).reshape(-1)
    drawn = model().draw_styles({}, maps, keys, 1.0)
    return jax.tree.map(lambda leaf: leaf.reshape(2, 1 + DRAWS, *leaf.shape[1:]), drawn)


def expected(batch, which):
    """The same for the toy, by hand: an instance's pixels have one colour each."""
    drawn, inside = jax.tree.map(np.asarray, styles(batch.instances)), []
    for place, id_ in enumerate(which):
        (at,) = np.flatnonzero(drawn.ids[place, 0] == id_)
        sums = drawn.instances[place, 1:, at, 0] + 0.1 * drawn.image[place, 0]
        colours = 1 / (1 + np.exp(-sums))
        apart = [a - b for a, b in combinations(colours, 2)]
        root = np.mean([np.sqrt(np.square(each).mean()) for each in apart])
        inside.append((root, np.mean([np.abs(each).mean() for each in apart])))
    return np.array(inside).T


def test_the_largest_countable_instance_is_drawn_anew():
    found = measured()
    inside, change = expected(BATCH, (LARGE, LONELY))
    np.testing.assert_allclose(found["inside"], inside, rtol=1e-5)
    np.testing.assert_allclose(found["change_inside"], change, rtol=1e-5)
    np.testing.assert_array_equal(found["outside"], 0)
    np.testing.assert_array_equal(found["change_outside"], 0)


def test_without_countable_classes_it_is_the_largest_of_all():
    found = measured(batch=NUMBERED)["inside"]
    np.testing.assert_allclose(found, expected(NUMBERED, (SKY, SKY))[0], rtol=1e-5)


def test_what_leaks_out_is_told_outside():
    found = measured(Leaking)
    assert (found["outside"] > 0.01).all()
    assert (found["inside"] > found["outside"]).all()


def test_one_draw_has_no_distance():
    assert np.isnan(measured(draws=1)["inside"]).all()


def test_its_figures():
    metric = METRICS["instance_diversity"]
    names = ("inside", "outside", "change_inside", "change_outside")
    result = {name: over_examples([0.1 * i, 0.3 * i]) for i, name in enumerate(names, start=1)}
    figures = metric.figures({**result, "change_ratio": {"mean": 5.25}})
    assert figures[0].both == "0.2000 ± 0.1000"
    assert figures[-1].both == "5.2"
    assert metric.value(result) == pytest.approx(0.2)
    assert metric.figures({**result, "change_ratio": {"mean": None}})[-1].mean == NONE
    validated = metric.of_examples(model(), 1.0)
    shapes = jax.eval_shape(validated.score, {}, BATCH, KEYS)
    assert shapes[validated.headline].shape == (2,)


def test_models_without_instances_are_refused(tmp_path):
    plain = SimpleNamespace(shapes=ToyShapes(SIZE), reads_conditions=True)
    request = EvaluationRequest(workdir=tmp_path, metrics=("instance_diversity",))
    with pytest.raises(UserError, match=r"a plain, draws no style for each instance.* ssim"):
        check_metrics(plain, "plain", request)
    assert check_metrics(model(), "toy", request) == [METRICS["instance_diversity"]]
