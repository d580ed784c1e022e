"""The step of two optimisers, and sampling."""

from dataclasses import replace
from functools import cache, reduce

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from fullglow_jax.gans.architecture import Pix2PixArchitecture
from fullglow_jax.gans.learner import GENERATOR, Optimizers
from fullglow_jax.gans.model import GanModel, Turns
from fullglow_jax.gans.noise import dropout_masks
from fullglow_jax.gans.objective import Objective
from fullglow_jax.layers.norms import OF_BATCH
from fullglow_jax.models.batch import Batch
from tests.layers.variables import quick_jit, random_variables, run

SIZE = (16, 16)
A = Pix2PixArchitecture(
    SIZE,
    batch=4,
    downs=3,
    width=3,
    dropout_from=1,
    discriminator_width=3,
    discriminator_layers=1,
)
KEY = jax.random.key(5)


def batch_of(count=4):
    rng = np.random.default_rng(1)
    return Batch(*(rng.integers(0, 256, (count, *SIZE, 3), np.uint8) for _ in range(2)))


def gan(a=A, objective=None, optimizer=None, **options):
    optimizer = optimizer or optax.sgd(0.1)
    return GanModel(
        a.generator,
        a.discriminator_network,
        a,
        noise=lambda keys, t, _: dropout_masks(keys, a.noise_shapes, a.dropout * t),
        objective=objective or Objective(adversarial=a.adversarial, pixels=a.pixel_weight),
        optimizers=Optimizers(optimizer, optimizer),
        **options,
    )


def state_of(model, seed=0, dtype=np.float32):
    """Of weights away from their start, and ones for all else."""
    image = np.zeros((1, *SIZE, 3), dtype)
    noise = model.noise(jax.random.split(KEY, 1), 1.0, image)

    def randomly(network, *inputs):
        found = random_variables(network, *inputs, seed=seed, dtype=dtype)
        others = {name: tree for name, tree in found.items() if name != "params"}
        return {**found, **jax.tree.map(np.ones_like, others)}

    critic = randomly(model.discriminator, image, image) if model.discriminator else ()
    return model.first_state(randomly(model.generator, image, noise), critic)


def stepped(model, state, batch=None):
    return jax.device_get(quick_jit(model.train_step)(state, batch or batch_of(), KEY))


@cache
def usual(norm="batch"):
    """(a state, the state after a step, and its report) of the model that is nothing special."""
    model = gan(replace(A, norm=norm))
    state = state_of(model)
    return state, *stepped(model, state)


def noise_of(model):
    """That of the first step's first four examples."""

    @quick_jit
    def drawn():
        keys = jax.random.split(jax.random.fold_in(KEY, 0), 4)
        return model.noise(jax.vmap(lambda key: jax.random.split(key, 3)[0])(keys), 1.0, None)

    return drawn()


def differences(tree, other):
    pairs = zip(jax.tree.leaves(tree), jax.tree.leaves(other), strict=True)
    return max(float(np.abs(a - b).max()) for a, b in pairs)


def test_a_step_is_two_gradients_the_second_through_the_moved_discriminator():
    """Of losses written out anew, in float64: one forward pass and one pullback change nothing."""
    a = replace(A, adversarial="lsgan", pixel_weight=7.0)
    with jax.enable_x64(True):
        model = gan(a)
        state = state_of(model, dtype=np.float64)
        batch = batch_of()
        new, report = stepped(model, state, batch)
        condition, target = (
            np.asarray(x, float) / 127.5 - 1 for x in (batch.condition, batch.target)
        )
        noise = noise_of(model)
        generator = {name: tree[GENERATOR] for name, tree in state.variables.items()}

        def drawn(params):
            return model.generator.apply(
                {**generator, "params": params}, condition, noise, OF_BATCH, mutable=["statistics"]
            )[0]

        def logits(params, image):
            variables = {**state.critic, "params": params}
            (verdict,), _ = model.discriminator.apply(
                variables, condition, image, OF_BATCH, mutable=["statistics"]
            )
            return verdict.logits

        image = quick_jit(drawn)(generator["params"])

        def of_critic(params):
            true, false = logits(params, target), logits(params, image)
            return 0.5 * (((true - 1) ** 2).mean() + (false**2).mean())

        critic = state.critic["params"]
        gradient = quick_jit(jax.grad(of_critic))(critic)
        moved = jax.tree.map(lambda p, g: p - 0.1 * g, critic, gradient)

        def of_generator(params):
            image = drawn(params)
            return ((logits(moved, image) - 1) ** 2).mean() + 7 * jnp.abs(image - target).mean()

        loss, by_generator = quick_jit(jax.value_and_grad(of_generator))(generator["params"])
        assert differences(new.critic["params"], moved) < 1e-12
        expected = jax.tree.map(lambda p, g: p - 0.1 * g, generator["params"], by_generator)
        assert differences(new.variables["params"][GENERATOR], expected) < 1e-12
        assert report.scalars["loss/generator"] == pytest.approx(float(loss), abs=1e-10)
        norm = float(optax.global_norm(by_generator))
        assert report.scalars["gradient_norm/generator"] == pytest.approx(norm, rel=1e-10)
        norm = float(optax.global_norm(gradient))
        assert report.scalars["gradient_norm/discriminator"] == pytest.approx(norm, rel=1e-10)


