"""Glow on its own: Full-Glow's source, with the same variables under shorter names."""

from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy import stats

from fullglow_jax.errors import UserError
from fullglow_jax.flows import step_tables
from fullglow_jax.flows.architecture import GlowArchitecture
from fullglow_jax.flows.model import FlowModel
from fullglow_jax.models.batch import Batch
from tests.flows.test_full_glow import BOUNDARY, TWO_LEVELS, encoded, inputs, random_model
from tests.flows.test_memory_modes import difference, split
from tests.layers.variables import quick_jit, quick_key

both = pytest.mark.parametrize("architecture", [TWO_LEVELS, BOUNDARY], ids=["LU", "matrices"])


def of_source(architecture):
    """A glow's variables: those of a random Full-Glow's source."""
    variables = random_model(architecture)

    def glow(collection):
        names = {"source_prior": "prior"}
        return {
            level: {names[name]: tree for name, tree in trees.items() if name in names}
            | {"steps": trees["steps"]["source"]}
            for level, trees in collection.items()
        }

    return {name: glow(collection) for name, collection in variables.items()}


def glow_of(full, **changes):
    """A Glow of a Full-Glow's numbers."""
    same = ("image_size", "steps", "channels", "lu", "coupling_width", "memory_mode", "tile")
    return GlowArchitecture(**{name: getattr(full, name) for name in same} | changes)


@cache
def network(architecture):
    return step_tables.glow(glow_of(architecture))


@both
def test_it_is_the_source_of_a_full_glow_and_decoding_undoes_encoding(architecture):
    glow = network(architecture)
    image = inputs(architecture, 3)[0]

    @quick_jit
    def run(variables, image):
        (encoding,) = glow.apply(variables, (image,))
        return encoding, glow.apply(variables, encoding.latents, method="decode")

    with jax.enable_x64(True):
        encoding, again = jax.device_get(run(of_source(architecture), image))
    expected = encoded(architecture)[0]
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-9), encoding, expected)
    np.testing.assert_allclose(again, image, atol=1e-9)


@both
def test_log_det_is_that_of_the_whole_jacobian(architecture):
    glow = network(architecture)
    image = inputs(architecture, 1)[0]

    @quick_jit
    def run(variables, image):
        def flat(pixels):
            (encoding,) = glow.apply(variables, (pixels.reshape(image.shape),))
            return jnp.concatenate([latent.ravel() for latent in encoding.latents]), encoding

        jacobian, encoding = jax.jacrev(flat, has_aux=True)(image.ravel())
        return jnp.linalg.slogdet(jacobian).logabsdet, encoding.log_det.sum()

    with jax.enable_x64(True):
        expected, log_det = jax.device_get(run(of_source(architecture), image))
    np.testing.assert_allclose(log_det, expected, rtol=0, atol=1e-6)
    assert abs(log_det) > 1


def flow(architecture, **changes):
    glow = step_tables.glow(glow_of(architecture, **changes))
    return FlowModel(glow, bits=8, optimizer=optax.adam(1e-3))


@cache
def gradients(architecture, mode):
    model = flow(architecture, memory_mode=mode, tile=0)
    images = inputs(architecture, 2)[0]

    @quick_jit
    @jax.value_and_grad
    def run(trained, constants, keys):
        params, images = trained
        batch = Batch(None, images)
        return model.bits_per_dim({**constants, "params": params}, batch, keys)["image"].mean()

    params, constants = split(of_source(architecture))
    with jax.enable_x64(True):
        keys = jax.vmap(jax.random.key)(np.arange(2))
        return jax.device_get(run((params, images), constants, keys))


@pytest.mark.parametrize(
    ("architecture", "mode"),
    [
        pytest.param(TWO_LEVELS, "invert", id="LU-invert"),
        pytest.param(BOUNDARY, "remat", id="matrices-remat"),
    ],
)
def test_gradients_are_those_of_stored_activations(architecture, mode):
    expected_value, expected = gradients(architecture, "store")
    value, actual = gradients(architecture, mode)
    np.testing.assert_allclose(value, expected_value, rtol=1e-12)
    assert all(leaf.any() for leaf in jax.tree.leaves(expected))
    assert max(jax.tree.leaves(jax.tree.map(difference, actual, expected))) < 1e-8


def test_it_has_as_many_parameters_as_the_source_of_the_original():
    glow = step_tables.glow(GlowArchitecture((64, 64), (4, 4, 4)))
    image = jax.ShapeDtypeStruct((1, 64, 64, 3), np.float32)
    params = jax.eval_shape(glow.init, jax.random.key(0), (image,))["params"]
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 5_551_296


# --- As a model -----------------------------------------------------------------------------------

