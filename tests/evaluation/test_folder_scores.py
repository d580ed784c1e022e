"""A folder of images against another folder, in one call, without a model or a data set."""

import json

import numpy as np
import pytest
from PIL import Image

from fullglow_jax.errors import UserError
from fullglow_jax.evaluation import scoring
from fullglow_jax.evaluation.of_features import kernel_distance
from fullglow_jax.evaluation.of_features.frechet_distance import frechet_distance, statistics
from tests.evaluation.colours import Colours, colour
from tests.in_process import command


@pytest.fixture(autouse=True)
def _network(monkeypatch):
    """Stands in for all networks, in place of their files."""
    network = Colours()

    def load(chosen, asked, parallel):
        return {metric.observer: network for metric in chosen if metric.observer != "judge"}

    monkeypatch.setattr(scoring, "load_observers", load)


def write(folder, count, seed, size=(16, 20)):
    """Images with two in a folder below."""
    rng = np.random.default_rng(seed)
    images = {}
    for number in range(count):
        file = folder / ("0" if number < 2 else "") / f"{number:02}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        images[file] = (rng.integers(0, 256, (1, 1, 3)) * np.ones((*size, 1))).astype(np.uint8)
        Image.fromarray(images[file]).save(file)
    return list(images.values())


@pytest.fixture
def folders(tmp_path):
    """12 drawn images, and 15 true ones of another size; and the colours of both."""
    drawn = write(tmp_path / "drawn", 12, seed=0)
    true = write(tmp_path / "true", 15, seed=1, size=(24, 18))
    colours = (np.stack(list(map(colour, images))) for images in (drawn, true))
    return tmp_path / "drawn", tmp_path / "true", *colours


def score(folder, *words):
    command("evaluate").main([f"--images={folder}", *map(str, words)])
    return json.loads((folder / "eval.json").read_text())


def test_fid_is_and_kid_in_one_call(folders, capsys):
    drawn, true, of_drawn, of_true = folders
    report = score(drawn, f"--against={true}", "--metrics=fid,kid,is,precision_recall")
    images = report["images"]
    distance = frechet_distance(statistics(of_drawn), statistics(of_true))
    assert images["fid"]["distance"]["mean"] == pytest.approx(distance, rel=1e-5)
    (kid,) = images["kid"]["distance"]["rounds"]
    of_subsets = kernel_distance.of_subsets(of_drawn, of_true, size=12)
    assert kid == pytest.approx(of_subsets.mean(), rel=1e-4)
    assert images["is"]["score"]["mean"] >= 1
    assert (report["examples"], images["fid"]["true_images"], report["split"]) == (12, 15, None)
    printed = " ".join(capsys.readouterr().out.split())
    assert "12 images, 1 round of images, judged by colours" in printed
    assert "note: KID is of subsets of 12 images, as there are fewer than 1000" in printed
    assert "note: FID of 12 images is biased upward" in printed
    again = score(drawn, f"--against={true}", "--metrics=fid")["images"]
    assert again["fid"]["distance"] == images["fid"]["distance"]


def test_single_images_are_compared_with_those_of_their_names(folders):
    drawn, true, of_drawn, of_true = folders
    images = score(drawn, f"--against={true}", "--metrics=lpips,ssim,fid")["images"]
    apart = np.abs(of_drawn - of_true[:12]).sum(1).mean()
    assert images["lpips"]["mean"] == pytest.approx(apart, rel=1e-5)
    assert images["ssim"]["mean"] < 1
    assert images["fid"]["true_images"] == 15
    (true / "0" / "01.png").unlink()
    with pytest.raises(UserError, match=r"no image for 1 of 12 .* example 0/01\. "):
        score(drawn, f"--against={true}", "--metrics=lpips")


def test_statistics_of_a_folder_are_kept_for_the_next(folders, tmp_path):
    drawn, true, *_ = folders
    stored = tmp_path / "true.npz"
    first = score(drawn, f"--against={true}", "--metrics=fid", f"--save_statistics={stored}")
    second = score(drawn, f"--against={stored}", "--metrics=fid,is")
    distances = [report["images"]["fid"]["distance"]["mean"] for report in (first, second)]
    assert distances[0] == pytest.approx(distances[1], rel=1e-9)
    with pytest.raises(UserError, match=r"--metrics ssim compares single .*true\.npz is no folder"):
        score(drawn, f"--against={stored}", "--metrics=ssim")


def test_what_compares_with_nothing_needs_no_other_folder(folders, tmp_path):
    drawn, *_ = folders
    assert score(drawn, "--metrics=is")["images"]["is"]["score"]["mean"] >= 1
    for number in (1, 2):
        write(tmp_path / "set" / f"round_{number}", 3, seed=number)
    images = score(tmp_path / "set", "--metrics=diversity")["images"]
    assert images["rounds"] == 2
    assert images["diversity"]["mean"] > 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--metrics=fid"], "name a folder of true images, --against FOLDER"),
        (
            ["--metrics=bpd,is"],
            "bpd needs a model, and there is no .* choose among ssim, ",
        ),
        (["--metrics=psp"], "psp needs label maps, and there is no --workdir"),
        (["--metrics=is", "--split=train"], "--split means nothing without --workdir"),
        (["--metrics=is", "--config.model.name=glow"], r"config\.model\.name is of a model"),
        (["--metrics=is", "--limit=0"], "limit"),
    ],
)
def test_what_needs_more_is_refused(folders, words, said):
    with pytest.raises(UserError, match=said):
        score(folders[0], *words)


def test_a_folder_without_images(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="empty has no images"):
        score(tmp_path / "empty", "--metrics=is")
    with pytest.raises(UserError, match="is not a folder"):
        score(tmp_path / "none", "--metrics=is")
