"""Metrics of all drawn images together, and LPIPS, by what stand-ins for networks see."""

import numpy as np
import pytest
from PIL import Image

from fullglow_jax.errors import UserError
from fullglow_jax.evaluation import against
from fullglow_jax.evaluation.against import compare_with
from fullglow_jax.evaluation.metrics import METRICS
from fullglow_jax.evaluation.metrics.frechet import Fid, FrechetDistanceOfJudge
from fullglow_jax.evaluation.metrics.inception_score import InceptionScore
from fullglow_jax.evaluation.metrics.kernel import Kid
from fullglow_jax.evaluation.metrics.lpips import Lpips
from fullglow_jax.evaluation.metrics.metric import DrawnPair, measured
from fullglow_jax.evaluation.metrics.of_sets import SetMetric, features_of
from fullglow_jax.evaluation.metrics.precision_recall import PrecisionRecall
from fullglow_jax.evaluation.of_features import kernel_distance
from fullglow_jax.evaluation.of_features.frechet_distance import frechet_distance, statistics
from fullglow_jax.evaluation.of_features.inception_score import inception_scores
from fullglow_jax.evaluation.of_features.precision_recall import precision_recall
from fullglow_jax.evaluation.of_features.stored_statistics import save_statistics
from fullglow_jax.evaluation.truths import Truth
from fullglow_jax.evaluation.unfinished import Unfinished
from tests.evaluation.colours import Colours, colour

SIZE = (4, 6)