def test_running_statistics_move_once_a_forward_pass():
    model, (state, new, _) = gan(), usual()
    noise = noise_of(model)
    generator = {name: tree[GENERATOR] for name, tree in state.variables.items()}
    condition = batch_of().condition / np.float32(127.5) - 1
    moved = {"statistics": OF_BATCH, "mutable": ("statistics",)}
    _, once = run(model.generator, generator, condition, noise, **moved)
    assert differences(new.variables["statistics"][GENERATOR], once["statistics"]) < 1e-5
    # Of the discriminator, three: drawn, true, and drawn again by the other half of the step.
    first = jax.tree.leaves(state.critic["statistics"])
    assert first
    assert differences(new.critic["statistics"], state.critic["statistics"]) > 0.01


@pytest.mark.parametrize("norm", ["instance", "batch"])
def test_parts_give_what_the_whole_gives_but_for_batch_norms(norm):
    state, one, told = usual(norm)
    two, told_in_parts = stepped(gan(replace(A, norm=norm), parts=2), state)
    different = differences(one.variables["params"], two.variables["params"])
    assert (different < 1e-5) == (norm == "instance")
    assert told.finite.shape == told_in_parts.finite.shape == (4,)
    if norm == "instance":
        assert differences(one.critic["params"], two.critic["params"]) < 1e-5
        for name, value in told.scalars.items():
            assert told_in_parts.scalars[name] == pytest.approx(value, rel=1e-4), name


class Scale(nn.Module):
    """A generator of one number, whose own term is its square, times each example's mean."""

    @nn.compact
    def with_terms(self, condition, noise, statistics):
        scale = self.param("scale", nn.initializers.constant(0.3), ())
        return scale * condition, {"size": scale**2 * condition.mean((1, 2, 3))}


@pytest.mark.parametrize("parts", [1, 2])
def test_a_generators_own_terms_are_weighted_and_of_all_examples(parts):
    objective = Objective(pixels=0.0, own={"size": 7.0})
    options = {"optimizers": Optimizers(optax.sgd(1.0), optax.sgd(1.0)), "objective": objective}
    model = GanModel(Scale(), None, A, noise=lambda keys, t, _: keys, parts=parts, **options)
    state = quick_jit(model.init)(KEY, batch_of())
    new, report = stepped(model, state)
    means = (batch_of().condition / 127.5 - 1).mean((1, 2, 3))
    assert report.scalars["generator/size"] == pytest.approx(7 * 0.09 * means.mean(), rel=1e-4)
    moved = new.variables["params"][GENERATOR]["scale"]
    assert moved == pytest.approx(0.3 - 7 * 0.6 * means.mean(), rel=1e-4)


def test_true_and_drawn_images_together_are_one_batch_of_the_discriminators_norms():
    state, before, _ = usual()
    together, report = stepped(gan(together=True), state)
    assert np.isfinite(report.scalars["loss/discriminator"])
    assert differences(together.critic["params"], before.critic["params"]) > 1e-6
    # Its statistics move twice, by both at once and by drawn ones, instead of three times.
    mean = ("statistics", "scale_0", "norm_1", "mean")
    ones = [state.critic, together.critic, before.critic]
    first, both, apart = (reduce(lambda tree, key: tree[key], mean, each) for each in ones)
    assert np.abs(both - first).max() < np.abs(apart - first).max()


def test_in_the_other_order_and_with_other_images():
    state, before, _ = usual()
    first, _ = stepped(gan(turns=Turns(discriminator_first=False)), state)
    redrawn, _ = stepped(gan(turns=Turns(discriminator_first=False, redraw=True)), state)
    # The generator's gradient is through the discriminator as it was; the latter's is of the same.
    assert differences(first.critic["params"], before.critic["params"]) < 1e-6
    assert differences(first.variables["params"], before.variables["params"]) > 1e-6
    assert differences(first.variables["params"], redrawn.variables["params"]) < 1e-6
    assert differences(first.critic["params"], redrawn.critic["params"]) > 1e-6


