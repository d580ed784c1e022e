"""An INADE's step and its styles."""

from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from fullglow_jax.config import default_config
from fullglow_jax.gans.adversaries import MOVING
from fullglow_jax.gans.learner import GENERATOR, generator_of
from fullglow_jax.layers.norms import OF_BATCH
from fullglow_jax.model_registry import build_model
from fullglow_jax.models.interface import ABSENT, InstanceModel
from tests.gans.test_model import differences
from tests.gans.tiny_inade import KEY, KL, SIZE, A, batch_of, inade, shallow, state_of, stepped
from tests.layers.variables import quick_jit


@pytest.fixture(scope="module", autouse=True)
def _shallow():
    with shallow():
        yield


@cache
def usual():
    """(a state, the state after a step, and its report), in float64."""
    with jax.enable_x64(True):
        model = inade()
        state = state_of(model, np.float64)
        return state, *stepped(model, state)


# ---- training ------------------------------------------------------------------------------------


def test_a_step_is_the_generators_and_then_the_discriminators_on_images_drawn_anew():
    """Of losses written out anew, in float64."""
    with jax.enable_x64(True):
        model, batch = inade(), batch_of()
        state, new, report = usual()
        scene, beside = model.reading.training(batch), model.reading.discriminator(batch)
        target = scene.photo
        keys = jax.random.split(jax.random.fold_in(KEY, 0), 4)
        first, second = (
            model.noise(jax.vmap(lambda key, n=n: jax.random.split(key, 3)[n])(keys), 1.0, scene)
            for n in range(2)
        )

        def drawn(variables, noise):
            given = scene, noise, OF_BATCH
            return model.generator.apply(variables, *given, mutable=MOVING, method="with_terms")

        def told(variables, image):
            return model.discriminator.apply(variables, beside, image, OF_BATCH, mutable=MOVING)

        @quick_jit
        def written_out(generator, critic):
            def of_generator(params):
                (image, terms), moved = drawn({**generator, "params": params}, first)
                false, after = told(critic, image)
                true, _ = told(critic, target)
                loss = KL * terms["kl"].mean()
                for mine, theirs in zip(false, true, strict=True):
                    loss += 0.5 * (-mine.logits).mean()
                    loss += 0.5 * 10 * jnp.abs(mine.features[1] - theirs.features[1]).mean()
                return loss, (moved, after)

            found = jax.value_and_grad(of_generator, has_aux=True)(generator["params"])
            (g_loss, (moved, after)), gradient = found
            params = jax.tree.map(lambda p, g: p - 0.1 * g, generator["params"], gradient)
            (image, _), moved = drawn({"params": params, **moved}, second)

            def of_critic(params):
                variables = {"params": params, **after}
                both = [told(variables, each) for each in (target, image)]
                (true, last), (false, _) = both
                losses = [
                    jax.nn.relu(1 - t.logits).mean() + jax.nn.relu(1 + f.logits).mean()
                    for t, f in zip(true, false, strict=True)
                ]
                return sum(losses) / 2, last

            (d_loss, last), gradient = jax.value_and_grad(of_critic, has_aux=True)(critic["params"])
            moved_critic = jax.tree.map(lambda p, g: p - 0.1 * g, critic["params"], gradient)
            return (g_loss, d_loss), {"params": params, **moved}, {"params": moved_critic, **last}

        losses, generator, critic = written_out(generator_of(state.variables), state.critic)
        for name, loss in zip(("generator", "discriminator"), losses, strict=True):
            assert report.scalars[f"loss/{name}"] == pytest.approx(float(loss), abs=1e-9)
        assert differences(generator_of(new.variables), generator) < 1e-9
        assert differences(new.critic, critic) < 1e-9


def test_all_that_moves_has_moved():
    state, new, report = usual()
    for collection in ("params", *MOVING):
        both = (each.variables[collection][GENERATOR] for each in (state, new))
        assert differences(*both) > 1e-4
    encoders = (each.variables["params"][GENERATOR]["encoder"] for each in (state, new))
    assert differences(*encoders) > 1e-4
    assert {"generator/kl", "generator/matching", "discriminator/true"} <= set(report.scalars)
    assert report.finite.all()


def test_the_divergence_is_summed_over_the_batch_and_rates_are_two():
    config = default_config("inade")
    config.data.label_maps = ("label",)
    config.model.perceptual_weight = 0.0
    config.train.batch_size = 6
    model = build_model(config, optax.constant_schedule(1e-3))
    assert model.adversaries.objective.own == {"kl": pytest.approx(0.05 / 2 * 6)}
    moved = []
    for optimizer in (model.optimizers.generator, model.optimizers.discriminator):
        params = jnp.zeros(1)
        moved.append(float(optimizer.update(params + 1, optimizer.init(params))[0][0]))
    assert moved == pytest.approx([-0.5e-3, -2e-3], rel=1e-3)


