"""The whole model, tiny: two levels with LU factors, one level of full matrices and boundaries."""

from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from fullglow_jax.bijections import ActNorm, AffineCoupling, InvertibleConvolution, squeeze
from fullglow_jax.flows.architecture import FullGlowArchitecture
from fullglow_jax.flows.conditioners.coupling_net import Coupling
from fullglow_jax.flows.conditioners.spatial_net import Spatial
from fullglow_jax.flows.conditioners.vector_net import Vector
from fullglow_jax.flows.step_tables import boundary_maps, full_glow
from fullglow_jax.layers.precision import Compute
from tests.layers.variables import perturbed, quick_jit, quick_key, start

ONE_CHANNEL = {"channels": 1, "coupling_width": 6, "spatial_width": 4}
TWO_LEVELS = FullGlowArchitecture((20, 24), (2, 1), **ONE_CHANNEL)
BOUNDARY = FullGlowArchitecture((10, 12), (2,), lu=False, boundary_maps="smooth", **ONE_CHANNEL)

both = pytest.mark.parametrize("architecture", [TWO_LEVELS, BOUNDARY], ids=["LU", "boundary"])


def inputs(architecture, batch, dtype=np.float64):
    """Source, target and boundary maps. A smaller batch is the first examples of a larger one."""
    rngs = [np.random.default_rng(seed) for seed in range(batch)]

    def draw(*shape):
        return np.stack([rng.random(shape) for rng in rngs]).astype(dtype)

    image = (*architecture.image_size, architecture.channels)
    sizes = architecture.level_sizes if architecture.boundary else ()
    return draw(*image), draw(*image), tuple(draw(*size, 3) for size in sizes)


def pair_and_maps(architecture, batch, dtype=np.float64):
    """`inputs`, as a flow takes them."""
    source, target, boundary = inputs(architecture, batch, dtype)
    return (source, target), boundary_maps(boundary)


def identity_model(architecture):
    """Parameters under which a step changes nothing but by its coupling's start, s = σ(2)."""
    init = full_glow(architecture).init
    with jax.enable_x64(False):
        shapes = jax.eval_shape(init, quick_key(), *pair_and_maps(architecture, 1, np.float32))
    variables = jax.tree.map(lambda leaf: np.zeros(leaf.shape), shapes)
    for level, channels in enumerate(architecture.level_channels):
        steps = variables["params"][f"levels_{level}"]["steps"]
        for actnorm in (
            steps["source"]["actnorm"]["scale"],
            steps["target"]["actnorm"]["vector_net"]["output"]["bias"][:, :channels],
        ):
            actnorm += 1
        if not architecture.lu:
            steps["source"]["convolution"]["weight"] += np.eye(channels)
            bias = steps["target"]["convolution"]["vector_net"]["output"]["bias"]
            bias += np.eye(channels).ravel()
            continue
        for glow in variables["constants"][f"levels_{level}"]["steps"].values():
            glow["convolution"]["permutation"] += np.eye(channels)
            glow["convolution"]["sign"] += 1
    return variables


@cache
def random_model(architecture, dtype=np.float64):
    return perturbed(identity_model(architecture), 0, dtype)


@cache
def there_and_back(architecture):
    """(variables, pairs) → (source and target encodings, source and target decoded from them)."""
    network = full_glow(architecture)

    @quick_jit
    def run(variables, source, target, boundary):
        maps = boundary_maps(boundary)
        of_source, of_target = network.apply(variables, (source, target), maps)
        read = network.apply(variables, (source,), maps, method="read_conditions")
        decoded = network.apply(variables, of_target.latents, read, method="decode")
        source = network.apply(variables, of_source.latents, image="source", method="decode")
        return of_source, of_target, source, decoded

    return lambda *args: jax.device_get(run(*args))


@cache
def encoded(architecture):
    """Three pairs under random parameters, in double precision."""
    with jax.enable_x64(True):
        return there_and_back(architecture)(random_model(architecture), *inputs(architecture, 3))


def by_hand(variables, source, target, boundary):
    """The boundary model step by step, from its bijections: what each one of them gives out.

    A list of (name, source, its log_det, target, its log_det).
    """
    channels, compute = BOUNDARY.level_channels[0], Compute()
    coupling = Coupling(BOUNDARY.coupling_width, compute)
    readers = Vector(compute), Spatial(BOUNDARY.spatial_width, compute)
    operations = {
        "actnorm": lambda vector, _: ActNorm(channels, vector),
        "convolution": lambda vector, _: InvertibleConvolution(channels, False, vector),
        "coupling": lambda _, spatial: AffineCoupling(channels, coupling, spatial),
    }

    @quick_jit
    def step(params, source, target):
        outputs = []
        for name, operation in operations.items():
            of_source, of_target = ({"params": params[glow][name]} for glow in ("source", "target"))
            source, source_log_det = operation(None, None).apply(
                of_source, source, method="forward"
            )
            condition = jnp.concatenate([source, boundary[0]], axis=-1)
            target, target_log_det = operation(*readers).apply(
                of_target, target, condition, method="forward"
            )
            outputs.append((source, source_log_det, target, target_log_det))
        return outputs

    outputs = []
    source, target = squeeze(source), squeeze(target)
    for i in range(BOUNDARY.steps[0]):
        params = jax.tree.map(lambda leaf, i=i: leaf[i], variables["params"]["levels_0"]["steps"])
        of_step = jax.device_get(step(params, source, target))
        outputs += [(name, *output) for name, output in zip(operations, of_step, strict=True)]
        _, source, _, target, _ = outputs[-1]
    return outputs


