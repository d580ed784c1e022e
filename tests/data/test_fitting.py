import numpy as np
import pytest
from PIL import Image

from fullglow_jax.config import default_config
from fullglow_jax.data.file_pairs import find_pairs
from fullglow_jax.data.fitting import Fitting, cut
from fullglow_jax.data.images import Picture
from fullglow_jax.data.layouts import AlignedPairs
from fullglow_jax.data.source import build_source
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.truths import Truths
from fullglow_jax.sampling.conditions import fitted


def gradient(height, width):
    rows, columns = np.mgrid[:height, :width].astype(np.uint8)
    return np.dstack([rows, columns, rows + columns])


def fit(pixels, size, how="stretch", labels=False, **options):
    return Fitting(size, how, **options)(Picture(pixels, labels), "A")


def resized(pixels, size, kind="BILINEAR"):
    image = Image.fromarray(pixels).resize(size[::-1], Image.Resampling[kind])
    return np.asarray(image)


def test_stretching_takes_the_whole_picture_antialiased():
    pixels = gradient(6, 10)
    np.testing.assert_array_equal(fit(pixels, (2, 5)), resized(pixels, (2, 5)))


def test_cropping_keeps_the_middle_and_the_proportions():
    pixels = gradient(8, 20)
    np.testing.assert_array_equal(fit(pixels, (8, 8), "crop"), pixels[:, 6:14])
    np.testing.assert_array_equal(fit(pixels, (2, 20), "crop"), pixels[3:5])
    halved = fit(pixels[:, 6:14], (4, 4))
    # At the crop's edge antialiasing sees what lies beside it.
    np.testing.assert_array_equal(fit(pixels, (4, 4), "crop")[:, 1:-1], halved[:, 1:-1])


def test_labels_are_not_mixed():
    pixels = np.zeros((6, 10, 3), np.uint8)
    pixels[::2] = 255
    for how in ("stretch", "crop", "width"):
        assert set(fit(pixels, (4, 7), how, labels=True).ravel()) == {0, 255}
        assert set(fit(pixels, (4, 7), how).ravel()) != {0, 255}


def test_to_the_width_in_proportion_and_the_middle_of_what_is_higher():
    pixels = gradient(13, 20)
    assert fit(pixels, (3, 10), "width", cuts=False).shape == (6, 10, 3)  # 6.5, truncated
    np.testing.assert_array_equal(fit(pixels, (4, 10), "width"), resized(pixels, (6, 10))[1:5])


def test_at_least_the_height():
    assert fit(gradient(8, 32), (4, 8), "width", cuts=False).shape == (4, 8, 3)  # not 2


@pytest.mark.parametrize(
    ("native", "rounded"), [((44, 52), (44, 52)), ((45, 55), (44, 56)), ((46, 50), (48, 48))]
)
def test_each_side_to_a_multiple_of_four(native, rounded):
    image = fit(gradient(*native), (4, 4), "rounded", cuts=False)
    np.testing.assert_array_equal(image, resized(gradient(*native), rounded))
    assert fit(gradient(*native), (8, 12), "rounded").shape == (8, 12, 3)


def test_the_middle_of_pictures_that_are_not_resized():
    pixels = gradient(9, 20)
    np.testing.assert_array_equal(fit(pixels, (4, 8), "none"), pixels[2:6, 6:14])
    np.testing.assert_array_equal(fit(pixels, (4, 8), "none", cuts=False), pixels)


@pytest.mark.parametrize("how", ["none", "rounded"])
def test_too_small_pictures_are_refused(how):
    with pytest.raises(UserError, match=r"9×20 .*smaller than config\.data\.image_size=\(16, 8\)"):
        fit(gradient(9, 20), (16, 8), how)


def test_filters_of_photos_and_of_label_maps():
    pixels = np.random.default_rng(0).integers(0, 256, (9, 12, 3), np.uint8)
    fitting = Fitting((6, 7), filter="bicubic", label_maps=("B",))
    for part, labels, kind in (
        ("A", False, "BICUBIC"),
        ("B", False, "NEAREST"),
        ("A", True, "NEAREST"),
    ):
        image = fitting(Picture(pixels, labels), part)
        np.testing.assert_array_equal(image, resized(pixels, (6, 7), kind))


