"""Every key of the config, and what it may be."""

import re
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest
from ml_collections import ConfigDict

from fullglow_jax.config import default_config
from fullglow_jax.config.config_file import read_config
from fullglow_jax.config.keys import check_config, flat, keys
from fullglow_jax.config.migrations import MOVED
from fullglow_jax.config.overrides import overridden, split_words
from fullglow_jax.errors import UserError
from fullglow_jax.model_registry import FAMILIES, build_architecture

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = sorted(path.stem for path in (ROOT / "configs").glob("[!_]*.py"))


@pytest.mark.parametrize("family", FAMILIES)
def test_every_key_has_a_rule_that_its_default_keeps(family):
    config = default_config(family)
    assert set(flat(config)) == set(keys(family))
    check_config(config)


def test_a_key_of_two_families_is_read_alike():
    for name, key in keys().items():
        rules = [keys(family)[name].rule for family in FAMILIES if name in keys(family)]
        # The command line is split into words before the family is known.
        assert {rule.alone for rule in rules} == {key.rule.alone}
        assert key.rule.choices or {rule.expected for rule in rules} == {key.rule.expected}


@pytest.mark.parametrize("name", CONFIGS)
def test_every_config_describes_a_model_that_can_be_built(name):
    config = import_module(f"configs.{name}").get_config()
    check_config(config)
    assert build_architecture(config).image_size == config.data.image_size


IMPOSSIBLE = {
    "seed": ["-1", "4294967296", "12345678901234567890", "1.5", "nan"],
    "data.name": ["citiscapes", ""],
    "data.root": ["", " "],
    "data.boundary": ["source+boundary", "none"],
    "data.label_files": ["colour"],
    "data.label_colours": ["number", ""],
    "data.folders": ["A", "A,./A", "A,B,C", "A,", "", "A,A", "(1,2)", "('A',)", "('A'"],
    "data.image_size": ["0,0", "16", "16,16,3", "", "16,-16", "16,16.5", "a,b", "nan,16"],
    "data.fit": ["streched", ""],
    "data.load_size": ["286", "0,0", "286,286,3"],
    "data.filter": ["bicubc", ""],
    "data.label_maps": ["", "A,"],
    "data.flip": ["maybe", "2", ""],
    "data.on_bad_file": ["ignore"],
    "data.bits": ["0", "9", "5.0", "nan", "true"],
    "data.threads": ["-1", "1.5"],
    "data.workers": ["-1", "1e3"],
    "data.street_scenes.train": ["0", "-1"],
    "data.street_scenes.height": ["0", "8"],
    "data.street_scenes.seed": ["-1", "99999999999999999999"],
    "data.mnist.files": ["idx3"],
    "data.tfds.train": [""],
    "data.tfds.palette": ["city"],
    "model.name": ["fullglow"],
    "model.steps": ["", "()", "0", "8,0", "8,-1", "8,1.5", "a", "(8", "nan", "None", "{8}", "8 8"],
    "model.lu": ["lu"],
    "model.vector_channels": ["0"],
    "model.vector_width": ["-1"],
    "model.learn_top": ["top"],
    "model.start": ["dead"],
    "model.cycle_weight": ["-1", "nan"],
    "model.coupling_reads": ["vector"],
    "model.actnorm": ["s"],
    "model.coupling": ["spline"],
    "model.coupled_half": ["third"],
    "model.coupling_scale": ["exp"],
    "model.coupling_clamp": ["0", "nan"],
    "model.prior": ["normal"],
    "model.centred": ["maybe"],
    "model.coupling_width": ["0", "-8", "8.5"],
    "model.memory_mode": ["keep"],
    "model.precision": ["float16"],
    "model.tile": ["-1"],
    "model.source_weight": ["-1", "nan"],
    "model.actnorm_floor": ["-0.1", "1", "nan"],
    "model.coupling_floor": ["1.0", "inf"],
    "model.blocks": ["3,4,6", "3,4,6,0", "3,4,6,3,3", ""],
    "model.width": ["0"],
    "model.bins": ["", "0", "1,2,-3"],
    "model.classes": ["0", "257"],
    "model.instances": ["-1", "70000"],
    "model.depth": ["deep"],
    "model.matching_layers": ["", "-1,1", "nan", "a"],
    "model.kl_weight": ["-1"],
    "model.generator_rate": ["0"],
    "model.dropout": ["-0.1", "1", "nan"],
    "optimizer.learning_rate": ["0", "1e-320", "-1e-4", "nan", "inf", "1e39", "fast"],
    "optimizer.constant_epochs": ["-1", "nan", "inf", "1e300"],
    "optimizer.decay_epochs": ["-0.5", "nan", "-inf"],
    "optimizer.schedule": ["cosin", ""],
    "optimizer.end_learning_rate": ["-1e-7", "nan"],
    "optimizer.beta_1": ["1", "nan"],
    "optimizer.beta_2": ["-0.9", "1.0"],
    "optimizer.warmup_steps": ["-1", "0.5"],
    "optimizer.clip_norm": ["0", "nan", "inf", "-1"],
    "optimizer.clip_spikes": ["0", "nan"],
    "optimizer.average_decay": ["1", "-0.1", "nan"],
    "train.batch_size": ["0", "-2", "2.5", "nan", ""],
    "train.accumulate": ["0"],
    "train.steps": ["0", "-1", "2147483648", "1e3", "ten"],
    "train.log_every": ["0"],
    "train.validation_examples": ["0"],
    "train.temperature": ["-1", "nan", "inf", ""],
    "train.keep_last": ["0"],
    "train.keep_best": ["0"],
    "train.most_bad_steps": ["0", "-3"],
    "parallel.devices": ["0", "-1", "all"],
    "parallel.fsdp": ["0"],
    "parallel.distributed": ["2", "maybe"],
}