SMALL = GlowArchitecture((4, 6), (2,), coupling_width=6)


@cache
def started():
    targets = np.random.default_rng(0).integers(0, 256, (4, 4, 6, 3), np.uint8)
    batch = Batch(np.zeros_like(targets), targets)
    return batch, jax.device_get(quick_jit(flow(SMALL).init)(quick_key(), batch))


def test_training_lowers_its_bits_whatever_the_conditions():
    batch, state = started()
    step = quick_jit(flow(SMALL).train_step)
    _, elsewhere = step(state, replace(batch, condition=255 - batch.condition), jax.random.key(1))
    history = []
    for _ in range(20):
        state, report = step(state, batch, jax.random.key(1))
        history.append(float(report.scalars["bits_per_dim/image"]))
    assert history[0] == elsewhere.scalars["bits_per_dim/image"]
    assert history[-1] < history[0] - 0.1
    assert report.finite.shape == (4,)


def test_bits_are_made_of_their_parts():
    batch, state = started()
    keys = jax.random.split(jax.random.key(0), 4)
    bits = quick_jit(flow(SMALL).bits_per_dim)(state.variables, batch, keys)
    assert flow(SMALL).headline == "image"
    np.testing.assert_allclose(
        bits["image"], 8 + bits["image/prior"] + bits["image/log_det"], rtol=1e-5
    )


def test_every_key_draws_an_image_of_its_own_and_without_temperature_all_are_one():
    batch, state = started()
    model = flow(SMALL)

    @quick_jit
    def draw(variables, keys, temperature):
        read = model.read_conditions(variables, batch)
        return model.sample(variables, read, keys, temperature)

    keys = jax.random.split(jax.random.key(0), 6)
    images = np.asarray(draw(state.variables, keys, 0.7))
    assert images.shape == (6, 4, 6, 3)
    assert images.min() >= 0
    assert images.max() <= 1
    for i in range(6):
        others = np.delete(images, i, axis=0)
        assert (np.abs(others - images[i]).max(axis=(1, 2, 3)) > 0.01).all()
    still = np.asarray(draw(state.variables, keys, 0.0))
    np.testing.assert_allclose(still, still[:1].repeat(6, axis=0), atol=1e-6)


def nearly_identity(architecture):
    """Variables under which half of the latents are pixels, and the others σ(2) times pixels."""
    image = jnp.zeros((1, *architecture.image_size, architecture.channels))
    shapes = jax.eval_shape(step_tables.glow(architecture).init, quick_key(), (image,))
    variables = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)
    step = variables["params"]["levels_0"]["steps"]
    step["actnorm"]["scale"] += 1
    step["convolution"]["weight"] += np.eye(4, dtype=np.float32)
    return variables


@pytest.mark.parametrize("bits", [1, 5])
def test_the_bits_of_a_discrete_image_are_those_of_its_probability(bits):
    """Of all 16 images of 2×2 pixels of one bit, or of as many of five, in closed form."""
    architecture = GlowArchitecture((2, 2), (1,), lu=False, channels=1, coupling_width=2)
    model = FlowModel(step_tables.glow(architecture), bits=bits, optimizer=optax.sgd(0.1))
    rng, draws = np.random.default_rng(0), 2000
    levels = np.stack(np.meshgrid(*[[0, 2**bits - 1]] * 4), -1).reshape(16, 2, 2, 1)
    # Any of the eight-bit pixels that are one in so few bits.
    low = rng.integers(0, 2 ** (8 - bits), (2, *levels.shape))
    images = (levels * 2 ** (8 - bits) + low).astype(np.uint8)
    score = quick_jit(
        lambda variables, images, keys: model.bits_per_dim(variables, Batch(images, images), keys)
    )
    keys = jax.random.split(jax.random.key(0), 16 * draws)
    scores, again = (
        score(nearly_identity(architecture), each.repeat(draws, axis=0), keys)["image"]
        for each in images
    )
    np.testing.assert_array_equal(scores, again)
    probabilities = np.exp2(-4.0 * np.float64(scores)).reshape(16, draws).mean(1)

    scale = np.array([1, 1, 1 / (1 + np.exp(-2.0)), 1 / (1 + np.exp(-2.0))])
    lowest = levels.reshape(16, 4) / 2**bits
    inside = stats.norm.cdf((lowest + 2.0**-bits) * scale) - stats.norm.cdf(lowest * scale)
    np.testing.assert_allclose(probabilities, inside.prod(1), rtol=0.02)


