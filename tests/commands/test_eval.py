import json
import shutil

import pytest

from fullglow_jax.runs.metrics import read_metrics


@pytest.fixture(scope="module")
def trained(trained, tmp_path_factory):
    """A copy: other files' tests hold the finished run to be what it was."""
    return shutil.copytree(trained, tmp_path_factory.mktemp("eval") / trained.name)


@pytest.fixture(scope="module")
def evaluate(commands, trained):
    """Runs eval.py on the finished run and gives its report and what it printed."""

    def evaluate(*arguments):
        result = commands.here("eval.py", f"--workdir={trained}", *arguments, cwd=trained.parent)
        assert result.code == 0, result.err
        path = trained / "eval.json"
        report = json.loads(path.read_text())
        path.unlink()
        return report, result.out

    return evaluate


@pytest.fixture(scope="module")
def scored(evaluate):
    return evaluate("--batch_size=2")


def test_report(scored, trained):
    report, _ = scored
    untrained = read_metrics(trained)[0]["validation/bits_per_dim/conditional"]
    of_examples = report["bits_per_dim_of_examples"]
    assert len(of_examples) == 3
    assert sum(of_examples) / 3 == pytest.approx(report["bits_per_dim"]["conditional"]["mean"])
    assert {key: report[key] for key in report if not key.startswith("bits_per_dim")} == {
        "name": trained.name,
        "headline": "conditional",
        "checkpoint": 8,
        "split": "val",
        "examples": 3,
        "seed": 0,
        "draws": 1,
        "untrained_validation_bits_per_dim": untrained,
    }
    assert report["bits_per_dim"].keys() == {
        f"{name}{share}"
        for name in ("conditional", "source")
        for share in ("", "/prior", "/log_det", "/level_1")
    }
    for name, summary in report["bits_per_dim"].items():
        assert -10 < summary["mean"] < 10
        assert "/" in name or summary["mean"] > 0
        assert 0 < summary["standard_error"] < 1


def test_table_shows_the_figures(scored):
    report, printed = scored
    assert "3 examples of val, step 8" in printed
    for name, summary in report["bits_per_dim"].items():
        row = next(line for line in printed.splitlines() if name in line)
        assert f"{summary['mean']:.4f}" in row
        assert f"{summary['standard_error']:.4f}" in row


def test_agrees_with_the_last_validation(scored, trained):
    # Only the dequantisation noise is another.
    last = read_metrics(trained)[-1]
    for name, summary in scored[0]["bits_per_dim"].items():
        assert summary["mean"] == pytest.approx(last[f"validation/bits_per_dim/{name}"], abs=0.02)


def test_same_seed_same_figures_whatever_the_batch_size(evaluate, scored):
    report, _ = evaluate("--batch_size=3")
    for name, summary in report["bits_per_dim"].items():
        assert summary == pytest.approx(scored[0]["bits_per_dim"][name], rel=1e-6)


def test_other_split_seed_and_limit(evaluate, scored):
    report, _ = evaluate("--batch_size=2", "--split=train", "--limit=1", "--seed=3")
    assert (report["split"], report["examples"], report["seed"]) == ("train", 1, 3)
    conditional = report["bits_per_dim"]["conditional"]
    assert conditional["standard_error"] is None
    assert conditional["mean"] != scored[0]["bits_per_dim"]["conditional"]["mean"]