# ---- styles --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tools():
    """(model, its variables, its methods of conditions, compiled)."""
    model = inade()
    variables = jax.tree.map(np.float32, usual()[1].variables)
    assert isinstance(model, InstanceModel)
    names = ("read_conditions", "sample", "draw_styles", "sample_styled", "read_styles")
    return model, variables, {name: quick_jit(getattr(model, name)) for name in names}


def test_a_sample_is_of_its_styles_and_of_no_other_example(tools):
    _, variables, call = tools
    keys, batch = jax.random.split(KEY, 8), batch_of()
    conditions = call["read_conditions"](variables, batch)
    images = np.asarray(call["sample"](variables, conditions, keys, 0.8))
    assert images.shape == (8, *SIZE, 3)
    assert images.min() >= 0
    assert images.max() <= 1
    styles = call["draw_styles"](variables, conditions, keys, 0.8)
    assert styles.ids[0].tolist() == styles.ids[1].tolist() == [7, 70000, 70001, ABSENT]
    again = call["sample_styled"](variables, conditions, styles)
    np.testing.assert_allclose(again, images, atol=1e-6)
    third = jax.tree.map(lambda x: x[2:3], batch)
    alone = call["read_conditions"](variables, third)
    sampled = call["sample"](variables, alone, keys[4:6], 0.8)
    np.testing.assert_allclose(sampled, images[4:6], atol=1e-6)
    assert np.abs(images[4] - images[5]).max() > 1e-3
    cold = call["draw_styles"](variables, conditions, keys, 0.0)
    assert not np.any(cold.image)
    assert not np.any(cold.instances)


def test_bfloat16_is_close(tools):
    _, variables, call = tools
    keys, batch = jax.random.split(KEY, 4), batch_of()
    conditions = call["read_conditions"](variables, batch)
    exact = np.asarray(call["sample"](variables, conditions, keys, 1.0))
    short = inade(replace(A, precision="bfloat16"), parts=2)
    images = quick_jit(short.sample)(variables, conditions, keys, 1.0)
    assert images.dtype == np.float32
    assert 0 < np.abs(images - exact).mean() < exact.std() / 5
    state = jax.tree.map(lambda x: np.float32(x) if x.dtype == np.float64 else x, usual()[0])
    stepped, _ = jax.eval_shape(short.train_step, state, batch, KEY)
    assert jax.tree.map(lambda x: x.dtype, stepped) == jax.tree.map(lambda x: x.dtype, state)


def test_a_style_is_of_its_instance_alone(tools):
    model, variables, call = tools
    keys, batch = jax.random.split(KEY, 4), batch_of()
    conditions = call["read_conditions"](variables, batch)
    one, other = (call["draw_styles"](variables, conditions, k, 1.0) for k in (keys, keys[::-1]))
    images = np.asarray(call["sample_styled"](variables, conditions, one))

    def change(place):
        swapped = one.instances.at[:, place].set(other.instances[:, place])
        changed = call["sample_styled"](variables, conditions, one.replace(instances=swapped))
        return np.abs(np.asarray(changed) - images).mean(-1)

    inside = np.asarray(model.instance_ids(batch)) == 70001
    second = change(2)
    assert second[inside].mean() > 2 * second[~inside].mean() > 0
    assert change(3).max() == 0  # there is none


def test_styles_are_read_from_photos(tools):
    _, variables, call = tools
    batch = batch_of()
    mean, deviation = call["read_styles"](variables, batch)
    assert mean.ids[1].tolist() == [7, 70000, 70001, ABSENT]
    assert mean.instances.shape == deviation.instances.shape == (4, 4, 2, 2)
    assert (deviation.instances > 0).all()
    assert not np.any(mean.image)
    assert np.all(np.asarray(deviation.image) == 1)
    assert not np.any(mean.instances[:, 3])  # there is none
    target = np.where((batch.instances == 70001)[..., None], 255 - batch.target, batch.target)
    others, _ = call["read_styles"](variables, replace(batch, target=target))
    change = np.abs(np.asarray(others.instances - mean.instances)).mean((0, 2, 3))
    assert change[2] > 1.5 * max(change[0], change[1])
    assert inade(replace(A, encoder=False)).read_styles(variables, batch) is None


def test_without_instances_each_class_is_one():
    model = inade(replace(A, instances=0))
    assert not model.shapes.annotations.names
    batch = replace(batch_of(), instances=None)
    ids = model.instance_ids(batch)
    assert np.unique(ids).tolist() == [0, 1]
    scene = model.reading.drawing(batch)
    assert scene.ids.shape == (4, 4)  # three classes and the unknown one
    assert scene.ids[0].tolist() == [0, 1, ABSENT, ABSENT]
    assert scene.photo is None
