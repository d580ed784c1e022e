import json
import math
import re
import shutil
import tempfile

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fullglow_jax.config import default_config
from fullglow_jax.errors import UserError
from fullglow_jax.models.interface import TrainState
from fullglow_jax.runs.checkpoints import DAMAGED, Checkpoints
from fullglow_jax.runs.score import Goal, Score


def noise(seed):
    """Large enough for a file of its own."""
    return jax.random.normal(jax.random.key(seed), (32, 32))


def state(step):
    return TrainState(
        step=jnp.int32(step),
        variables={"params": {"kernel": jnp.full((2, 3), 1.5 * step), "noise": noise(step)}},
        optimizer=({"moment": jnp.arange(3.0) + step, "noise": noise(-step)},),
    )


BITS, SSIM = Goal("bits_per_dim/conditional"), Goal("ssim", higher_is_better=True)


def save(workdir, scores, keep_last=1, goal=BITS, keep_best=1):
    """Checkpoints of a run with these validation scores by step; None was not validated."""
    checkpoints = Checkpoints(workdir, keep_last, keep_best)
    for step, value in scores.items():
        score = None if value is None else Score(value, goal)
        checkpoints.save(state(step), {"read": 10 * step}, default_config(), score)
    checkpoints.close()


@pytest.mark.parametrize(
    ("scores", "keep_last", "kept"),
    [
        ({1: None, 2: None, 3: None, 4: None}, 2, [3, 4]),
        ({1: 4.0, 2: 3.0, 3: 5.0, 4: 6.0, 5: 7.0}, 2, [2, 4, 5]),
        ({1: 4.0, 2: None, 3: None, 4: None}, 1, [1, 4]),
        ({1: 4.0, 2: 3.0, 3: 2.0}, 1, [3]),
        ({1: 3.0, 2: math.nan, 3: 4.0}, 1, [1, 3]),
        ({1: math.nan, 2: 3.0, 3: -math.inf, 4: None}, 1, [2, 4]),
    ],
    ids=[
        "none validated",
        "best is old",
        "best is the only one",
        "best is the last",
        "one that is no number",
        "some that are none",
    ],
)
def test_keeps_the_last_and_the_best(tmp_path, scores, keep_last, kept):
    save(tmp_path, scores, keep_last)
    assert Checkpoints.of(tmp_path).steps() == kept


def test_best_is_kept_by_a_run_that_was_started_again(tmp_path):
    save(tmp_path, {1: 3.0, 2: 4.0})
    save(tmp_path, {3: 5.0, 4: 6.0})
    assert Checkpoints.of(tmp_path).steps() == [1, 4]


@pytest.mark.parametrize(
    ("scores", "kept"),
    [
        ({1: 3.0, 2: 4.0, 3: 2.0, 4: 5.0, 5: 6.0, 6: 7.0}, [1, 2, 3, 6]),
        ({1: 3.0, 2: math.nan, 3: 4.0, 4: None, 5: 5.0, 6: None}, [1, 3, 5, 6]),
        ({1: 3.0, 2: None, 3: None}, [1, 3]),
        ({1: 3.0, 2: 3.0, 3: 3.0, 4: 3.0, 5: 9.0}, [2, 3, 4, 5]),
    ],
    ids=["the first three", "some that are none", "fewer than three", "all alike"],
)
def test_keeps_the_best_three(tmp_path, scores, kept):
    save(tmp_path, scores, keep_best=3)
    assert Checkpoints.of(tmp_path).steps() == kept


def test_of_the_best_three_the_best_is_used_and_they_outlast_a_restart(tmp_path):
    save(tmp_path, {1: 3.0, 2: 2.0, 3: 4.0, 4: 9.0}, keep_best=3)
    with Checkpoints(tmp_path, 1, 3) as checkpoints:
        assert checkpoints.choose("best") == 2
        # Worse than the third and better; as good as the third is no reason to save.
        for value, among in ((5.0, False), (4.0, False), (3.5, True), (1.0, True)):
            assert checkpoints.would_be_best(Score(value, BITS)) == among
    save(tmp_path, {5: 3.5, 6: 8.0}, keep_best=3)
    assert Checkpoints.of(tmp_path).steps() == [1, 2, 5, 6]
    save(tmp_path, {7: 9.0})
    assert Checkpoints.of(tmp_path).steps() == [2, 7]


def test_a_score_that_is_no_number_is_never_the_best(tmp_path):
    save(tmp_path, {1: 3.0, 2: math.nan, 3: 4.0, 4: 5.0}, keep_last=4)
    assert Checkpoints.of(tmp_path).choose("best") == 1
    # As older versions wrote it.
    score = tmp_path / "checkpoints" / "4" / "metrics" / "metrics"
    score.write_text(score.read_text().replace("5.0", "NaN"))
    assert Checkpoints.of(tmp_path).choose("best") == 1
    save(tmp_path, {5: 6.0})
    assert Checkpoints.of(tmp_path).steps() == [1, 5]
    score = tmp_path / "checkpoints" / "1" / "metrics" / "metrics"
    score.write_text(score.read_text().replace("3.0", "NaN"))
    assert Checkpoints.of(tmp_path).choose("best") == 5


def test_what_is_best_so_far(tmp_path):
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.would_be_best(Score(9.0, BITS))
        for step, bits in enumerate((4.0, 3.0, math.nan, None, 5.0)):
            score = None if bits is None else Score(bits, BITS)
            checkpoints.save(state(step), {}, default_config(), score)
        assert_threshold(checkpoints, 3.0)
    assert_threshold(Checkpoints(tmp_path), 3.0)