def config_with(key):
    return default_config(next(family for family in FAMILIES if key in keys(family)))


@pytest.mark.parametrize("key", IMPOSSIBLE)
def test_what_is_not_possible_is_refused_by_name(key):
    config = config_with(key)
    for text in IMPOSSIBLE[key]:
        with pytest.raises(UserError) as refused:
            overridden(config, {key: text})
        assert str(refused.value).startswith(f"--config.{key}={text} "), text
        assert keys(config.model.name)[key].rule.expected in str(refused.value)


@pytest.mark.parametrize("key", keys())
def test_no_text_ends_in_anything_but_a_value_or_a_message(key):
    for text in (
        "",
        " ",
        "nan",
        "-inf",
        "1e400",
        "-1",
        "1.5",
        "(",
        "(1,",
        "[[1]]",
        "None",
        "9" * 99,
    ):
        with suppress(UserError):
            config = overridden(config_with(key), {key: text})
            assert keys(config.model.name)[key].rule.holds(flat(config)[key])


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("model.steps", "2", (2,)),
        ("model.steps", "16,16", (16, 16)),
        ("data.image_size", "(10, 20)", (10, 20)),
        ("data.image_size", "[10,20]", (10, 20)),
        ("data.folders", "maps,photos", ("maps", "photos")),
        ("data.folders", "('maps', 'photos')", ("maps", "photos")),
        ("train.steps", "none", None),
        ("optimizer.learning_rate", "1", 1.0),
        ("parallel.distributed", "no", False),
        ("parallel.distributed", "0", False),
        ("data.flip", "Yes", True),
        ("seed", "4294967295", 2**32 - 1),
        ("data.prepared", "", ""),
    ],
)
def test_what_is_possible_is_read(key, text, value):
    found = flat(overridden(default_config(), {key: text}))[key]
    assert found == value
    assert type(found) is type(value)


def test_a_section_that_a_file_made_of_its_own():
    config = default_config()
    config.optimizer = ConfigDict({**config.optimizer.to_dict(), "learning_rate": 1})
    found = overridden(config, {"optimizer.learning_rate": "0.5"})
    assert found.optimizer.learning_rate == 0.5


def test_values_that_a_file_sets_are_checked_too():
    config = default_config()
    config.data.folders = ("A",)
    with pytest.raises(UserError, match=r"^config\.data\.folders=\('A',\) must be 2"):
        check_config(config)
    config = default_config()
    config.train.temperature = float("nan")
    with pytest.raises(UserError, match=r"^config\.train\.temperature=nan must be"):
        check_config(config)


def test_keys_that_a_file_makes_up_or_leaves_out_are_named():
    config = default_config()
    config.train.bach_size = 2
    with pytest.raises(UserError, match=r"config\.train\.bach_size.* did you mean 'batch_size'"):
        check_config(config)
    config = default_config()
    del config.seed
    with pytest.raises(UserError, match=r"config\.seed is missing"):
        check_config(config)
    with pytest.raises(UserError, match=r"config\.model\.name is missing"):
        check_config(ConfigDict())


def test_another_family_on_the_command_line_keeps_what_both_have():
    config = default_config()
    config.model.update(steps=(2, 3), memory_mode="store", source_weight=0.5)
    config.data.bits = 5
    found = overridden(config, {"model.name": "glow", "model.coupling_width": "16"})
    expected = default_config("glow")
    expected.model.update(steps=(2, 3), memory_mode="store", coupling_width=16)
    expected.data.bits = 5
    assert found.to_dict() == expected.to_dict()


def test_another_family_has_its_own_defaults():
    for family in FAMILIES:
        for name in FAMILIES:
            found = overridden(default_config(family), {"model.name": name})
            assert found.to_dict() == default_config(name).to_dict()


def test_a_value_that_another_family_cannot_take_stays_behind():
    config = default_config("c_glow")
    config.model.update(start="published", steps=(2,))
    assert overridden(config, {"model.name": "glow"}).model.start == "published"
    config = default_config("glow")
    config.model.start = "first"
    assert overridden(config, {"model.name": "c_glow"}).model.start == "live"


def test_a_key_of_another_family_is_refused():
    said = r"^--config\.model\.spatial_width: a full_glow or a c_flow has .*, and a glow has not"
    with pytest.raises(UserError, match=said):
        overridden(default_config("glow"), {"model.spatial_width": "8"})
    config = default_config()
    config.model.name = "glow"
    with pytest.raises(UserError, match=r"begin with default_config\('glow'\)"):
        check_config(config)
    with pytest.raises(UserError, match=r"config\.model\.name='glo' .* did you mean 'glow'"):
        default_config("glo")


@pytest.mark.parametrize("old", MOVED)
def test_what_a_key_is_called_now_is_said_of_its_old_name(old, tmp_path):
    said = rf"config\.{re.escape(old)} is now config\.{re.escape(MOVED[old])}"
    assert MOVED[old] in keys()
    with pytest.raises(UserError, match=said):
        split_words([f"--config.{old}=1"])
    path = tmp_path / "mine.py"
    path.write_text(
        "from fullglow_jax.config import default_config\n\ndef get_config():\n"
        f"    config = default_config()\n    config.{old} = 1\n    return config\n"
    )
    with pytest.raises(UserError, match=said):
        overridden(read_config(str(path)), {})
