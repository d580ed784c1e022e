"""Numbers of an INADE's parameters, and what is refused before anything starts."""

import jax
import pytest

from fullglow_jax.config import default_config
from fullglow_jax.errors import UserError
from fullglow_jax.gans.inade_architecture import InadeArchitecture
from fullglow_jax.model_registry import build_architecture
from fullglow_jax.models.batch import blank_batch
from tests.gans.tiny_inade import inade

PLAIN = {"perceptual_weight": 0.0}


@pytest.mark.parametrize(
    ("size", "options", "expected"),
    [
        (
            (256, 256),
            {"classes": 150, "unknown": True, "instances": 0},
            (90_893_827, 3_689_856, 5_838_978),
        ),
        ((256, 256), {"classes": 19, "instances": 0}, (85_115_395, 3_689_856, 5_568_642)),
        ((256, 512), {"classes": 35, "depth": "more"}, (77_394_435, 3_689_856, 5_601_410)),
        (
            (256, 256),
            {"classes": 8, "style": 8, "instances": 0},
            (84_020_995, 3_560_608, 5_546_114),
        ),
    ],
    ids=["ade20k", "celeba", "cityscapes", "deepfashion"],
)
def test_the_networks_have_as_many_parameters_as_the_originals(size, options, expected):
    a = InadeArchitecture(size, palette="numbers", **options, **PLAIN)
    model = inade(a)
    state = jax.eval_shape(model.init, jax.random.key(0), blank_batch(a, 1))

    def count(tree):
        return sum(leaf.size for leaf in jax.tree.leaves(tree))

    both = state.variables["params"]["generator"]
    found = count(both["generator"]), count(both["encoder"]), count(state.critic["params"])
    assert found == expected


@pytest.mark.parametrize(
    ("size", "options", "said"),
    [
        ((40, 80), PLAIN, "40×80 cannot be .* 5 doublings .*multiples of 32.*: 32×64 or 32×96"),
        ((64, 96), {"depth": "more", **PLAIN}, "depth='more'.* multiples of 64.* 64×64 or 64×128"),
        ((32, 32), PLAIN, "single value.*batch_size"),
        (
            (32, 64),
            {"scales": 7, **PLAIN},
            "scale 7 of 7, of 1×1 pixels, .* single value.* fewer",
        ),
        ((64, 64), {}, "weights of VGG-19.*perceptual_file"),
        ((64, 64), {"matching_layers": (1.0,), **PLAIN}, "matching_layers=1 must be 4 weights"),
        ((64, 64), {"matching_layers": (0.0,) * 4, **PLAIN}, "not all 0.*matching_weight=0"),
        (
            (64, 64),
            {"perceptual_layers": (1.0,), "perceptual_file": "vgg"},
            "perceptual_layers=1 must be 5 weights",
        ),
        ((64, 64), {"classes": 36, **PLAIN}, "classes=36.*'cityscapes'.* 35.*palette=numbers"),
        ((128, 128), {"depth": "most", "width": 1, **PLAIN}, "width=1 leaves no channel"),
        ((64, 64), {"depth": "mostly", **PLAIN}, "depth='mostly' is not one of .*'most'"),
    ],
)
def test_what_is_not_possible_is_said_with_a_way_out(size, options, said):
    with pytest.raises(UserError, match=said):
        InadeArchitecture(size, **options)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"data.direction": "photo2label"}, "direction='photo2label'.*direction=label2photo"),
        ({"data.label_maps": None}, "resizing would mix.*label_maps=label"),
        ({"data.boundary": "smooth"}, "no boundary map"),
        ({"data.labels": "folders"}, "reads no class of an example"),
        ({"data.name": "images"}, "single images"),
        ({"data.name": "mnist"}, "mnist.* has no label maps"),
        ({"model.palette": "numbers"}, "label_colours='own'.*label_colours=numbers"),
        (
            {"data.label_files": "labelIds", "data.label_colours": "numbers"},
            "palette='cityscapes'.*palette=numbers",
        ),
    ],
)
def test_data_that_it_cannot_read_is_refused(values, said):
    config = default_config("inade")
    config.data.label_maps = ("label",)
    config.model.perceptual_weight = 0.0
    assert build_architecture(config).annotations.instances == 256
    config.update_from_flattened_dict(values)
    with pytest.raises(UserError, match=said):
        build_architecture(config)


def test_ids_are_never_mixed():
    config = default_config("inade")
    config.model.perceptual_weight = 0.0
    config.data.label_files = "labelIds"
    assert build_architecture(config).image_size == (256, 256)