@pytest.fixture
def pairs():
    """20, each with two drawn images."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (20, 3, 1, 1, 3)) * np.ones((*SIZE, 1))
    return [
        DrawnPair(Truth(str(number), of[0], of[0], None), list(of[1:]))
        for number, of in enumerate(images.astype(np.uint8))
    ]


def seen(pairs, which):
    """Of the true images, or of a round of the drawn ones."""
    photos = [pair.truth.target if which == "true" else pair.images[which] for pair in pairs]
    return np.stack(list(map(colour, photos)))


def result(metric, pairs):
    return metric.result(metric.measure(pairs))


def test_each_round_is_a_set(pairs):
    true = seen(pairs, "true")
    of_rounds = [seen(pairs, number) for number in (0, 1)]

    found = result(Fid(Colours()), pairs)
    distances = [frechet_distance(statistics(drawn), statistics(true)) for drawn in of_rounds]
    assert found["distance"]["rounds"] == pytest.approx(distances)
    assert found["distance"]["mean"] == pytest.approx(np.mean(distances))
    assert (found["network"], found["images"], found["against"]) == ("colours", 20, None)
    assert Fid.value(found) == found["distance"]["mean"]

    found = result(Kid(Colours()), pairs)
    distances = [kernel_distance.of_subsets(drawn, true, size=20) for drawn in of_rounds]
    assert found["distance"]["rounds"] == pytest.approx([d.mean() for d in distances])

    found = result(InceptionScore(Colours()), pairs)
    scores = [inception_scores(drawn[:, :2]).mean() for drawn in of_rounds]
    assert found["score"]["rounds"] == pytest.approx(scores)

    found = result(PrecisionRecall(Colours()), pairs)
    both = [precision_recall(drawn, true) for drawn in of_rounds]
    assert found["recall"]["rounds"] == pytest.approx([recall for _, recall in both])
    (precision, recall), value = np.mean(both, axis=0), PrecisionRecall.value(found)
    assert value == pytest.approx(2 * precision * recall / (precision + recall))


def test_what_readers_are_told(pairs):
    fid, kid = result(Fid(Colours()), pairs), result(Kid(Colours()), pairs)
    assert Fid.note(fid).startswith("FID of 20 images is biased upward")
    assert Kid.note(kid) == "KID is of subsets of 20 images, as there are fewer than 1000"
    assert "too low" in InceptionScore.note(result(InceptionScore(Colours()), pairs))
    (figure,) = Fid.figures(fid)
    assert (figure.name, figure.column) == ("FID of 20 images", "FID")
    many = {**fid, "images": 10_000}
    assert Fid.note(many) == ""


@pytest.mark.parametrize(
    ("metric", "enough"), [(Fid, 2), (Kid, 2), (InceptionScore, 10), (PrecisionRecall, 4)]
)
def test_too_few_images(pairs, metric, enough):
    of_few = result(metric(Colours()), pairs[: enough - 1])
    assert metric.value(of_few) is None
    assert f"takes {enough} images or more" in metric.note(of_few)
    assert metric.figures(of_few)[0].mean == "–"
    assert metric.value(result(metric(Colours()), pairs[:enough])) is not None


def test_true_images_are_looked_at_in_the_size_of_the_drawn(pairs):
    large = np.kron(pairs[0].truth.target, np.ones((2, 2, 1), np.uint8))
    at_twice = pairs[0]._replace(truth=pairs[0].truth._replace(target=large))
    sizes = []

    class Sizes(Colours):
        def look(self, photos):
            sizes.extend(photo.shape for photo in photos)
            return super().look(photos)

    (found,) = Fid(Sizes()).measure([at_twice])
    assert set(sizes) == {(*SIZE, 3)}
    np.testing.assert_allclose(found["true"]["features"], colour(large))


def test_metrics_of_one_network_look_once(pairs):
    network = Colours()
    metrics = {m.name: m(network) for m in (Fid, Kid, InceptionScore, PrecisionRecall)}
    found = measured(metrics, pairs)
    assert list(found) == ["inception"]
    assert network.looked == 1


def test_other_images_or_statistics_to_compare_with(pairs, tmp_path):
    others = seen(pairs, 1)
    folder = tmp_path / "others"
    for number, pair in enumerate(pairs):
        place = folder / str(number % 2)
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pair.images[1]).save(place / f"{number}.png")
    save_statistics(tmp_path / "others.npz", statistics(others))
    expected = frechet_distance(statistics(seen(pairs, 0)), statistics(others))

    observers = {"inception": Colours()}
    for place in (folder, tmp_path / "others.npz"):
        metric = Fid(observers["inception"])
        compare_with(place, [metric, InceptionScore(observers["inception"])], observers)
        found = result(metric, pairs)
        assert found["distance"]["rounds"] == pytest.approx([expected, 0], abs=1e-5)
        assert found["against"] == place.name
        assert metric.reference is not None

    metric = Kid(observers["inception"])
    compare_with(folder, [metric], observers)
    found = result(metric, pairs)
    nearest = kernel_distance.of_subsets(seen(pairs, 0), others, size=20).mean()
    assert found["distance"]["rounds"][0] == pytest.approx(nearest, rel=1e-5)
    for file in sorted(folder.rglob("*.png"))[1:]:
        file.unlink()
    compare_with(folder, [metric], observers)
    assert "KID takes 2 images or more, not 1" in Kid.note(result(metric, pairs))
    with pytest.raises(UserError, match="--metrics kid compares single images"):
        compare_with(tmp_path / "others.npz", [metric], observers)


def test_statistics_of_another_network_are_refused_by_its_name(pairs, tmp_path):
    """Whatever their number; others' files, which name none, are taken by their number, as told."""
    of_set, network = statistics(seen(pairs, 1)), Colours()
    metric, observers = Fid(network), {"inception": network}

    save_statistics(tmp_path / "own.npz", of_set, network.name, network.digest)
    compare_with(tmp_path / "own.npz", [metric], observers)
    assert "does not say" not in Fid.note(result(metric, pairs))
    assert Fid.setting(result(metric, pairs)) == "colours, against own.npz"

    save_statistics(tmp_path / "other.npz", of_set, "colours (pytorch_fid)", "others")
    with pytest.raises(UserError, match=r"of another network, colours \(pytorch_fid\), and they"):
        compare_with(tmp_path / "other.npz", [metric], observers)
    save_statistics(tmp_path / "retrained.npz", of_set, network.name, "other weights")
    with pytest.raises(UserError, match="another network, the same name, but with other weights"):
        compare_with(tmp_path / "retrained.npz", [metric], observers)

    np.savez(tmp_path / "foreign.npz", mu=of_set.mean, sigma=of_set.covariance)
    compare_with(tmp_path / "foreign.npz", [metric], observers)
    note = Fid.note(result(metric, pairs))
    assert note.endswith(
        "foreign.npz does not say of which network its statistics are: their number is that of "
        "colours"
    )


def test_what_is_compared_with_is_looked_at_once(pairs, tmp_path):
    """By all networks together, whenever and however often the evaluation is stopped."""
    folder = tmp_path / "others"
    folder.mkdir()
    for number, pair in enumerate(pairs):
        Image.fromarray(pair.images[1]).save(folder / f"{number}.png")

    class Stopped(Colours):
        def look(self, photos):
            if self.looked == 1:
                raise KeyboardInterrupt
            return super().look(photos)

    def compared(network):
        metric = Fid(network)
        unfinished = Unfinished(tmp_path, "test")
        compare_with(folder, [metric], {"inception": network}, unfinished)
        return metric

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(against, "AT_ONCE", 8)
        with pytest.raises(KeyboardInterrupt):
            compared(Stopped())
        goes_on = Colours()
        found = compared(goes_on)
        assert goes_on.looked == 2  # of three parts
        again = Colours()
        np.testing.assert_array_equal(
            features_of(compared(again).against.seen), features_of(found.against.seen)
        )
        assert again.looked == 0
    Image.fromarray(pairs[0].images[0]).save(folder / "3.png")
    changed = Colours()
    compared(changed)
    assert changed.looked == 1


