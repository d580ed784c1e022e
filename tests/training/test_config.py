import json
from importlib import import_module
from pathlib import Path

import pytest

from fullglow_jax.config import (
    check_numbers,
    check_same_model,
    default_config,
    from_json,
    to_json,
)
from fullglow_jax.errors import UserError
from fullglow_jax.models import build_architecture

ROOT = Path(__file__).resolve().parents[2]


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


def test_unknown_key_is_named():
    stored = to_json(default_config())
    stored["model"]["depth"] = 3
    with pytest.raises(UserError, match=r"config\.model\.depth"):
        from_json(stored)


def test_other_models_are_told_apart():
    config, stored = default_config(), default_config()
    config.model.coupling_width = 8
    config.data.image_size = (10, 20)
    config.data.direction = "photo2label"
    with pytest.raises(UserError) as refused:
        check_same_model(config, stored, Path("run"))
    message = str(refused.value)
    assert message.startswith("run holds")
    assert "config.model.coupling_width is 512 there and 8 here" in message
    assert "config.data.image_size is [256, 256] there and [10, 20] here" in message
    assert "config.data.direction is None there and photo2label here" in message
    assert "spatial_width" not in message


def test_what_leaves_the_model_as_it_is_may_differ():
    config, stored = default_config(), default_config()
    config.model.memory_mode = "invert"
    config.model.precision = "bfloat16"
    config.model.tile = 64
    config.optimizer.learning_rate = 1.0
    config.train.batch_size = 8
    config.data.root = "elsewhere"
    check_same_model(config, stored, Path("run"))


def test_numbers():
    config = default_config()
    check_numbers(config)
    for key in ("log_every", "steps", "validation_examples", "keep_last"):
        config = default_config()
        config.train[key] = 0
        with pytest.raises(UserError, match=rf"config\.train\.{key}=0"):
            check_numbers(config)
    config = default_config()
    config.data.bits = 9
    with pytest.raises(UserError, match=r"config\.data\.bits=9"):
        check_numbers(config)


CONFIGS = sorted(path.stem for path in (ROOT / "configs").glob("[!_]*.py"))


@pytest.mark.parametrize("name", CONFIGS)
def test_every_config_describes_a_model_that_can_be_built(name):
    config = import_module(f"configs.{name}").get_config()
    check_numbers(config)
    assert build_architecture(config).image_size == config.data.image_size
