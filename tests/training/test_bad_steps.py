"""NaN in a loss, or in its gradient alone: the loop goes past it, and not past too many."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fullglow_jax.errors import UserError
from fullglow_jax.flows.model import FlowModel
from fullglow_jax.runs.checkpoints import Checkpoints
from fullglow_jax.runs.metrics import read_metrics
from fullglow_jax.training.loop import train
from tests.commands.running import saved_state, steps_saved
from tests.training.tiny import NAMES, STEPS, tiny_config, write_pairs

OF_STEEP, OF_NAN = 1, 2


@jax.custom_jvp
def steep(x, marked):
    """x, whose derivative is not finite where it is marked."""
    return x


steep.defjvp(lambda given, tangents: (given[0], tangents[0] * jnp.where(given[1], jnp.nan, 1.0)))


@pytest.fixture
def poison(monkeypatch):
    """Makes marked examples' losses, or only their gradients, other than finite."""

    def patch(everywhere=False):
        bits_per_dim = FlowModel.bits_per_dim

        def poisoned(self, variables, batch, keys):
            bits = bits_per_dim(self, variables, batch, keys)
            mark = batch.target[:, 0, 0, 0]
            nan = jnp.where((mark == OF_NAN) | everywhere, jnp.nan, 1.0)
            return {**bits, "image": nan * steep(bits["image"], mark == OF_STEEP)}

        monkeypatch.setattr(FlowModel, "bits_per_dim", poisoned)

    return patch


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_bad_steps(tmp_path, poison, capsys):
    config = tiny_config(write_pairs(tmp_path / "pairs"))
    workdir = tmp_path / "run"
    config.train.most_bad_steps = 3  # in a row; there are as many in all
    poison()
    train(config, workdir)
    said = capsys.readouterr().out.splitlines()
    bad = {report["step"]: report for report in lines(workdir / "bad_steps.jsonl")}
    # Every two steps are an epoch; both bad examples are in it, and the other two.
    for first in range(1, STEPS, 2):
        names = [bad[step]["examples"] for step in (first, first + 1) if step in bad]
        assert {NAMES[2], NAMES[3]} <= {name for of_step in names for name in of_step}
    assert 3 <= len(bad) < STEPS
    for step, report in bad.items():
        assert len(report["examples"]) == 2
        (line,) = (line for line in said if line.startswith(f"step {step} was not taken"))
        if NAMES[3] in report["examples"]:
            assert report["not_finite"] == [NAMES[3]]
            assert f"Examples whose loss is not finite: {NAMES[3]}." in line
        else:
            assert report["not_finite"] == []
            assert "the gradient is not; examples: " + ", ".join(report["examples"]) in line
            assert np.isfinite(report["scalars"]["bits_per_dim/image"])
        assert report["scalars"]["gradient_norm"] == "nan"
    assert {tuple(report["not_finite"]) for report in bad.values()} == {(), (NAMES[3],)}
    # A state whose last step was not taken is not saved.
    good = [step for step in range(1, STEPS + 1) if step not in bad]
    assert steps_saved(workdir) == good
    states = {step: saved_state(workdir, step) for step in good}
    records = read_metrics(workdir)
    counted = [r["train/bad_steps"] for r in records if "train/bad_steps" in r]
    assert counted == [float(sum(s <= step for s in bad)) for step in range(1, STEPS + 1)]
    training = [v for r in records for name, v in r.items() if name.startswith("train/")]
    assert np.isfinite(training).all()

    # Then no step is good any more.
    capsys.readouterr()
    poison(everywhere=True)
    config.train.steps, config.train.checkpoint_every = STEPS + 9, 100
    with pytest.raises(UserError, match="3 steps in a row") as error:
        train(config, workdir)
    first = good[-1]
    folder = workdir / f"bad_step_{first + 3}"
    for part in (str(folder), f"The newest checkpoint, {workdir / 'checkpoints' / str(first)}, "):
        assert part in str(error.value)
    # The run went on from the last that was saved: what was recorded beyond it is not there twice.
    told = [report["step"] for report in lines(workdir / "bad_steps.jsonl")]
    assert told == [*(step for step in bad if step < first), first + 1, first + 2, first + 3]
    assert steps_saved(workdir) == good
    for step, state in states.items():
        jax.tree.map(np.testing.assert_array_equal, saved_state(workdir, step), state)
    report = json.loads((folder / "report.json").read_text())
    assert report["not_finite"] == report["examples"]
    assert report["config"]["train"]["most_bad_steps"] == 3
    assert report["code"]["jax"] == jax.__version__
    with np.load(folder / "batch.npz") as batch:
        assert batch["target"].shape == batch["condition"].shape == (2, 10, 10, 3)
        marks = batch["target"][:, 0, 0, 0]
    assert [NAMES.index(name) for name in report["examples"]] == [
        int(mark) + 1 if mark else NAMES.index(name)
        for mark, name in zip(marks, report["examples"], strict=True)
    ]


def test_a_ruined_model_is_not_saved_over_a_good_one(tmp_path, capsys):
    config = tiny_config(write_pairs(tmp_path / "pairs"))
    workdir = tmp_path / "run"
    config.optimizer.learning_rate = 1e30
    config.train.keep_last, config.train.validate_every = 1, 3
    train(config, workdir)
    assert steps_saved(workdir) == [1]  # taken with the first parameters
    said = capsys.readouterr().out
    assert "step 3: validation nan bits/dim, which is no number" in said
    assert f"step {STEPS} is not saved: its last step was not taken" in said
    assert "goes on from step 1" in said
    # JSON knows no NaN: who reads it strictly finds nulls, and the curve leaves a gap.
    text = (workdir / "metrics.jsonl").read_text()
    records = [json.loads(line, parse_constant=pytest.fail) for line in text.splitlines()]
    scores = [r[name] for r in records for name in r if name == "validation/bits_per_dim/image"]
    assert scores == [None, None]
    assert (workdir / "curve.png").is_file()
    with pytest.raises(UserError, match="once training has validated"):
        Checkpoints.of(workdir).choose("best")
