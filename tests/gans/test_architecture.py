"""Numbers of parameters, and what is refused before anything starts."""

import re

import jax
import numpy as np
import pytest

from fullglow_jax.config import default_config
from fullglow_jax.config.keys import check_config
from fullglow_jax.errors import UserError
from fullglow_jax.gans.architecture import Pix2PixArchitecture
from fullglow_jax.gans.discriminators.patch import PatchDiscriminator
from fullglow_jax.model_registry import build_architecture
from tests.layers.variables import quick_jit, random_variables

VGG16 = {"perceptual_network": "vgg16"}


def count(network, *inputs):
    shapes = jax.eval_shape(network.init, jax.random.key(0), *inputs)["params"]
    return sum(leaf.size for leaf in jax.tree.leaves(shapes))


@pytest.mark.parametrize(
    ("downs", "size", "norm", "expected"),
    [
        (8, 256, "batch", 54_413_955),
        (7, 128, "batch", 41_828_995),
        (8, 256, "instance", 54_409_603),
        (7, 128, "instance", 41_825_667),
    ],
)
def test_a_generator_has_as_many_parameters_as_the_original(downs, size, norm, expected):
    a = Pix2PixArchitecture((size, size), downs=downs, norm=norm)
    image = jax.ShapeDtypeStruct((1, size, size, 3), np.float32)
    noise = [jax.ShapeDtypeStruct((1, *shape), np.float32) for shape in a.noise_shapes]
    assert count(a.generator, image, noise) == expected


@pytest.mark.parametrize(
    ("norm", "options", "expected"),
    [
        ("batch", {}, 2_768_705),
        ("batch", {"scales": 2}, 5_537_410),
        ("batch", {"discriminator": "pixel"}, 9_024),
        ("instance", {}, 2_767_809),
        ("instance", {"scales": 2}, 5_535_618),
        ("instance", {"discriminator": "pixel"}, 8_897),
        ("instance", {"discriminator": "sesame", "scales": 2}, 2_642_178),
    ],
)
def test_a_discriminator_has_as_many_parameters_as_the_original(norm, options, expected):
    a = Pix2PixArchitecture((256, 256), norm=norm, **options)
    image = jax.ShapeDtypeStruct((1, 256, 256, 3), np.float32)
    assert count(a.discriminator_network, image, image) == expected


def test_256_pixels_get_30_by_30_logits_of_which_each_sees_70():
    assert PatchDiscriminator().normed_sizes(256, 256)[-1] == (30, 30)
    network, image = PatchDiscriminator(2, norm="none"), np.zeros((1, 128, 96, 3), np.float32)
    variables = random_variables(network, image, image)
    assert network.normed_sizes(128, 96)[-1] == (14, 10)

    def of_one(image):
        logits = network.apply(variables, image, image).logits
        assert logits.shape == (1, 14, 10, 1)
        return logits[0, 7, 5, 0]

    gradient = quick_jit(jax.grad(of_one))(image)
    rows, columns = np.nonzero(np.abs(gradient[0]).sum(-1))
    assert np.ptp(rows) + 1 == np.ptp(columns) + 1 == 70


@pytest.mark.parametrize(
    ("size", "options", "said"),
    [
        (
            (250, 256),
            {},
            "250×256 cannot be halved 8 times .* multiples of 256.*: 256×256.*downs=1",
        ),
        ((48, 100), {"downs": 3}, "multiples of 8.* 48×96 or 48×104.*downs=2"),
        ((16, 16), {"downs": 4}, "too small for a 'patch' discriminator: at scale 1 of 1"),
        ((64, 64), {"downs": 4, "scales": 3}, "scale 3 of 3, of 16×16 pixels, nothing .* fewer"),
        ((64, 64), {"downs": 4, "matching_weight": 1.0, "discriminator": "none"}, "Leave one"),
        ((64, 64), {"downs": 4, "pixel_weight": 0, "discriminator": "none"}, "there is no loss"),
        ((64, 64), {"downs": 4, "perceptual_weight": 10.0}, "weights of VGG-19.*perceptual_file"),
        (
            (8, 64),
            {"downs": 3, "discriminator": "pixel", "perceptual_weight": 1.0, **VGG16},
            "a VGG needs 16 pixels",
        ),
        (
            (64, 64),
            {"downs": 4, "perceptual_weight": 1.0, "perceptual_network": "judge"},
            "needs a judge: name the workdir .*perceptual_file=DIR",
        ),
        ((64, 64), {"downs": 4, "spectral": True, "discriminator": "pixel"}, "of the .* 'patch'"),
        ((64, 64), {"downs": 4, "norm": "layer"}, "norm='layer' is not one of batch, instance"),
        ((64, 64), {"downs": 4, "dropout": 1.0}, "dropout=1.0 must be .* below 1"),
    ],
)
def test_what_is_not_possible_is_said_with_a_way_out(size, options, said):
    with pytest.raises(UserError, match=said):
        Pix2PixArchitecture(size, **options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, ""),
        ({"downs": 5}, r"downs=5 and .*dropout_from=4; --config\.model\.dropout_from=1 gives it"),
        ({"downs": 5, "dropout_from": 3}, ""),
        ({"downs": 6, "dropout_from": 5}, "dropout_from=2 gives"),
        ({"downs": 2, "dropout_from": 1}, r"it takes 3 of config\.model\.downs"),
        ({"dropout": 0.0}, "config.model.dropout=0, and dropout is the only noise"),
    ],
)
def test_a_generator_without_noise_says_so(options, said):
    found = Pix2PixArchitecture((256, 256), discriminator="pixel", **options)
    assert re.search(said, found.without_noise) if said else found.without_noise == ""
    if mend := re.search(r"--config.model.(dropout_from)=(\d)", found.without_noise):
        mended = options | {mend[1]: int(mend[2])}
        assert not Pix2PixArchitecture((256, 256), discriminator="pixel", **mended).without_noise


def test_a_single_value_cannot_be_normalised(monkeypatch):
    sizes = staticmethod(lambda height, width: [(1, 1), (2, 2)])
    monkeypatch.setattr(PatchDiscriminator, "normed_sizes", sizes)
    with pytest.raises(UserError, match=r"'batch' norm of the discriminator.* a single value"):
        Pix2PixArchitecture((256, 256))
    with pytest.raises(UserError, match="'instance' norm"):
        Pix2PixArchitecture((256, 256), norm="instance", batch=2)
    Pix2PixArchitecture((256, 256), batch=2)
    Pix2PixArchitecture((256, 256), norm="none")


def test_an_unknown_loss_is_refused_and_the_nearest_named():
    config = default_config("pix2pix")
    config.model.adversarial = "lsgam"
    with pytest.raises(UserError, match=r"adversarial='lsgam' is not one of .*'lsgan'\?"):
        check_config(config)


def test_a_batch_in_parts_has_norms_of_each_part():
    config = default_config("pix2pix")
    config.train.batch_size, config.train.accumulate = 8, 2
    assert build_architecture(config).batch == 4


def test_what_it_cannot_read_is_refused():
    for key, value in (("boundary", "smooth"), ("labels", "folders"), ("name", "images")):
        config = default_config("pix2pix")
        config.data[key] = value
        with pytest.raises(UserError, match="pix2pix"):
            build_architecture(config)