def test_processes_share_what_is_compared_with(pairs, tmp_path, monkeypatch):
    for number, pair in enumerate(pairs[:5]):
        Image.fromarray(pair.images[1]).save(tmp_path / f"{number}.png")
    whole = {"inception": Colours()}
    metric = Fid(whole["inception"])
    compare_with(tmp_path, [metric], whole)
    shares = []
    for share in (range(2), range(2, 5)):
        monkeypatch.setattr(against, "own_share", lambda count, share=share: share)
        monkeypatch.setattr(against, "gathered", lambda seen: shares.append(seen) or shares)
        compare_with(tmp_path, [metric], whole)
    assert [len(share) for share in shares] == [2, 3]
    np.testing.assert_array_equal(features_of(metric.against.seen), seen(pairs[:5], 1))


def test_nobody_looks_at_true_images_that_are_not_compared_with(pairs, tmp_path):
    class Counts(Colours):
        def look(self, photos):
            self.looked += len(photos)
            return super().look(photos)

    network = Counts()
    metrics = [Fid(network), InceptionScore(network)]
    save_statistics(tmp_path / "others.npz", statistics(seen(pairs, 1)))
    compare_with(tmp_path / "others.npz", metrics, {"inception": network})
    found = measured({metric.name: metric for metric in metrics}, pairs)
    assert network.looked == 2 * len(pairs) + 1
    assert metrics[0].result(found["inception"])["true_images"] is None
    assert InceptionScore.value(metrics[1].result(found["inception"])) is not None


def test_pictures_that_were_no_photos_are_not_compared_with(pairs, tmp_path):
    """An evaluation's own, and conditions beside rounds, as in DLIM's printed figures."""
    metric, observers = Fid(Colours()), {"inception": Colours()}
    for name in ("a", "b", "eval_samples"):
        Image.fromarray(pairs[0].images[1]).save(tmp_path / f"{name}.png")
    compare_with(tmp_path, [metric], observers)
    assert len(metric.against.seen) == 2
    for name in ("round_1", "condition", "ground_truth"):
        (tmp_path / name).mkdir()
    with pytest.raises(UserError, match=r"has rounds of drawn images \(round_1\).*ground_truth\."):
        compare_with(tmp_path, [metric], observers)


def test_what_cannot_be_compared_with(pairs, tmp_path):
    metrics, observers = [FrechetDistanceOfJudge(Colours())], {"judge": Colours()}
    save_statistics(tmp_path / "other.npz", statistics(np.eye(5)))
    with pytest.raises(UserError, match=r"of 5 features, and colours has 3: .* another network"):
        compare_with(tmp_path / "other.npz", metrics, observers)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="empty has no images"):
        compare_with(tmp_path / "empty", metrics, observers)
    with pytest.raises(UserError, match=r"none\.npz: no such file"):
        compare_with(tmp_path / "none.npz", metrics, observers)


def test_lpips(pairs):
    found = result(Lpips(Colours()), pairs)
    true, first, second = (seen(pairs, which) for which in ("true", 0, 1))
    expected = [np.abs(true - drawn).sum(1).mean() for drawn in (first, second)]
    assert found["rounds"] == pytest.approx(expected, rel=1e-5)
    assert found["diversity"]["mean"] == pytest.approx(np.abs(first - second).sum(1).mean())
    assert [figure.column for figure in Lpips.figures(found)] == ["LPIPS", "LPIPS diversity"]
    fault = Lpips(Colours()).fault(pairs[7].truth)
    assert fault.case == "7 is 4×6"
    assert "from 5 on" in fault.mend
    of_one = [pair._replace(images=pair.images[:1]) for pair in pairs]
    assert result(Lpips(Colours()), of_one)["diversity"]["mean"] is None


@pytest.mark.parametrize(("least", "compared"), [(2, (4, 6)), (5, (8, 12))])
def test_lpips_between_draws_is_of_images_as_they_were_drawn(pairs, least, compared):
    """If the network takes images of that size."""
    large = np.kron(pairs[0].truth.target, np.ones((2, 2, 1), np.uint8))
    pair = pairs[0]._replace(truth=pairs[0].truth._replace(target=large))
    sizes = []

    class Sizes(Colours):
        def distances(self, pairs):
            sizes.append({photo.shape[:2] for pair in pairs for photo in pair})
            return super().distances(pairs)

    network = Sizes()
    network.least = least
    Lpips(network).measure([pair])
    assert sizes == [{(8, 12)}, {compared}]


def test_every_metric_that_reads_what_is_compared_with_has_a_network():
    for metric in METRICS.values():
        if issubclass(metric, SetMetric) and "against" in metric.reads:
            assert metric.needs_observer
            assert metric.measured_as == metric.observer
