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
from tests.training.tiny import tiny_config, write_pairs

GOOD = ["batch_size=2", "batch_size=4"]


def request(*variants, **flags):
    own = {"vary": ("train.batch_size=2,4",), "variant": variants}
    return StudyRequest(**(own | {"metrics": ("bpd",), "batch_size": 2, "limit": 2} | flags))


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    config = tiny_config(write_pairs(tmp_path_factory.mktemp("pairs") / "pairs"))
    config.train.steps = 1
    return config


@pytest.fixture(scope="module")
def done(config, tmp_path_factory):
    """The folder of a study that was stopped after its first variant, and gone on with."""
    folder = tmp_path_factory.mktemp("study")
    # A file in the place of a folder of one variant.
    (folder / "broken").mkdir()
    (folder / "broken" / "samples").touch()
    asked = request("broken: train.steps=1")
    with pytest.MonkeyPatch.context() as patch:
        train, begun = studies.train, []

        def stop_in_the_second(own, workdir):
            begun.append(workdir.name)
            return len(begun) < 2 and train(own, workdir)

        patch.setattr(studies, "train", stop_in_the_second)
        study(config, asked, folder)
        assert begun == GOOD
        assert not (folder / "comparison.md").exists()
        patch.setattr(studies, "train", train)
        first = written(folder / GOOD[0])
        with pytest.raises(UserError, match=r"1 of 3 variants failed.*\nbroken: .*in the place of"):
            study(config, asked, folder)
        assert written(folder / GOOD[0]) == first  # left alone
    return folder


def written(workdir):
    """When the weights and figures of a variant were written."""
    files = [workdir / "eval.json", *(workdir / "checkpoints").rglob("*")]
    return {file: file.stat().st_mtime_ns for file in files if file.is_file()}


def test_each_variant_is_trained_with_its_values_and_scored(done):
    for name, size in zip(GOOD, (2, 4), strict=True):
        assert max(steps_saved(done / name)) == 1
        report = json.loads((done / name / "eval.json").read_text())
        assert (report["name"], report["examples"]) == (name, 2)
        assert studies._stored(tiny_config(done), done / name, request()).train.batch_size == size


def test_one_table_one_page_one_picture_of_those_that_did_not_fail(done):
    rows = (done / "comparison.md").read_text().splitlines()
    assert [row.split()[1] for row in rows if row.startswith("| batch_size")] == GOOD
    assert not [row for row in rows if "broken" in row]
    reports = json.loads((done / "comparison.json").read_text())
    assert [report["name"] for report in reports] == GOOD
    assert "The same conditions" in (done / "comparison.html").read_text()
    with Image.open(done / "comparison_samples.png") as picture:
        # The true images, as a Glow reads no condition, and two columns; a row for each pair.
        assert picture.size == (3 * (160 + 4) + 4, 16 + 4 * (160 + 4) + 4)


@pytest.mark.parametrize(
    ("variant", "flags", "message"),
    [
        ("bad: model.steps=(9,9,9,9)", {}, "variant bad: "),
        ("plain:", {"metrics": ("psp",)}, "--metrics psp: this model, a glow, reads no conditions"),
    ],
)
def test_all_variants_are_checked_before_the_first_is_trained(
    config, tmp_path, variant, flags, message
):
    with pytest.raises(UserError, match=message):
        study(config, request(variant, **flags), tmp_path / "study")
    assert not (tmp_path / "study").exists()


def test_other_networks_or_other_images_to_compare_with_are_scored_anew(
    config, done, tmp_path, monkeypatch
):
    scored, photos = [], tmp_path / "photos"
    monkeypatch.setattr(studies, "evaluate", lambda own, asked: scored.append(asked))
    run = shutil.copytree(done / GOOD[0], tmp_path / "run")
    photos.mkdir()
    for networks, content in (
        ({}, ""),
        ({"judge": "a"}, ""),
        ({"judge": "b"}, ""),
        ({"judge": "b"}, "other"),
    ):
        (photos / "a.png").write_text(content)
        asked = studies._evaluation(request(against=photos), run)
        before = len(scored)
        for _ in range(2):  # and once more only
            studies._score(config, asked, run, networks)
        assert len(scored) == before + 1
