import json
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fullglow_jax.config import default_config
from fullglow_jax.errors import UserError
from fullglow_jax.models.interface import TrainState
from fullglow_jax.training.checkpoints import DAMAGED, Checkpoints


def state(step):
    return TrainState(
        step=jnp.int32(step),
        variables={"params": {"kernel": jnp.full((2, 3), 1.5 * step)}},
        optimizer=({"moment": jnp.arange(3.0) + step},),
    )


def save(workdir, scores, keep_last=1):
    """Checkpoints of a run with these validation scores by step; None was not validated."""
    checkpoints = Checkpoints(workdir, keep_last)
    for step, bits in scores.items():
        checkpoints.save(state(step), {"read": 10 * step}, default_config(), bits)
    checkpoints.close()


@pytest.mark.parametrize(
    ("scores", "keep_last", "kept"),
    [
        ({1: None, 2: None, 3: None, 4: None}, 2, [3, 4]),
        ({1: 4.0, 2: 3.0, 3: 5.0, 4: 6.0, 5: 7.0}, 2, [2, 4, 5]),
        ({1: 4.0, 2: None, 3: None, 4: None}, 1, [1, 4]),
        ({1: 4.0, 2: 3.0, 3: 2.0}, 1, [3]),
    ],
    ids=["none validated", "best is old", "best is the only one", "best is the last"],
)
def test_keeps_the_last_and_the_best(tmp_path, scores, keep_last, kept):
    save(tmp_path, scores, keep_last)
    assert Checkpoints.of(tmp_path).steps() == kept


def test_best_is_kept_by_a_run_that_was_started_again(tmp_path):
    save(tmp_path, {1: 3.0, 2: 4.0})
    save(tmp_path, {3: 5.0, 4: 6.0})
    assert Checkpoints.of(tmp_path).steps() == [1, 4]


def test_choose(tmp_path):
    save(tmp_path, {1: 4.0, 2: 3.0, 3: 5.0, 4: None}, keep_last=4)
    checkpoints = Checkpoints.of(tmp_path)
    assert checkpoints.choose("latest") == 4
    assert checkpoints.choose("best") == 2
    assert checkpoints.choose("3") == 3
    for absent in ("5", "newest", "-1"):
        with pytest.raises(UserError, match=f"no checkpoint '{absent}'.*1, 2, 3, 4"):
            checkpoints.choose(absent)


def test_no_best_before_there_was_a_validation(tmp_path):
    save(tmp_path, {1: None})
    with pytest.raises(UserError, match="once training has validated"):
        Checkpoints.of(tmp_path).choose("best")


def test_restores_what_was_saved(tmp_path):
    save(tmp_path, {7: 3.0})
    saved = state(7)
    like = abstract(saved)
    checkpoints = Checkpoints.of(tmp_path)
    step, restored, data = checkpoints.restore(7, like)
    assert step == 7
    assert data == {"read": 70}
    assert jax.tree.structure(restored) == jax.tree.structure(saved)
    jax.tree.map(np.testing.assert_array_equal, restored, saved)
    variables = checkpoints.variables(7, like)
    jax.tree.map(np.testing.assert_array_equal, variables, saved.variables)
    assert checkpoints.config(7) == default_config()


def abstract(state):
    sharding = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), state
    )


def test_moving_average_is_stored_and_sampled_from(tmp_path):
    average = {"kernel": jnp.full((2, 3), 0.25)}
    saved = state(3).replace(average=average)
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(saved, {}, default_config())
    checkpoints.close()
    checkpoints = Checkpoints.of(tmp_path)
    restored = checkpoints.restore(3, abstract(saved)).state
    jax.tree.map(np.testing.assert_array_equal, restored, saved)
    variables = checkpoints.variables(3, abstract(saved))
    np.testing.assert_array_equal(variables["params"]["kernel"], average["kernel"])
    # Who does not ask for it gets the parameters.
    variables = checkpoints.variables(3, abstract(state(3)))
    np.testing.assert_array_equal(variables["params"]["kernel"], np.full((2, 3), 4.5))
    assert checkpoints.restore(3, abstract(state(3))).state.average == ()


