"""Which pairs are measured, and what is remembered of them."""

import unicodedata

import numpy as np
import pytest
from PIL import Image

from fullglow_jax.config import default_config
from fullglow_jax.data.faults import Fault
from fullglow_jax.data.source import checked_source
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation import scored_images
from fullglow_jax.evaluation.drawn_images import DrawnImages
from fullglow_jax.evaluation.scored_images import score_images
from fullglow_jax.evaluation.truths import Truths
from fullglow_jax.evaluation.unfinished import Unfinished

SIZE = (4, 6)
COUNT = 5


def picture(value):
    return np.full((*SIZE, 3), value, np.uint8)


class Source:
    def __len__(self):
        return COUNT

    def name(self, place):
        return f"pair {place}"

    def __getitem__(self, place):
        images = {"condition": picture(place), "target": picture(10 * place)}
        return {**images, "name": self.name(place)}


class Grey:
    """Stands in for a metric: what grey an image has, and which pairs it was asked for."""

    measured_as = "grey"

    def __init__(self, depends=(), most=COUNT, bad=None):
        self.depends = depends
        self.asked = []
        self._most = most
        self._bad = bad

    def fault(self, truth):
        if truth.target[0, 0, 0] == self._bad:
            return Fault("bad truths", truth.name, "Mend them.")
        return None

    def measure(self, pairs):
        for pair in pairs:
            if len(self.asked) == self._most:
                raise KeyboardInterrupt
            self.asked.append(pair.truth.name)
        return [[int(image.mean()) for image in pair.images] for pair in pairs]

    def result(self, measurements):
        return {"all": measurements}


@pytest.fixture
def folder(tmp_path):
    for place in range(COUNT):
        Image.fromarray(picture(100 + place)).save(tmp_path / f"pair {place}.png")
    return tmp_path


def score(folder, metric, **how):
    drawn, truths = DrawnImages(folder, SIZE), Truths(Source())
    return score_images(drawn, truths, {"grey": metric}, Unfinished(folder, "test"), **how)


def test_all_pairs_in_order(folder):
    for at_once in (1, 2, COUNT, 8):
        metric, done = Grey(depends=at_once), []
        scored = score(folder, metric, at_once=at_once, told=done.append)
        assert scored.results == {"grey": {"all": [[100 + place] for place in range(COUNT)]}}
        assert (scored.examples, scored.rounds) == (COUNT, 1)
        assert metric.asked == [f"pair {place}" for place in range(COUNT)]
        assert done == [min(n, COUNT) for n in range(at_once, COUNT + at_once, at_once)]


