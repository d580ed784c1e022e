import numpy as np
from scipy import stats

from fullglow_jax.flows.conditioners.label_net import Label, LabelNet
from fullglow_jax.flows.conditioners.prior_net import KeptHalf
from fullglow_jax.flows.conditioners.source_latent_net import SourceLatent, SourceLatentNet
from fullglow_jax.flows.priors import Prior
from tests.layers.variables import random_variables, run

CHANNELS, MEAN, LOG_STD = 2, [1.0, -2.0], [0.5, -0.5]


def prior_of_border(weight):
    """A prior whose zero-conv adds weight × (sum of the window, all channels) to its bias."""
    conv = {
        "kernel": np.full((3, 3, CHANNELS, 2 * CHANNELS), weight, np.float32),
        "bias": np.float32([*MEAN, *LOG_STD]),
    }
    params = {"net": {"conv": conv, "scale": np.zeros(2 * CHANNELS, np.float32)}}
    return Prior(CHANNELS, KeptHalf()), {"params": params}


def normal_image(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def test_density_is_per_example_and_the_first_half_is_the_mean():
    prior, variables = prior_of_border(0.0)
    latent = normal_image(3, 4, 5, CHANNELS)
    _, actual = run(prior, variables, latent, np.zeros_like(latent), None, method="standardise")
    expected = stats.norm(MEAN, np.exp(LOG_STD)).logpdf(latent).sum((1, 2, 3))
    np.testing.assert_allclose(actual, expected, rtol=1e-5)


def test_noise_becomes_a_latent():
    prior, variables = prior_of_border(0.0)
    noise = normal_image(2, 4, 5, CHANNELS)
    given = np.zeros_like(noise), None
    latent = run(prior, variables, noise, *given, method="latent")
    np.testing.assert_allclose(latent, MEAN + np.exp(LOG_STD) * noise, rtol=1e-5, atol=1e-6)
    again, _ = run(prior, variables, latent, *given, method="standardise")
    np.testing.assert_allclose(again, noise, atol=1e-5)


def test_at_the_last_level_it_sees_zeros_and_the_border():
    prior, variables = prior_of_border(0.1)
    nothing = np.zeros((1, 3, 3, 0), np.float32)
    mean, log_std = run(prior, variables, nothing, None, method="mean_and_log_std")
    ones = CHANNELS * np.array([[5, 3, 5], [3, 0, 3], [5, 3, 5]])  # of the padding
    np.testing.assert_allclose(mean[0, :, :, 1], MEAN[1] + 0.1 * ones, rtol=1e-5)
    np.testing.assert_allclose(log_std[0, :, :, 0], LOG_STD[0] + 0.1 * ones, rtol=1e-5)


def test_what_it_sees_moves_it():
    prior, variables = prior_of_border(0.1)
    kept = normal_image(1, 3, 3, CHANNELS)
    mean, _ = run(prior, variables, kept, None, method="mean_and_log_std")
    np.testing.assert_allclose(mean[0, 1, 1], MEAN + 0.1 * kept.sum(), rtol=1e-4)


def test_without_a_network_it_is_standard_normal():
    latent = normal_image(2, 3, 4, CHANNELS)
    kept = np.zeros((2, 3, 4, 0), np.float32)
    noise, density = run(Prior(CHANNELS), {}, latent, kept, None, method="standardise")
    np.testing.assert_array_equal(noise, latent)
    np.testing.assert_allclose(density, stats.norm.logpdf(latent).sum((1, 2, 3)), rtol=1e-5)


def test_what_it_reads_beside_the_kept_half_shifts_its_mean_once_for_several_images():
    source, label = normal_image(2, 3, 4, CHANNELS), np.eye(3, dtype=np.float32)[:2]
    nets = SourceLatentNet(CHANNELS), LabelNet(CHANNELS)
    shifts = [random_variables(net, x) for net, x in zip(nets, (source, label), strict=True)]
    prior = Prior(CHANNELS, KeptHalf(), (("source", SourceLatent()), ("label", Label())))
    _, variables = prior_of_border(0.1)
    params = {**variables["params"], "source_shift": shifts[0]["params"]}
    params["label_shift"] = shifts[1]["params"]
    conditions = {"source": source, "label": label, "target": source}
    shift = run(prior, {"params": params}, conditions, method="parameters")
    of_source, of_label = map(run, nets, shifts, (source, label))
    np.testing.assert_allclose(shift, of_source + of_label, rtol=1e-5)

    kept = normal_image(4, 3, 4, CHANNELS)
    plain = run(*prior_of_border(0.1), kept, None, method="mean_and_log_std")
    mean, log_std = run(prior, {"params": params}, kept, shift, method="mean_and_log_std")
    np.testing.assert_allclose(mean, plain[0] + shift[[0, 0, 1, 1]], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(log_std, plain[1])
