"""A study of a tiny Glow: stopped, gone on with, and with a variant that fails."""

import json
import shutil

import pytest
from PIL import Image

from fullglow_jax.errors import UserError
from fullglow_jax.studies import study as studies
from fullglow_jax.studies.request import StudyRequest
from fullglow_jax.studies.study import study
from tests.commands.running import steps_saved
from tests.training.conftest import compile_quickly
from tests.training.tiny import tiny_config, write_pairs

NAMES = ["learning_rate=0.001", "learning_rate=0.01", "larger"]


def request(*variants, **flags):
    own = {"vary": ("optimizer.learning_rate=0.001,0.01",), "variant": variants}
    return StudyRequest(**(own | {"metrics": ("bpd",), "batch_size": 2, "limit": 2} | flags))


ALL = request("larger: train.batch_size=4")


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    config = tiny_config(write_pairs(tmp_path_factory.mktemp("pairs") / "pairs"))
    config.train.steps = 2
    return config


@pytest.fixture(scope="module")
def done(config, tmp_path_factory):
    """The folder of a study that was stopped after its first variant, and the table that it told.

    Trainings are counted in `trained`.
    """
    folder = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        compile_quickly(patch)
        train, stopped = studies.train, []

        def stop_in_the_second(own, workdir):
            stopped.append(workdir.name)
            return len(stopped) < 2 and train(own, workdir)

        patch.setattr(studies, "train", stop_in_the_second)
        study(config, ALL, folder)
        assert stopped == NAMES[:2]
        assert not (folder / "comparison.md").exists()
        patch.setattr(studies, "train", train)
        first = written(folder / NAMES[0])
        study(config, ALL, folder)
        assert written(folder / NAMES[0]) == first  # left alone
    return folder


def written(workdir):
    """When the weights and figures of a variant were written."""
    files = [workdir / "eval.json", *(workdir / "checkpoints").rglob("*")]
    return {file: file.stat().st_mtime_ns for file in files if file.is_file()}


def test_each_variant_is_trained_with_its_values_and_scored(done):
    for name, (rate, size) in zip(NAMES, [(0.001, 2), (0.01, 2), (1e-4, 4)], strict=True):
        assert max(steps_saved(done / name)) == 2
        stored = json.loads((done / name / "eval.json").read_text())
        assert stored["name"] == name
        assert stored["examples"] == 2
        config = studies._stored(tiny_config(done), done / name, ALL)
        assert (config.optimizer.learning_rate, config.train.batch_size) == (rate, size)


def test_one_table_one_page_one_picture(done):
    rows = (done / "comparison.md").read_text().splitlines()
    assert [n for n in NAMES if any(row.startswith(f"| {n} ") for row in rows)] == NAMES
    reports = json.loads((done / "comparison.json").read_text())
    assert [report["name"] for report in reports] == NAMES
    page = (done / "comparison.html").read_text()
    assert "The same conditions" in page
    with Image.open(done / "comparison_samples.png") as picture:
        # The true images, as a Glow reads no condition, and three columns; a row for each pair.
        assert picture.size == (4 * (160 + 4) + 4, 16 + 4 * (160 + 4) + 4)


def test_a_variant_that_fails_stops_no_other(config, done, tmp_path, monkeypatch):
    folder = tmp_path / "study"
    shutil.copytree(done / NAMES[0], folder / NAMES[0])
    shutil.copytree(done / NAMES[1], folder / NAMES[1])
    (folder / "broken" / "samples").parent.mkdir()
    (folder / "broken" / "samples").write_text("in the place of a folder")
    before = written(folder / NAMES[0])
    compile_quickly(monkeypatch)
    with pytest.raises(UserError, match=r"1 of 3 variants failed.*\nbroken: .*in the place of"):
        study(config, request("broken:"), folder)
    assert written(folder / NAMES[0]) == before
    assert "broken" not in (folder / "comparison.md").read_text()
    assert NAMES[1] in (folder / "comparison.md").read_text()


@pytest.mark.parametrize(
    ("variant", "flags", "message"),
    [
        ("bad: model.steps=(9,9,9,9)", {}, "variant bad: "),
        ("plain:", {"metrics": ("psp",)}, r"variant learning_rate=0\.001: --metrics psp"),
    ],
)
def test_all_variants_are_checked_before_the_first_is_trained(
    config, tmp_path, variant, flags, message
):
    with pytest.raises(UserError, match=message):
        study(config, request(variant, **flags), tmp_path / "study")
    assert not (tmp_path / "study").exists()