@pytest.mark.parametrize("count", [2, 3, 5, 6])
@pytest.mark.parametrize("limit", [None, 2, 1])
def test_the_other_condition_is_half_a_split_away(monkeypatch, count, limit):
    """And not half of the first few: they may all show one street."""
    monkeypatch.setattr(Source, "__len__", lambda self: count)
    others = [truth.other_condition[0, 0, 0] for truth in Truths(Source(), limit)]
    assert others == [(place + count // 2) % count for place in range(limit or count)]
    monkeypatch.setattr(Source, "__len__", lambda self: 1)
    assert Truths(Source())[0].other_condition is None


def test_the_other_condition_of_files(tmp_path):
    """At its own size, which may be another."""
    for place in range(4):
        for part in "AB":
            (tmp_path / "val" / part).mkdir(parents=True, exist_ok=True)
            image = np.full((4 + place, 6, 3), place, np.uint8)
            Image.fromarray(image).save(tmp_path / "val" / part / f"{place}.png")
    data = default_config().data
    data.update(name="two_folders", root=str(tmp_path), image_size=SIZE)
    truths = Truths(checked_source(data, "val"))
    others = [(*truth.other_condition.shape, truth.other_condition[0, 0, 0]) for truth in truths]
    assert others == [(4 + place, 6, 3, place) for place in (2, 3, 0, 1)]


def test_what_was_measured_is_not_measured_again(folder):
    with pytest.raises(KeyboardInterrupt):
        score(folder, Grey(most=3))
    goes_on = Grey()
    assert score(folder, goes_on).examples == COUNT
    assert goes_on.asked == ["pair 3", "pair 4"]


def test_what_has_changed_is(folder):
    score(folder, Grey())
    Image.fromarray(picture(7)).save(folder / "pair 1.png")
    again, of_another_judge = Grey(), Grey(depends="another judge")
    assert score(folder, again).results["grey"]["all"][1] == [7]
    assert again.asked == ["pair 1"]
    assert len(score(folder, of_another_judge).results["grey"]["all"]) == COUNT
    assert len(of_another_judge.asked) == COUNT


def test_other_metrics_take_nothing_of_these(folder):
    score(folder, Grey())
    drawn, truths = DrawnImages(folder, SIZE), Truths(Source())
    metrics = {"grey": Grey(), "other": Grey()}
    scored = score_images(drawn, truths, metrics, Unfinished(folder, "test"))
    assert scored.results["grey"] == scored.results["other"]


def test_only_so_many_rounds(folder):
    for number in (1, 2, 10):
        (folder / f"round_{number}").mkdir()
    names = [[path.name for path in DrawnImages(folder, SIZE, n).rounds] for n in (None, 2, 1)]
    assert names == [["round_1", "round_2", "round_10"], ["round_1", "round_2"], ["round_1"]]


def test_rounds_are_numbered(folder):
    """Another folder of the data set's own may be called much the same."""
    for name in ("round_table", "round_", "round_1.5"):
        (folder / name).mkdir()
    assert DrawnImages(folder, SIZE).rounds == [folder]


@pytest.mark.parametrize("suffix", [".png", ".JPG", ".bmp", ".WebP"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("asked", ["NFC", "NFD"])
def test_images_are_found_by_names_as_people_see_them(tmp_path, form, asked, suffix):
    path = tmp_path / unicodedata.normalize(form, f"Zürich/Café, 2.1{suffix}")
    path.parent.mkdir()
    Image.fromarray(picture(50)).save(path)
    drawn = DrawnImages(tmp_path, SIZE)
    (image,) = drawn(unicodedata.normalize(asked, "Zürich/Café, 2.1"), SIZE)
    np.testing.assert_allclose(image, picture(50), atol=1)
    for missing in ("Zürich/Café, 2", "Café, 2.1", "Zürich", "Bern/a"):
        (fault,) = drawn(missing, SIZE)
        assert f"{missing}.png" in fault.case


def test_several_images_of_a_name_are_refused(folder):
    Image.fromarray(picture(3)).save(folder / "pair 1.webp")
    with pytest.raises(UserError, match=r"several images .*: 1\n.*pair 1\.png, .*pair 1\.webp"):
        score(folder, Grey())


def test_an_image_beside_the_rounds_is_refused(folder):
    """It would not be scored; but whoever put it there meant it to be, perhaps."""
    for number in (1, 2):
        (folder / f"round_{number}").mkdir()
        for path in folder.glob("*.png"):
            Image.open(path).save(folder / f"round_{number}" / path.name)
    for path in list(folder.glob("*.png"))[1:]:
        path.unlink()
    (left,) = folder.glob("*.png")
    truths = list(Truths(Source()))
    faults = [f for t in truths for f in DrawnImages(folder, SIZE)(t.name, SIZE)]
    cases = {fault.case for fault in faults if isinstance(fault, Fault)}
    assert len(cases) == 2
    assert all(str(left) in case for case in cases)
    drawn_here = [i for t in truths for i in DrawnImages(folder, SIZE, rounds=2)(t.name, SIZE)]
    assert not [i for i in drawn_here if isinstance(i, Fault)]


def test_each_process_measures_its_share(folder, monkeypatch):
    shares = []
    for process in (0, 1):
        share = range(COUNT * process // 2, COUNT * (process + 1) // 2)
        monkeypatch.setattr(scored_images, "own_share", lambda count, share=share: share)
        monkeypatch.setattr(scored_images, "gathered", lambda value: [*shares, value])
        metric = Grey()
        scored = score(folder, metric, at_once=2)
        assert metric.asked == [f"pair {place}" for place in share]
        (done,) = scored.results["grey"].values()
        if process == 0:
            shares.append([{"name": "", "faults": [], "measured": {"grey": d}} for d in done])
    assert done == [[100 + place] for place in range(COUNT)]


def test_bad_images(folder):
    (folder / "pair 0.png").unlink()
    with pytest.raises(UserError, match=r"no image for a pair of the split: 1\n.*pair 0\.png"):
        score(folder, Grey())
    scored = score(folder, Grey(), skip_bad=True)
    assert (scored.examples, scored.left_out) == (COUNT - 1, ["pair 0"])
    assert len(scored.faults) == 1


def test_truths_that_cannot_be_scored_against(folder):
    with pytest.raises(UserError, match=r"bad truths: 1\n.*pair 3\nMend them"):
        score(folder, Grey(bad=30))
    metric = Grey(bad=30)
    assert score(folder, metric, skip_bad=True).left_out == ["pair 3"]
    assert "pair 3" not in metric.asked
