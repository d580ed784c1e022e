import gzip
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from fullglow_jax.data.mnist import find_mnist
from fullglow_jax.errors import UserError

RNG = np.random.default_rng(0)
DIGITS = {
    split: RNG.integers(0, 256, (count, 28, 28), np.uint8)
    for split, count in {"train": 12, "val": 3}.items()
}
LABELS = {"train": [7, 0, 9, 1, 2, 3, 4, 5, 6, 8, 0, 1], "val": [3, 1, 4]}
GREYS = [0, 28, 57, 85, 113, 142, 170, 198, 227, 255]
URL = "https://storage.googleapis.com/cvdf-datasets/mnist/"
IMAGES, ANSWERS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"


def idx(array):
    array = np.asarray(array, np.uint8)
    numbers = [0x800 + array.ndim, *array.shape]
    return b"".join(n.to_bytes(4) for n in numbers) + array.tobytes()


def write_mnist(root):
    root.mkdir(exist_ok=True)
    for split, stem in {"train": "train", "val": "t10k"}.items():
        images, labels = idx(DIGITS[split]), idx(LABELS[split])
        (root / f"{stem}-images-idx3-ubyte.gz").write_bytes(gzip.compress(images))
        (root / f"{stem}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels))


@pytest.fixture
def root(tmp_path):
    write_mnist(tmp_path)
    return tmp_path


def find(root, split="train", files="idx", direction=None, size=(24, 20)):
    return find_mnist(root, split, files, direction, size)


@pytest.mark.parametrize("direction", [None, "class2digit"])
@pytest.mark.parametrize("split", ["train", "val"])
def test_classes_to_digits(root, split, direction):
    pairs = list(find(root, split, direction=direction))
    assert len(pairs) == len(DIGITS[split])
    for i, (pair, digit, label) in enumerate(zip(pairs, DIGITS[split], LABELS[split], strict=True)):
        assert pair["name"] == f"{split}_{i:05d}_digit_{label}"
        np.testing.assert_array_equal(
            pair["condition"], np.full((24, 20, 3), GREYS[label], np.uint8), strict=True
        )
        resized = np.array(Image.fromarray(digit).resize((20, 24), Image.Resampling.BILINEAR))
        np.testing.assert_array_equal(pair["target"], np.stack([resized] * 3, axis=-1), strict=True)


def test_digits_at_their_own_size_are_unchanged(root):
    np.testing.assert_array_equal(
        find(root, size=(28, 28))[1]["target"][..., 2], DIGITS["train"][1]
    )


def test_coarse_digits(root):
    pair = find(root, direction="coarse2digit", size=(28, 28))[5]
    means = DIGITS["train"][5].reshape(7, 4, 7, 4).mean((1, 3))
    blown_up = np.repeat(np.repeat(means, 4, axis=0), 4, axis=1)[..., None]
    assert pair["condition"].dtype == np.uint8
    assert pair["condition"].shape == (28, 28, 3)
    assert np.abs(pair["condition"] - blown_up).max() <= 0.5
    np.testing.assert_array_equal(pair["target"][..., 0], DIGITS["train"][5])
    small = find(root, direction="coarse2digit", size=(14, 14))[5]["condition"]
    np.testing.assert_array_equal(small, pair["condition"][::2, ::2])


def test_unpacked_files_and_those_that_only_claim_to_be_packed(root):
    for path in root.glob("train-*.gz"):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    for path in root.glob("t10k-*.gz"):
        path.write_bytes(gzip.decompress(path.read_bytes()))
    assert find(root)[0]["name"] == "train_00000_digit_7"
    assert find(root, "val")[2]["name"] == "val_00002_digit_4"


def test_threads_read_what_one_reads(root):
    source = find(root, direction="coarse2digit")
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(source.__getitem__, list(range(12)) * 20))
    for i, pair in enumerate(read):
        for part in ("condition", "target"):
            np.testing.assert_array_equal(pair[part], source[i % 12][part])