def test_moving_average_that_is_switched_on_starts_from_the_parameters(tmp_path):
    save(tmp_path, {7: 3.0})
    like = abstract(state(7).replace(average=state(7).variables["params"]))
    checkpoints = Checkpoints.of(tmp_path)
    restored = checkpoints.restore(7, like).state
    jax.tree.map(np.testing.assert_array_equal, restored.average, state(7).variables["params"])
    assert checkpoints.variables(7, like).keys() == {"params"}


def test_checkpoints_tell_the_code_that_wrote_them(tmp_path):
    save(tmp_path, {1: 3.0})
    stored = (tmp_path / "checkpoints" / "1" / "code" / "metadata").read_text()
    assert json.loads(stored)["jax"] == jax.__version__


def test_reading_changes_nothing(tmp_path):
    save(tmp_path, {1: 3.0})
    # What a training run is writing at this moment.
    (tmp_path / "checkpoints" / "2.orbax-checkpoint-tmp").mkdir()
    assert Checkpoints.of(tmp_path).steps() == [1]
    assert (tmp_path / "checkpoints" / "2.orbax-checkpoint-tmp").is_dir()


def test_folder_without_checkpoints(tmp_path):
    for workdir in (tmp_path, tmp_path / "elsewhere"):
        with pytest.raises(UserError, match="holds no checkpoint"):
            Checkpoints.of(workdir)
    assert not list(tmp_path.iterdir())


def like_of(state):
    sharding = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), state
    )


def cut_short(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def turn_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 16
    path.write_bytes(content)


def remove(path):
    shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (cut_short, "variables/ocdbt.process_0/d/*"),
        (turn_a_bit, "optimizer/ocdbt.process_0/d/*"),
        (remove, "variables/d/*"),
        (cut_short, "variables/manifest.ocdbt"),
        (remove, "optimizer/_METADATA"),
        (cut_short, "data/metadata"),
        (cut_short, "config/metadata"),
        (cut_short, "metrics/metrics"),
        (cut_short, "checksums/metadata"),
        (remove, "variables"),
        (remove, "data"),
    ],
    ids=lambda case: case if isinstance(case, str) else case.__name__,
)
def test_damaged_newest(tmp_path, damage, what):
    save(tmp_path, {1: 5.0, 2: 4.0, 3: 3.0}, keep_last=3)
    newest = tmp_path / "checkpoints" / "3"
    damage(max(newest.glob(what), key=lambda path: path.stat().st_size))
    said = []
    with Checkpoints(tmp_path, keep_last=3) as checkpoints:
        resumed = checkpoints.restore_newest(like_of(state(3)), said.append)
        assert resumed.step == int(resumed.state.step) == 2
        jax.tree.map(np.testing.assert_array_equal, resumed.state, state(2))
        assert checkpoints.steps() == [1, 2]
        # The same step once more, and once more damaged.
        checkpoints.save(state(3), {"read": 30}, default_config(), 3.0)
    (line,) = said
    assert line.startswith(f"The checkpoint {newest} cannot be read as this model's: ")
    assert line.endswith(f"Moved to {tmp_path / DAMAGED / '3'}.")
    remove(newest / "variables")
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.restore_newest(like_of(state(3)), said.append).step == 2
    assert sorted(path.name for path in (tmp_path / DAMAGED).iterdir()) == ["3", "3.1"]


def test_nothing_is_moved_where_all_are_damaged(tmp_path):
    save(tmp_path, {1: 5.0, 2: 4.0}, keep_last=2)
    for step in (1, 2):
        cut_short(tmp_path / "checkpoints" / str(step) / "data" / "metadata")
    checkpoints = Checkpoints(tmp_path)
    with pytest.raises(UserError, match=f"{tmp_path}/checkpoints/2 cannot be read"):
        checkpoints.restore_newest(like_of(state(2)), print)
    assert checkpoints.steps() == [1, 2]
    assert not (tmp_path / DAMAGED).exists()


def test_a_damaged_score_is_no_best(tmp_path):
    save(tmp_path, {1: 3.0, 2: 4.0}, keep_last=2)
    cut_short(tmp_path / "checkpoints" / "1" / "metrics" / "metrics")
    with pytest.raises(UserError, match="checkpoints/1 cannot be read"):
        Checkpoints.of(tmp_path).choose("best")
    assert Checkpoints.of(tmp_path).choose("latest") == 2