def test_cuts_are_at_every_place_equally_often():
    pixels = gradient(6, 5)
    rng, places = np.random.default_rng(0), []
    for _ in range(3000):
        part = cut(pixels, (4, 5), tuple(rng.random(2)))
        assert part.shape == (4, 5, 3)
        places.append(int(part[0, 0, 0]))
    assert {p: round(places.count(p) / 1000, 1) for p in set(places)} == {0: 1.0, 1: 1.0, 2: 1.0}
    assert cut(pixels, (4, 4), (1 - 1e-12, 1 - 1e-12)).tolist() == pixels[2:, 1:].tolist()
    assert cut(pixels, (6, 5), (0.9, 0.9)).tolist() == pixels.tolist()


# --- Of files -------------------------------------------------------------------------------------


@pytest.fixture
def root(tmp_path):
    for split in ("train", "val"):
        (tmp_path / split).mkdir()
        both = np.concatenate([gradient(20, 24), 255 - gradient(20, 24)], axis=1)
        Image.fromarray(both).save(tmp_path / split / "a.png")
    return tmp_path


def config(root, **changes):
    data = default_config().data
    data.update({"name": "aligned_pairs", "root": str(root), "image_size": (8, 8), **changes})
    return data


def test_training_loads_what_tests_resize_to_the_size(root):
    data = config(root, load_size=(10, 12), filter="bicubic", label_maps=("A",))
    trained = build_source(data, "train", training=True)[0]
    assert trained["condition"].shape == trained["target"].shape == (10, 12, 3)
    np.testing.assert_array_equal(
        trained["target"], resized(255 - gradient(20, 24), (10, 12), "BICUBIC")
    )
    for split in ("train", "val"):
        pair = build_source(data, split)[0]
        np.testing.assert_array_equal(
            pair["condition"], resized(gradient(20, 24), (8, 8), "NEAREST")
        )


@pytest.mark.parametrize(("direction", "kinds"), [("AtoB", "BN"), ("BtoA", "NB")])
def test_label_maps_are_the_same_in_both_directions_and_in_files_of_users(root, direction, kinds):
    data = config(root, label_maps=("B",), direction=direction)
    pair, halves = build_source(data, "val")[0], (gradient(20, 24), 255 - gradient(20, 24))
    whole = default_config()
    whole.data = data
    for role, kind in zip(("condition", "target"), kinds, strict=True):
        native = halves[kind == "N"]
        expected = resized(native, (8, 8), {"B": "BILINEAR", "N": "NEAREST"}[kind])
        np.testing.assert_array_equal(pair[role], expected)
        Image.fromarray(native).save(root / f"{role}.png")
        np.testing.assert_array_equal(fitted(root / f"{role}.png", whole, role), expected)


def test_label_maps_that_are_no_part_are_refused(root):
    with pytest.raises(UserError, match=r"label_maps names 'C', which is no part.*: A, B\."):
        build_source(config(root, label_maps=("C",)), "val")


def test_a_load_size_below_the_image_size_is_refused(root):
    for split in ("train", "val"):
        with pytest.raises(UserError, match=r"load_size=\(10, 7\) is smaller than .*\(8, 8\)"):
            build_source(config(root, load_size=(10, 7)), split)


def test_a_file_that_is_too_small_is_named_before_training(root):
    Image.fromarray(gradient(6, 40)).save(root / "train" / "b.png")
    with pytest.raises(UserError, match=r"b\.png: images of 6×20 .*are smaller than .*\(8, 8\)"):
        build_source(config(root, fit="none"), "train", training=True)
    assert len(build_source(config(root), "train")) == 2
    assert len(build_source(config(root, fit="none", on_bad_file="skip"), "train")) == 1


def test_models_are_judged_by_the_part_that_they_see(root):
    def truth(*fitting):
        pairs = find_pairs(AlignedPairs(root, "val"), None, Fitting(*fitting))
        return Truths(pairs)[0]

    assert truth((8, 8)).target.shape == (20, 24, 3)
    np.testing.assert_array_equal(truth((8, 8), "crop").target, 255 - gradient(20, 24)[:, 2:22])
    np.testing.assert_array_equal(truth((8, 8), "none").condition, gradient(20, 24)[6:14, 8:16])
    # 24 wide to 12, 20 high to 10, of which rows 1 to 9 are left.
    np.testing.assert_array_equal(truth((8, 12), "width").condition, gradient(20, 24)[2:18])