def test_bounds(root):
    source = find(root)
    assert source.faults == ()
    assert source[-1]["name"] == "train_00011_digit_1"
    with pytest.raises(IndexError):
        source[12]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"split": "test"}, "MNIST has no split 'test': it has train and val."),
        ({"direction": "AtoB"}, "'AtoB' is not one of this data's: class2digit, coarse2digit."),
    ],
)
def test_what_there_is_not(root, asked, message):
    with pytest.raises(UserError, match=re.escape(message)):
        find(root, **asked)


def test_no_folder(tmp_path):
    expected = rf"(?s){re.escape(str(tmp_path / 'no'))} does not exist\..*{re.escape(URL)}"
    with pytest.raises(UserError, match=expected):
        find(tmp_path / "no")


def write(path, data):
    path.write_bytes(gzip.compress(data))


DAMAGE = {
    "no file": (
        lambda root: (root / ANSWERS).unlink(),
        "{root} has neither train-labels-idx1-ubyte.gz nor train-labels-idx1-ubyte.\n",
    ),
    "gzip cut short": (
        lambda root: (root / IMAGES).write_bytes((root / IMAGES).read_bytes()[:-20]),
        "{root}/train-images-idx3-ubyte.gz is damaged or cut short: Compressed file ended",
    ),
    "gzip garbled": (
        lambda root: (root / IMAGES).write_bytes(b"\x1f\x8b\x08" + b"\xff" * 99),
        "{root}/train-images-idx3-ubyte.gz is damaged or cut short: ",
    ),
    "cut short before it was packed": (
        lambda root: write(root / IMAGES, idx(DIGITS["train"])[:-1]),
        "train-images-idx3-ubyte.gz holds 9423 bytes, where its first ones announce 9424: ",
    ),
    "longer than announced": (
        lambda root: write(root / ANSWERS, idx(LABELS["train"]) + b"\0"),
        "train-labels-idx1-ubyte.gz holds 21 bytes, where its first ones announce 20: ",
    ),
    "header alone, and not all of it": (
        lambda root: write(root / IMAGES, idx(DIGITS["train"])[:6]),
        "train-images-idx3-ubyte.gz holds 6 bytes",
    ),
    "empty": (
        lambda root: (root / IMAGES).write_bytes(b""),
        "train-images-idx3-ubyte.gz begins with the number 0, where such a file begins with 2051.",
    ),
    "labels as images": (
        lambda root: write(root / IMAGES, idx(LABELS["train"])),
        "train-images-idx3-ubyte.gz begins with the number 2049, where such a file begins with "
        "2051.",
    ),
    "images as labels": (
        lambda root: write(root / ANSWERS, idx(DIGITS["train"])),
        "train-labels-idx1-ubyte.gz begins with the number 2051, where such a file begins with "
        "2049.",
    ),
    "other sizes": (
        lambda root: write(root / IMAGES, idx(DIGITS["train"][:, :20])),
        "train-images-idx3-ubyte.gz has images of 20×28, where MNIST's are 28×28.",
    ),
    "other counts": (
        lambda root: write(root / ANSWERS, idx(LABELS["train"][:-1])),
        "train-images-idx3-ubyte.gz has 12 images and {root}/train-labels-idx1-ubyte.gz 11 labels,",
    ),
    "other labels": (
        lambda root: write(root / ANSWERS, idx([*LABELS["train"][:-1], 10])),
        "train-labels-idx1-ubyte.gz has the label 10, where MNIST's are 0 to 9.",
    ),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_damage_names_the_file_and_the_way_out(root, case):
    harm, message = DAMAGE[case]
    harm(root)
    expected = re.escape(message.format(root=root)) + rf"(?s:.*){re.escape(URL)}"
    with pytest.raises(UserError, match=expected):
        find(root)
    assert len(find(root, "val")) == 3


def test_a_file_that_cannot_be_read(root, monkeypatch):
    def refuse(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)
    expected = r"train-images-idx3-ubyte\.gz cannot be read: Permission denied\."
    with pytest.raises(UserError, match=expected):
        find(root)