@pytest.mark.parametrize(
    ("architecture", "batch", "dtype", "tolerance"),
    [
        (TWO_LEVELS, 3, np.float64, 1e-9),
        (BOUNDARY, 3, np.float64, 1e-9),
        (TWO_LEVELS, 3, np.float32, 1e-4),
        (BOUNDARY, 1, np.float32, 1e-4),
    ],
)
def test_decoding_undoes_encoding(architecture, batch, dtype, tolerance):
    source, target, boundary = inputs(architecture, batch, dtype)
    with jax.enable_x64(dtype == np.float64):
        _, _, again_source, again = there_and_back(architecture)(
            random_model(architecture, dtype), source, target, boundary
        )
    np.testing.assert_allclose(again, target, atol=tolerance)
    np.testing.assert_allclose(again_source, source, atol=tolerance)


@both
def test_shapes(architecture):
    for encoding in encoded(architecture)[:2]:
        shapes = tuple(latent.shape for latent in encoding.latents)
        assert shapes == tuple((3, *shape) for shape in architecture.latent_shapes)
        assert encoding.log_prior.shape == encoding.log_det.shape == (3, architecture.levels)


@both
def test_log_det_is_that_of_the_whole_jacobian_whatever_the_rest_of_the_batch(architecture):
    network = full_glow(architecture)

    @quick_jit
    def alone(variables, *images):
        *pair, boundary = images

        def log_det(i):
            def flat(pixels):
                both = [*pair]
                both[i] = pixels.reshape(pair[i].shape)
                encoding = network.apply(variables, tuple(both), boundary_maps(boundary))[i]
                return jnp.concatenate([latent.ravel() for latent in encoding.latents]), encoding

            jacobian, encoding = jax.jacrev(flat, has_aux=True)(pair[i].ravel())
            return jnp.linalg.slogdet(jacobian).logabsdet, encoding

        return log_det(0), log_det(1)

    with jax.enable_x64(True):
        of_each = jax.device_get(alone(random_model(architecture), *inputs(architecture, 1)))
    for (expected, encoding), in_batch in zip(of_each, encoded(architecture)[:2], strict=True):
        np.testing.assert_allclose(encoding.log_det.sum(), expected, rtol=0, atol=1e-6)
        np.testing.assert_allclose(in_batch.log_det[0], encoding.log_det[0], atol=1e-9)
        np.testing.assert_allclose(in_batch.log_prior[0], encoding.log_prior[0], atol=1e-9)
        for latent, of_batch in zip(encoding.latents, in_batch.latents, strict=True):
            np.testing.assert_allclose(of_batch[0], latent[0], atol=1e-9)
        assert (np.ptp(in_batch.log_prior, axis=0) > 1e-3).all()


def test_every_operation_reads_its_counterpart_in_the_source():
    with jax.enable_x64(True):
        outputs = by_hand(random_model(BOUNDARY), *inputs(BOUNDARY, 3))
    _, source, _, target, _ = outputs[-1]
    of_source, of_target, _, _ = encoded(BOUNDARY)
    np.testing.assert_allclose(of_source.latents[0], source, atol=1e-9)
    np.testing.assert_allclose(of_target.latents[0], target, atol=1e-9)
    source_log_det, target_log_det = (sum(output[i] for output in outputs) for i in (2, 4))
    np.testing.assert_allclose(of_source.log_det[:, 0], source_log_det, atol=1e-9)
    np.testing.assert_allclose(of_target.log_det[:, 0], target_log_det, atol=1e-9)
    assert np.ptp(of_target.log_det) > 1e-3


def test_every_step_starts_normalised_and_with_a_rotation_of_its_own():
    pairs = inputs(BOUNDARY, 3, np.float32)
    (of_source, of_target), variables = start(
        full_glow(BOUNDARY), *pair_and_maps(BOUNDARY, 3, np.float32)
    )
    for name, source, _, target, _ in by_hand(variables, *pairs):
        for y in (source, target) if name == "actnorm" else ():
            np.testing.assert_allclose(y.mean((0, 1, 2)), 0, atol=1e-4)
            np.testing.assert_allclose(y.std((0, 1, 2), ddof=1), 1, atol=1e-4)
    params = variables["params"]["levels_0"]["steps"]
    source = params["source"]["convolution"]["weight"]
    target = params["target"]["convolution"]["vector_net"]["output"]["bias"].reshape(-1, 4, 4)
    rotations = [*source, *target]
    for i, rotation in enumerate(rotations):
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(4), atol=1e-5)
        assert all(np.abs(rotation - other).max() > 0.1 for other in rotations[:i])
    for encoding in (of_source, of_target):
        expected = stats.norm.logpdf(encoding.latents[0]).sum((1, 2, 3))
        np.testing.assert_allclose(encoding.log_prior[:, 0], expected, rtol=1e-4)


