import pytest

from fullglow_jax.config import default_config
from fullglow_jax.errors import UserError
from fullglow_jax.runs.trained import stored_config
from fullglow_jax.training.loop import train


@pytest.fixture
def run(tmp_path):
    """What looks like a run's folder."""
    for step in ("2", "4"):
        (tmp_path / "run" / "checkpoints" / step / "config").mkdir(parents=True)
    (tmp_path / "run" / "samples").mkdir()
    return tmp_path / "run"


@pytest.mark.parametrize("inside", ["checkpoints", "checkpoints/4", "checkpoints/4/config"])
def test_inside_the_checkpoints(run, inside):
    for refused in (
        lambda: stored_config(run / inside, "latest"),
        lambda: train(default_config(), run / inside),
    ):
        with pytest.raises(UserError) as error:
            refused()
        assert f"the run {run}. Give the run's own folder, {run}." in str(error.value)
        assert "street_scenes" not in str(error.value)
    assert not list(run.rglob("metrics.jsonl"))


def test_the_checkpoints_folder_is_called_so(run, monkeypatch):
    monkeypatch.chdir(run / "checkpoints")
    with pytest.raises(UserError, match=r"^\. is the checkpoints folder of the run "):
        stored_config(run.__class__("."), "latest")


def test_another_folder_of_a_run(run):
    with pytest.raises(UserError, match="samples lies inside of the run"):
        stored_config(run / "samples", "latest")


def test_a_folder_that_is_called_checkpoints_by_chance(tmp_path):
    with pytest.raises(UserError, match="holds no checkpoint"):
        stored_config(tmp_path / "checkpoints" / "run", "latest")


@pytest.mark.parametrize("name", ["checkpoints", "samples", "tensorboard", "curve.png"])
def test_something_in_the_place_of_what_training_writes(tmp_path, name):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / name).mkdir() if "." in name else (tmp_path / "run" / name).touch()
    with pytest.raises(UserError, match=rf"run/{name} is in the place of what training writes"):
        train(default_config(), tmp_path / "run")