def test_all_terms_are_there_and_add_up():
    a = replace(A, spectral=True, scales=2, norm="instance", adversarial="hinge")
    layers = {"features": lambda x: [x, jnp.square(x)], "layers": (1.0, 0.5)}
    objective = Objective("hinge", penalty=10.0, pixels=3.0, matching=2.0, perceptual=4.0, **layers)
    model = gan(a, objective)
    state = state_of(model)
    new, report = stepped(model, state)
    scalars = report.scalars
    for network, terms in (
        ("generator", ("adversarial", "matching", "pixels", "perceptual")),
        ("discriminator", ("true", "drawn", "penalty")),
    ):
        found = {name for name in scalars if name.startswith(f"{network}/")}
        assert found == {f"{network}/{term}" for term in terms}
        loss = scalars[f"loss/{network}"]
        assert loss == pytest.approx(sum(scalars[name] for name in found), rel=1e-4)
    assert all(map(np.isfinite, scalars.values()))
    assert differences(new.critic["spectral"], state.critic["spectral"]) > 1e-3


def test_a_generator_can_learn_alone():
    model = gan(replace(A, discriminator="none"))
    state = state_of(model)
    new, report = stepped(model, state)
    assert new.critic == ()
    assert set(report.scalars) == {"loss/generator", "generator/pixels", "gradient_norm/generator"}
    assert differences(new.variables["params"], state.variables["params"]) > 0


def test_the_example_is_named_whose_loss_is_not_finite():
    a = replace(A, norm="instance")
    batch = batch_of()
    target = batch.target / np.float32(255)
    target[2, 3, 3, 0] = np.nan
    _, report = stepped(gan(a), state_of(gan(a)), replace(batch, target=target))
    assert report.finite.tolist() == [True, True, False, True]
    assert not np.isfinite(report.scalars["gradient_norm/generator"])
    assert usual("instance")[2].finite.all()


def test_bfloat16_is_close_and_its_weights_stay_whole():
    state, exact, _ = usual()
    short, report = stepped(gan(replace(A, precision="bfloat16")), state)
    assert {leaf.dtype for leaf in jax.tree.leaves(short.variables)} == {np.dtype("float32")}
    assert np.isfinite(report.scalars["loss/generator"])
    moved = differences(exact.variables["params"], state.variables["params"])
    assert 0 < differences(exact.variables["params"], short.variables["params"]) < moved / 4


# ---- sampling ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def drawing():
    """(keys, temperature, conditions) → images of a model with running statistics of its own."""
    model, variables = gan(), usual()[1].variables
    read, sample = quick_jit(model.read_conditions), quick_jit(model.sample)

    def draw(keys, temperature, batch):
        conditions = read(variables, batch)
        return np.asarray(sample(variables, conditions, keys, np.float32(temperature)))

    return draw


def test_an_image_is_of_its_key_and_condition_and_not_of_its_batch(drawing):
    keys = jax.random.split(KEY, 8)
    images = drawing(keys, 1.0, batch_of())  # two of each condition
    assert images.shape == (8, *SIZE, 3)
    assert images.min() >= 0
    assert images.max() <= 1
    third = jax.tree.map(lambda x: x[2:3], batch_of())
    np.testing.assert_allclose(drawing(keys[4:6], 1.0, third), images[4:6], atol=1e-6)
    assert np.abs(images[4] - images[5]).max() > 1e-3


def test_at_temperature_0_there_is_no_noise_and_more_of_it_above(drawing):
    keys = jax.random.split(KEY, 16)
    one = jax.tree.map(lambda x: x[:1], batch_of())
    spread = {}
    for temperature in (0.0, 0.3, 1.0):
        images = drawing(keys, temperature, one)
        assert np.isfinite(images).all()
        spread[temperature] = images.std(0).mean()
    assert spread[0.0] < 1e-6 < spread[0.3] < spread[1.0]


def test_running_statistics_are_those_of_training(drawing):
    state = usual()[1]
    model = gan(running_statistics=True)
    keys, batch = jax.random.split(KEY, 4), batch_of()
    conditions = quick_jit(model.read_conditions)(state.variables, batch)
    images = quick_jit(model.sample)(state.variables, conditions, keys, 0.0)
    assert np.abs(images - drawing(keys, 0.0, batch)).max() > 1e-3
