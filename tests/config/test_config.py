import json
from copy import deepcopy

import pytest

from fullglow_jax.config import default_config, from_json, to_json
from fullglow_jax.config.keys import check_config, flat
from fullglow_jax.config.migrations import SCHEMA
from fullglow_jax.errors import UserError


def test_stored_config_comes_back():
    config = default_config()
    config.data.image_size = (10, 20)
    config.model.steps = (2,)
    config.optimizer.learning_rate = 0.25
    back = from_json(json.loads(json.dumps(to_json(config))))
    assert back == config
    assert back.data.image_size == (10, 20)
    assert isinstance(back.model.steps, tuple)
    # Unset, yet still to be set to an integer only.
    assert back.train.steps is None
    back.train.steps = 5
    with pytest.raises(TypeError):
        back.train.validation_examples = "all"


def test_set_placeholder_comes_back():
    config = default_config()
    config.train.steps = 5
    assert from_json(to_json(config)).train.steps == 5


def test_keys_added_since_get_their_defaults():
    stored = to_json(default_config())
    del stored["train"]["keep_last"], stored["seed"]
    assert from_json(stored) == default_config()


def test_a_config_of_a_later_version_is_refused():
    stored = to_json(default_config())
    assert stored["schema"] == SCHEMA
    stored["schema"] += 1
    with pytest.raises(UserError, match=f"schema {SCHEMA + 1}, of a later version"):
        from_json(stored)


OF_SCHEMA_1 = {
    "seed": 3,
    "data": {"image_size": [10, 20], "bits": 5},
    "model": {
        "name": "full_glow",
        "steps": [2],
        "condition": "source+boundary_ceil",
        "spatial_width": 8,
        "pspnet": {"blocks": [1, 1, 1, 1], "width": 4, "bins": [1, 2], "dropout": 0.0},
    },
    "optimizer": {"learning_rate": 0.5, "source_weight": 0.25},
}


@pytest.mark.parametrize(
    ("name", "condition", "expected"),
    [
        (
            "full_glow",
            "source+boundary_ceil",
            {"data.boundary": "ceil", "model.spatial_width": 8, "model.source_weight": 0.25},
        ),
        ("full_glow", "source+boundary", {"data.boundary": "smooth"}),
        ("glow", "source", {"data.boundary": ""}),
        (
            "pspnet",
            "source",
            {
                "model.blocks": (1, 1, 1, 1),
                "model.width": 4,
                "model.bins": (1, 2),
                "model.dropout": 0.0,
            },
        ),
    ],
)
def test_a_config_of_schema_1(name, condition, expected):
    stored = deepcopy(OF_SCHEMA_1)
    stored["model"].update(name=name, condition=condition)
    before = deepcopy(stored)
    found = flat(from_json(stored))
    check_config(from_json(stored))
    expected |= {"model.name": name, "data.bits": 5, "optimizer.learning_rate": 0.5, "seed": 3}
    if name != "pspnet":
        expected["model.steps"] = (2,)
    assert {key: found[key] for key in expected} == expected
    assert stored == before


def test_unknown_key_is_named():
    stored = to_json(default_config())
    stored["model"]["depth"] = 3
    with pytest.raises(UserError, match=r"config\.model\.depth"):
        from_json(stored)
