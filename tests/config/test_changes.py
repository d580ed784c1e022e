"""What may differ between two runs of one workdir, and what of it is told."""

import re
from pathlib import Path

import pytest

from fullglow_jax.config import default_config, from_json, to_json
from fullglow_jax.config.changes import check_changes
from fullglow_jax.config.keys import flat, keys
from fullglow_jax.config.overrides import overridden
from fullglow_jax.errors import UserError
from fullglow_jax.model_registry import FAMILIES
from fullglow_jax.settings.section import Change

RUN = Path("run")
OTHER = {
    "data.name": "street_scenes",
    "data.direction": "photo2label",
    "data.boundary": "smooth",
    "data.label_files": "labelIds",
    "data.label_colours": "numbers",
    "data.classes": ("cat", "dog"),
    "data.folders": ("B", "A"),
    "data.fit": "crop",
    "data.load_size": (300, 300),
    "data.filter": "bicubic",
    "data.label_maps": ("label",),
    "data.on_bad_file": "skip",
    "data.image_size": (10, 20),
    "data.mnist.files": "tfds",
    "data.tfds.palette": "cityscapes",
    "model.name": "glow",
    "model.steps": (8, 8),
    "model.memory_mode": "invert",
    "model.precision": "bfloat16",
    "model.coupling_reads": "spatial",
    "model.blocks": (1, 1, 1, 1),
    "model.bins": (1,),
    "model.discriminator_norm": "none",
    "model.matching_layers": (1.0,),
    "model.perceptual_layers": (1.0,),
    "train.judge": "runs/judge",
    "train.inception": "inception.npz",
    "train.lpips_weights": "lpips.npz",
    "train.against": "photos",
    "train.metrics": ("ssim",),
    "train.best_by": "ssim",
    "parallel.distributed": True,
}


def other(key, value):
    """Another value that the key may have."""
    if key in OTHER:
        return OTHER[key]
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return f"{value}x"
    return type(value)(value / 2 or 1) if value is not None else 1


def changed(*keys, of=None):
    """A config with other values of some keys."""
    config = from_json(to_json(of or default_config()))
    values = {key: other(key, flat(config)[key]) for key in keys}
    if (name := values.pop("model.name", None)) is not None:
        config = overridden(config, {"model.name": name}).unlock()
    config.update_from_flattened_dict(values)
    return config


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("key", keys())
def test_no_key_changes_in_silence(key, training):
    """Of data and a family that read it."""
    of = {
        "data.folders": {"data.name": "two_folders"},
        "data.instances": {"data.name": "two_folders"},
        "data.csv": {"data.name": "images"},
        "data.tfds.name": {"data.name": "tfds"},
        "data.tfds.val": {"data.name": "tfds"},
        "data.tfds.condition": {"data.name": "tfds"},
        "data.tfds.target": {"data.name": "tfds"},
        "data.tfds.palette": {"data.name": "tfds"},
    }
    stored = default_config(next(family for family in FAMILIES if key in keys(family)))
    stored.update_from_flattened_dict(of.get(key, {}))
    config = changed(key, of=stored)
    change = keys(stored.model.name)[key].change
    refused = change in (Change.REFUSED, Change.OBJECTIVE)
    refused |= change is (Change.DATA if training else Change.TRAINED)
    named = rf"config\.{re.escape(key)} is .* there and .* here"
    if refused:
        with pytest.raises(UserError, match=f"^run holds .*{named}"):
            check_changes(config, stored, RUN, training=training)
    else:
        assert re.search(named, check_changes(config, stored, RUN, training=training))
    assert check_changes(stored, stored, RUN, training=training) is None


@pytest.mark.parametrize(
    "key",
    [
        "data.bits",
        "data.direction",
        "data.image_size",
        "data.fit",
        "data.filter",
        "data.label_maps",
        "model.name",
        "model.steps",
        "model.lu",
        "data.boundary",
        "model.coupling_width",
        "model.spatial_width",
        "model.source_weight",
    ],
)
def test_what_figures_mean_is_fixed(key):
    for training in (True, False):
        with pytest.raises(UserError, match=re.escape(f"config.{key} is ")):
            check_changes(changed(key), default_config(), RUN, training=training)


def test_all_differences_are_named():
    config = changed("model.coupling_width", "data.image_size", "data.direction", "train.keep_last")
    with pytest.raises(UserError) as refused:
        check_changes(config, default_config(), RUN, training=True)
    message = str(refused.value)
    assert "config.model.coupling_width is 512 there and 256 here" in message
    assert "config.data.image_size is [256, 256] there and [10, 20] here" in message
    assert "config.data.direction is label2photo there and photo2label here" in message
    assert "spatial_width" not in message
    assert "keep_last" not in message


def test_what_the_documents_let_change_may_change():
    keys = [
        "data.root",
        "data.threads",
        "data.workers",
        "model.memory_mode",
        "model.precision",
        "model.tile",
        "model.actnorm_floor",
        "model.coupling_floor",
        "optimizer.learning_rate",
        "optimizer.warmup_steps",
        "optimizer.clip_norm",
        "optimizer.clip_spikes",
        "optimizer.average_decay",
        "train.batch_size",
        "train.steps",
        "parallel.fsdp",
    ]
    told = check_changes(changed(*keys), default_config(), RUN, training=True)
    assert told.startswith("other than in run: ")
    assert told.count(" there and ") == len(keys)


def test_a_floor_is_part_of_a_model_that_is_used():
    with pytest.raises(UserError, match=r"config\.model\.coupling_floor is 0\.0 there"):
        check_changes(changed("model.coupling_floor"), default_config(), RUN, training=False)


@pytest.mark.parametrize(
    ("name", "first"),
    [("cityscapes", "label2photo"), ("mnist", "class2digit"), ("two_folders", "AtoB")],
)
def test_the_first_direction_is_none_named(name, first):
    stored = default_config()
    stored.data.name = name
    config = from_json(to_json(stored))
    config.data.direction = first
    assert check_changes(config, stored, RUN, training=False) is None
    assert check_changes(stored, config, RUN, training=True) is None


def test_the_same_way_round_in_other_data_passes_and_is_told():
    told = check_changes(changed("data.name"), default_config(), RUN, training=False)
    assert told == "other than in run: config.data.name is cityscapes there and street_scenes here"
    config = default_config()
    config.data.name = "two_folders"
    told = check_changes(config, default_config(), RUN, training=False)
    assert told == "other than in run: config.data.name is cityscapes there and two_folders here"
    config.data.direction = "BtoA"
    with pytest.raises(UserError, match=r"config\.data\.direction is label2photo there and BtoA"):
        check_changes(config, default_config(), RUN, training=False)


def test_training_goes_on_with_the_same_data():
    with pytest.raises(UserError, match=r"config\.data\.name is cityscapes there and"):
        check_changes(changed("data.name"), default_config(), RUN, training=True)


def test_what_nothing_reads_is_told_at_most():
    told = check_changes(changed("data.folders"), default_config(), RUN, training=True)
    assert "config.data.folders is ['A', 'B'] there and ['B', 'A'] here" in told


def test_of_another_family_that_alone_is_said_which_both_have():
    with pytest.raises(
        UserError, match=r"config\.model\.name is full_glow there and glow"
    ) as refused:
        check_changes(changed("model.name"), default_config(), RUN, training=True)
    assert "spatial_width" not in str(refused.value)