def test_it_starts_from_one_image_whose_last_level_is_a_pixel():
    glow = step_tables.glow(GlowArchitecture((2, 2), (2,), channels=1, coupling_width=2))
    model = FlowModel(glow, bits=8, optimizer=optax.sgd(1))
    image = np.random.default_rng(0).integers(0, 256, (1, 2, 2, 1), np.uint8)
    state = quick_jit(model.init)(quick_key(), Batch(image, image))
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(state.variables))


# --- As it was published --------------------------------------------------------------------------

STARTED = {"coupling_width": 32, "actnorm": "log_scale", "coupled_half": "first"}


@cache
def start_of(name, permute=False):
    """The variables of the first level's steps at the start, the model, and its batch."""
    architecture = GlowArchitecture(
        (8, 8), (3, 1), start=name, permute=permute, prior="standard", **STARTED
    )
    model = FlowModel(
        step_tables.glow(architecture), bits=5, centred=True, optimizer=optax.sgd(0.1)
    )
    batch = Batch(None, np.random.default_rng(0).integers(0, 256, (8, 8, 8, 3), np.uint8))
    variables = jax.device_get(quick_jit(model.init)(quick_key(), batch)).variables
    return variables, model, batch


@pytest.mark.parametrize(
    ("name", "kernels", "biases"), [("intended", 0.05, 0.0), ("published", 0.01, 0.01)]
)
def test_coupling_nets_start_at_either_size(name, kernels, biases):
    net = start_of(name)[0]["params"]["levels_0"]["steps"]["coupling"]["net"]
    for layer in ("conv_0", "conv_1"):
        assert net[layer]["kernel"].std() == pytest.approx(kernels, rel=0.1)
        assert net[layer]["bias"].std() == pytest.approx(biases, rel=0.3)
    assert not any(leaf.any() for leaf in jax.tree.leaves(net["output"]))


def test_the_published_start_has_no_rotation():
    def matrices(name):
        variables = start_of(name)[0]
        of_step = {n: tree["levels_0"]["steps"]["convolution"] for n, tree in variables.items()}
        p, c = of_step["params"], of_step["constants"]
        lower = np.tril(p["lower"], -1) + np.eye(12)
        upper = np.triu(p["upper"], 1) + np.eye(12) * (c["sign"] * np.exp(p["log_scale"]))[:, None]
        signed = np.eye(12) * c["sign"][:, None]
        return p, c["permutation"] @ lower @ upper, c["permutation"] @ signed

    factors, matrix, permutation = matrices("published")
    for factor in factors.values():
        assert factor.std() == pytest.approx(0.01, rel=0.3)
    assert 0.005 < np.abs(matrix - permutation).max() < 0.1
    assert len({tuple(order.argmax(-1)) for order in np.abs(permutation)}) == 3
    _, rotation, _ = matrices("intended")
    np.testing.assert_allclose(rotation @ rotation.mT, np.eye(12)[None].repeat(3, 0), atol=1e-5)
    assert np.abs(rotation - permutation).max() > 0.5


def test_actnorms_start_from_the_data_after_either_start():
    for name in ("intended", "published"):
        variables, _, _ = start_of(name)
        for step in range(1, 3):
            # Zero-convs add nothing yet, and what came out of the actnorm before was of size 1.
            scale = variables["params"]["levels_0"]["steps"]["actnorm"]["log_scale"][step]
            assert np.abs(scale[6:]).max() < 1
        first = variables["params"]["levels_0"]["steps"]["actnorm"]["log_scale"][0]
        np.testing.assert_allclose(first, np.log(12**0.5), atol=0.1)  # of uniform noise


def test_a_permutation_may_have_either_start_and_a_full_matrix_not():
    assert "permutation" in start_of("published", permute=True)[0]["constants"]["levels_0"]["steps"]
    with pytest.raises(UserError, match=r"start='published' .* --config\.model\.lu=true"):
        GlowArchitecture((8, 8), (1,), start="published", lu=False)


def test_centred_images_go_in_and_come_out_in_the_unit_interval():
    variables, model, batch = start_of("published")

    @quick_jit
    def run(variables, keys):
        encoding = model.encode(variables, batch)
        plain = FlowModel(model.network, bits=5, optimizer=model.optimizer)
        shifted = plain._encode(variables, batch, keys)[0]
        again = model.decode(variables, (), encoding.latents)
        return again, model.bits_per_dim(variables, batch, keys), plain._bits("image", shifted)

    again, bits, uncentred = jax.device_get(run(variables, jax.random.split(jax.random.key(0), 8)))
    np.testing.assert_allclose(again, model.pixels(batch.target), atol=1e-5)
    np.testing.assert_allclose(bits["image/log_det"], uncentred["image/log_det"], rtol=1e-5)
    assert (bits["image/prior"] < uncentred["image/prior"] - 0.1).all()