def assert_threshold(checkpoints, best):
    values = {best - 0.1: True, best: False, best + 0.1: False, math.nan: False, -math.inf: False}
    for value, better in values.items():
        assert checkpoints.would_be_best(Score(value, BITS)) == better
    # What cannot be compared is no rival.
    assert checkpoints.would_be_best(Score(0.0, SSIM))


def test_where_higher_is_better_the_highest_is_the_best(tmp_path):
    save(tmp_path, {1: 0.2, 2: 0.6, 3: 0.6, 4: 0.5, 5: 0.1}, goal=SSIM)
    checkpoints = Checkpoints.of(tmp_path)
    assert checkpoints.steps() == [3, 5]
    assert checkpoints.choose("best") == 3
    assert not checkpoints.would_be_best(Score(0.6, SSIM))
    assert checkpoints.would_be_best(Score(0.7, SSIM))


def test_the_best_is_found_among_those_of_the_newest_ones_figure(tmp_path):
    save(tmp_path, {1: 3.0, 2: 4.0}, keep_last=2)
    save(tmp_path, {3: 5.0, 4: 6.0}, keep_last=2, goal=Goal("bits_per_dim/source"))
    assert Checkpoints.of(tmp_path).choose("best") == 3
    save(tmp_path, {5: 0.5, 6: 0.4}, keep_last=2, goal=SSIM)
    assert Checkpoints.of(tmp_path).choose("best") == 5


def test_scores_of_old_were_bits_and_low(tmp_path):
    save(tmp_path, {1: 3.0, 2: 4.0, 3: 5.0}, keep_last=3)
    for step, bits in ((1, 3.0), (2, 4.0), (3, 5.0)):
        stored = tmp_path / "checkpoints" / str(step) / "metrics" / "metrics"
        stored.write_text(json.dumps({"validation_bits_per_dim": bits}))
    assert Checkpoints.of(tmp_path).choose("best") == 1
    save(tmp_path, {4: 3.5, 5: 6.0})
    assert Checkpoints.of(tmp_path).steps() == [1, 5]
    save(tmp_path, {6: 2.5, 7: 6.0})
    assert Checkpoints.of(tmp_path).steps() == [6, 7]


def test_a_doubted_newest_does_not_take_the_place_of_a_good_one(tmp_path):
    save(tmp_path, {1: None})
    with Checkpoints(tmp_path, keep_last=1) as checkpoints:
        checkpoints.save(state(2), {}, default_config())
        checkpoints.wait()
        assert checkpoints.steps() == [1, 2]
        checkpoints.doubted = True  # the step after it was not taken
    assert Checkpoints.of(tmp_path).steps() == [1, 2]
    save(tmp_path, {3: None})
    assert Checkpoints.of(tmp_path).steps() == [3]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("part", ["variables", "optimizer", "average"])
def test_a_ruined_state_is_not_saved(tmp_path, part, bad):
    good = state(2).replace(average=state(2).variables["params"])
    ruined = jax.tree.map(lambda leaf: leaf.at[0, 0].set(bad) if leaf.ndim == 2 else leaf, good)
    save(tmp_path, {1: None})
    with (
        pytest.raises(UserError, match=f"after step 2 is not saved.*{part}/.*of step: 1[.]"),
        Checkpoints(tmp_path, keep_last=1) as checkpoints,
    ):
        checkpoints.save(good.replace(**{part: getattr(ruined, part)}), {}, default_config())
    assert Checkpoints.of(tmp_path).steps() == [1]


@pytest.mark.parametrize("name", ["a[b]", "a*b?", "x**y", "a\\b", "gs:", "a%20b#\n", "\udcff"])
def test_folders_whose_names_mean_something_elsewhere(tmp_path, name):
    workdir = tmp_path / name / "run"
    if "*" in name:  # a neighbour that the name as a pattern finds too
        save(tmp_path / name.replace("*", "--").replace("?", "-") / "run", {1: 5.0})
    save(workdir, {1: 3.0})
    save(workdir, {2: 4.0})
    checkpoints = Checkpoints.of(workdir)
    assert checkpoints.steps() == [1, 2]
    restored = checkpoints.restore(2, like_of(state(2))).state
    jax.tree.map(np.testing.assert_array_equal, restored, state(2))


def test_an_unlucky_folder_without_another_name_is_refused(tmp_path, monkeypatch):
    (tmp_path / "[tmp]").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "[tmp]"))
    with pytest.raises(UserError, match=re.escape(f"{tmp_path}/[run]/checkpoints cannot be used")):
        Checkpoints(tmp_path / "[run]")
    assert not list((tmp_path / "[tmp]").iterdir())
    Checkpoints(tmp_path / "run").close()


def test_the_first_that_is_saved_is_read_again(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    wait = checkpoints.wait

    def wait_and_lose_an_array():
        wait()
        (tmp_path / "checkpoints" / "1" / "variables" / "manifest.ocdbt").unlink(missing_ok=True)

    checkpoints.wait = wait_and_lose_an_array
    with pytest.raises(UserError, match="checkpoints/1 was written, and cannot be read again"):
        checkpoints.save(state(1), {}, default_config())


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
        checkpoints.save(state(3), {"read": 30}, default_config(), Score(3.0, BITS))
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