def test_the_first_half_of_the_channels_goes_on():
    source, target, _ = inputs(TWO_LEVELS, 3, np.float32)
    variables = perturbed(identity_model(TWO_LEVELS), 0, size=0)
    scale = 1 / (1 + np.exp(-2.0))  # of the second half, at every step: two, then one
    encodings = there_and_back(TWO_LEVELS)(variables, source, target, ())
    for image, encoding in zip((source, target), encodings[:2], strict=True):
        once = squeeze(image)
        twice = squeeze(once[..., :2])
        np.testing.assert_allclose(encoding.latents[0], once[..., 2:] * scale**2, atol=1e-5)
        np.testing.assert_allclose(encoding.latents[1][..., :4], twice[..., :4], atol=1e-5)
        np.testing.assert_allclose(encoding.latents[1][..., 4:], twice[..., 4:] * scale, atol=1e-5)
        log_dets = np.log(scale) * np.array([10 * 12 * 2 * 2, 5 * 6 * 4])
        np.testing.assert_allclose(encoding.log_det, np.tile(log_dets, (3, 1)), rtol=1e-4)


def test_noise_is_placed_by_the_priors_of_both_glows():
    """Decoding N(0, 1) noise gives the image whose encoding has that noise's density."""
    network = full_glow(BOUNDARY)

    @quick_jit
    def run(variables, noise, source, boundary):
        maps = boundary_maps(boundary)
        read = network.apply(variables, (source,), maps, method="read_conditions")
        target = network.apply(variables, (noise,), read, True, method="decode")
        other = network.apply(variables, (noise,), None, True, "source", method="decode")
        return target, other

    variables = random_model(BOUNDARY)
    source, _, boundary = inputs(BOUNDARY, 3)
    noise = np.random.default_rng(1).standard_normal((3, *BOUNDARY.latent_shapes[0]))
    with jax.enable_x64(True):
        target, sampled_source = jax.device_get(run(variables, noise, source, boundary))
        _, of_target, _, _ = there_and_back(BOUNDARY)(variables, source, target, boundary)
        of_source, _, _, _ = there_and_back(BOUNDARY)(variables, sampled_source, target, boundary)
    params = variables["params"]["levels_0"]
    for encoding, prior in ((of_source, "source_prior"), (of_target, "target_prior")):
        net = params[prior]["net"]
        # Away from the border the prior of the last level is its bias.
        vector = net["conv"]["bias"] * np.exp(3 * net["scale"])
        mean, log_std = np.split(vector, 2)
        inside = (slice(None), slice(1, -1), slice(1, -1))
        expected = mean + np.exp(log_std) * noise
        np.testing.assert_allclose(encoding.latents[0][inside], expected[inside], atol=1e-9)


@pytest.mark.parametrize("mode", ["store", "remat", "invert"])
def test_activations_are_recomputed_by_xla_only_if_asked(mode):
    network = full_glow(replace(BOUNDARY, memory_mode=mode))
    variables, pairs = random_model(BOUNDARY, np.float32), pair_and_maps(BOUNDARY, 1, np.float32)
    jaxpr = str(jax.make_jaxpr(network.apply)(variables, *pairs))
    # The operation's name is not the same in every release of JAX.
    recomputed = any(name in jaxpr for name in ("checkpoint[", "remat[", "remat2["))
    assert recomputed == (mode == "remat")


@both
def test_a_condition_read_once_serves_several_images_in_a_row(architecture):
    network = full_glow(architecture)

    @quick_jit
    def decode(variables, latents, source, boundary):
        maps = boundary_maps(boundary)
        read = network.apply(variables, (source,), maps, method="read_conditions")
        return network.apply(variables, latents, read, method="decode")

    _, of_target, _, again = encoded(architecture)
    source, _, boundary = inputs(architecture, 3)
    in_turn = jax.tree.map(lambda latent: latent[[0, 1, 0, 1]], of_target.latents)
    two = jax.tree.map(lambda image: image[:2], (source, boundary))
    with jax.enable_x64(True):
        decoded = jax.device_get(decode(random_model(architecture), in_turn, *two))
    np.testing.assert_allclose(decoded[[0, 3]], again[:2], atol=1e-9)
    # The others are drawn under the other condition.
    assert (np.abs(decoded[[2, 1]] - again[:2]).max(axis=(1, 2, 3)) > 1e-3).all()
