"""What was prepared is the source's own pairs, or is not taken for them."""

import errno
import itertools
import os
import pickle
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from fullglow_jax.config import default_config
from fullglow_jax.data import file_pairs, shards
from fullglow_jax.data import prepare as command
from fullglow_jax.data.file_pairs import FilePairs
from fullglow_jax.data.layouts import Cityscapes
from fullglow_jax.data.prepare import prepare
from fullglow_jax.data.prepared import CHECKSUMS, PreparedPairs, open_prepared, prepared_folder
from fullglow_jax.data.source import build_source, find_source
from fullglow_jax.errors import UserError
from fullglow_jax.files import drafts
from fullglow_jax.models.annotations import NO_ANNOTATIONS, Annotations
from tests.data.conftest import NAMES, city_file

ROOT = Path(__file__).parents[2]
BOUNDARY = Annotations("smooth")

FIRST, SECOND, THIRD = (f"pairs-train.array_record-{k:05d}-of-00003" for k in range(3))
"""The files of the training split, two pairs in each."""


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch):
    monkeypatch.setattr(shards, "PER_SHARD", 2)


@pytest.fixture
def data(cityscapes_root):
    return config(cityscapes_root)


def config(root, **changes):
    data = default_config().data
    data.update(name="cityscapes", root=str(root), image_size=(4, 8), threads=0)
    data.update(changes)
    return data


def made(data, annotations=NO_ANNOTATIONS, **options):
    prepare(data, annotations, **{"workers": 1, **options})
    return folder_of(data, annotations=annotations)


def files(data, split="train", annotations=NO_ANNOTATIONS):
    return find_source(data, split, annotations)


def opened(data, split="train", annotations=NO_ANNOTATIONS):
    return open_prepared(files(data, split, annotations), data, split)


def folder_of(data, split="train", annotations=NO_ANNOTATIONS):
    return prepared_folder(files(data, split, annotations), data, split)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def assert_same(pairs, others):
    assert len(pairs) == len(others)
    for index in range(len(others)):
        pair, other = pairs[index], others[index]
        assert pair.keys() == other.keys()
        assert pair["name"] == other["name"]
        for part in pair.keys() - {"name"}:
            assert part == "instances" or pair[part].dtype == np.uint8
            np.testing.assert_array_equal(pair[part], other[part])


@pytest.mark.parametrize(
    "annotations", [NO_ANNOTATIONS, BOUNDARY, Annotations("smooth", instances=9)], ids=repr
)
@pytest.mark.parametrize("split", ["train", "val"])
def test_pixel_for_pixel(data, split, annotations):
    assert opened(data, split, annotations) is None
    made(data, annotations)
    pairs = opened(data, split, annotations)
    assert_same(pairs, files(data, split, annotations))
    assert pairs.faults == ()
    assert_same(pickle.loads(pickle.dumps(pairs)), pairs)


@pytest.mark.parametrize(
    "changes", [{"load_size": (6, 10)}, {"fit": "none"}, {"filter": "bicubic"}], ids=str
)
def test_training_pairs_as_training_loads_them_and_others_at_the_size(data, changes):
    asked = Annotations("smooth", instances=9)
    made(data, asked)  # in another way, which must not be taken for this one
    data.update(changes)
    assert not isinstance(build_source(data, "train", asked, training=True), PreparedPairs)
    made(data, asked)
    for split, training in (("train", True), ("val", False)):
        pairs = build_source(data, split, asked, training=training)
        assert isinstance(pairs, PreparedPairs)
        expected = find_source(data, split, asked, training=training)
        assert_same(pairs, expected)
        shape = pairs[0]["target"].shape[:2]
        assert (shape == (4, 8)) == (not training or "filter" in changes)


def test_ends_where_sequences_end(data):
    made(data)
    pairs = opened(data)
    assert [pair["name"] for pair in pairs] == sorted(NAMES["train"])
    assert pairs[-1]["name"] == pairs[4]["name"]
    with pytest.raises(IndexError):
        pairs[5]


def test_from_several_threads(data):
    made(data)
    pairs = opened(data)
    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(lambda i: pairs[i % 5]["name"], range(200)))
    assert names == sorted(NAMES["train"]) * 40


def test_it_is_a_data_set_of_tfds(data):
    folder = made(data, annotations=BOUNDARY)
    builder = tfds.builder_from_directory(folder)
    assert builder.info.splits["train"].shard_lengths == [2, 2, 1]
    examples = builder.as_data_source("train")
    expected = files(data, annotations=BOUNDARY)[4]
    for part in ("condition", "target", "boundary"):
        np.testing.assert_array_equal(examples[4][part], expected[part])


def test_a_split_for_testing_where_there_is_one(data):
    made(data)
    assert sorted(path.name[:4] for path in folder_of(data).parent.iterdir()) == ["trai", "val-"]
    for kind in ("leftImg8bit", "gtFine_color"):
        path = city_file(Path(data.root), "test", "bonn_000001", kind)
        path.parent.mkdir(parents=True)
        Image.new("RGB", (16, 8)).save(path)
    made(data)
    assert_same(opened(data, "test"), files(data, "test"))


def test_names_whose_accents_are_encoded_anew_match(tmp_path):
    """As where a data set went through macOS, or an archive of it."""
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    for part in "AB":
        path = tmp_path / "train" / part / composed / f"{composed}.png"
        path.parent.mkdir(parents=True)
        Image.new("RGB", (8, 4)).save(path)
    shutil.copytree(tmp_path / "train", tmp_path / "val")
    data = config(tmp_path, name="two_folders")
    made(data)
    for part in "AB":
        folder = (tmp_path / "train" / part / composed).rename(
            tmp_path / "train" / part / decomposed
        )
        (folder / f"{composed}.png").rename(folder / f"{decomposed}.png")
    assert_same(opened(data), files(data))


def test_what_was_read_in_another_way_does_not_match(data, monkeypatch):
    made(data)
    assert opened(data)
    monkeypatch.setattr(file_pairs, "VERSION", file_pairs.VERSION + 1)
    assert opened(data) is None


def test_nothing_is_done_twice(data, capsys, monkeypatch):
    made(data)
    monkeypatch.setattr(command, "make_shard", None)
    capsys.readouterr()
    folder = made(data)
    assert f"train: already prepared, 5 pairs in {folder}\n" in capsys.readouterr().out


def test_workers_do_not_change_a_byte(data, tmp_path):
    alone = contents(made(data))
    several = contents(made(config(data.root, prepared=str(tmp_path / "several")), workers=2))
    assert several == alone


KILLED_AT_THE_FOURTH_PAIR = """
import os, signal, sys
from fullglow_jax.data import shards
from fullglow_jax.data.file_pairs import FilePairs
from fullglow_jax.data.prepare import prepare
from tests.data.test_prepare import config

shards.PER_SHARD = 2
read = FilePairs.__getitem__
reads = []

def fatal(self, index):
    reads.append(index)
    if len(reads) == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return read(self, index)

FilePairs.__getitem__ = fatal
prepare(config(sys.argv[1], prepared=sys.argv[2]), workers=1)
"""


def test_a_killed_run_goes_on_and_ends_the_same(data, tmp_path, monkeypatch):
    whole = contents(made(data))
    data = config(data.root, prepared=str(tmp_path / "killed"))
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_AT_THE_FOURTH_PAIR, data.root, data.prepared],
        cwd=ROOT,
        timeout=60,
    )
    assert killed.returncode == -signal.SIGKILL
    folder = folder_of(data)
    [draft] = (name for name in contents(folder) if name.endswith(".tmp"))
    assert contents(folder).keys() == {FIRST, draft}
    assert opened(data) is None

    reads = []
    read = FilePairs.__getitem__
    monkeypatch.setattr(FilePairs, "__getitem__", lambda s, i: reads.append(i) or read(s, i))
    made(data)
    assert len(reads) == 4  # of the two missing shards, and the one pair of the other split
    assert contents(folder) == whole


THE_COMMAND = """
import sys
from fullglow_jax.commands.prepare import main
from tests.data.test_prepare import BOUNDARY, config, opened

main(sys.argv[2:])
data = config(sys.argv[1], image_size=(80, 80))
print([pair["name"] for pair in opened(data, "val", annotations=BOUNDARY)])
sys.exit("tensorflow" in sys.modules)
"""


def test_the_command_without_tensorflow(data):
    flags = [
        "--config=configs/cityscapes_256.py",
        f"--config.data.root={data.root}",
        "--config.data.image_size=(80, 80)",
        "--config.data.boundary=smooth",
        "--workers=1",
    ]
    run = subprocess.run(
        [sys.executable, "-c", THE_COMMAND, data.root, *flags],
        cwd=ROOT,
        capture_output=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    assert b"['bochum_000000']" in run.stdout


def test_another_file_does_not_match(data):
    made(data)
    path = city_file(Path(data.root), "train", "jena_000003", "leftImg8bit")
    Image.new("RGB", (16, 8)).save(path)
    assert opened(data) is None
    assert opened(data, "val") is not None
    made(data)
    assert_same(opened(data), files(data))


def test_nor_one_changed_within_its_length(data):
    made(data)
    path = city_file(Path(data.root), "train", "jena_000003", "leftImg8bit")
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1000))
    assert opened(data) is None


def test_nor_one_more_or_less(data):
    made(data)
    for kind in ("leftImg8bit", "gtFine_color"):
        city_file(Path(data.root), "train", "jena_000003", kind).unlink()
    assert opened(data) is None


@pytest.mark.parametrize(
    "change",
    [
        {"image_size": (8, 4)},
        {"fit": "crop"},
        {"direction": "photo2label"},
        {"direction": "boundary2label"},
    ],
)
def test_nor_another_config(data, change):
    made(data)
    assert opened(config(data.root, **change)) is None
    assert opened(data, annotations=BOUNDARY) is None


def test_what_does_not_matter_matches(data):
    made(data)
    assert opened(config(data.root, threads=7, flip=True, bits=5, on_bad_file="skip")) is not None


def test_moved_with_its_root(data, tmp_path):
    made(data)
    Path(data.root).rename(tmp_path / "moved")
    assert opened(config(tmp_path / "moved")) is not None


def spoil(path):
    path.write_bytes(bytes(len(path.read_bytes())))


def damaged(data, harm):
    folder = made(data)
    whole = contents(folder)
    harm(folder)
    return folder, whole


@pytest.mark.parametrize(
    ("harm", "what"),
    [
        (lambda folder: (folder / SECOND).unlink(), rf"{SECOND} is missing"),
        (lambda folder: os.truncate(folder / THIRD, 100), rf"{THIRD} has 100 bytes, where \d+"),
        (lambda folder: (folder / "features.json").unlink(), "features.json is missing"),
        (lambda folder: (folder / CHECKSUMS).write_text("{"), "cannot be trusted"),
        (lambda folder: (folder / CHECKSUMS).write_text('{"a": 1}'), "cannot be trusted"),
    ],
)
def test_damage_is_refused_and_mended(data, harm, what):
    folder, whole = damaged(data, harm)
    with pytest.raises(UserError, match=f"(?s)damaged: .*{what}.*prepare, run again, mends it"):
        opened(data)
    made(data)
    assert contents(folder) == whole


def test_damage_within_is_found_when_it_is_read_or_looked_for(data, capsys):
    folder, whole = damaged(data, lambda folder: spoil(folder / SECOND))
    pairs = opened(data)
    assert pairs[0]["name"] == "aachen_000002"
    with pytest.raises(UserError, match=r"pair 2 in .* cannot be read(?s:.*)--verify finds"):
        pairs[2]
    made(data)
    assert contents(folder) != whole
    made(data, verify=True)
    assert f"{SECOND} has other content than was written" in capsys.readouterr().out
    assert contents(folder) == whole


def test_names_that_are_no_text(tmp_path):
    names = [b"caf\xe9", "\u4f8b \N{SLIGHTLY SMILING FACE}".encode()]
    for split, folder in product(("train", "val"), "AB"):
        (tmp_path / split / folder).mkdir(parents=True)
        for name in names:
            file = tmp_path / split / folder / f"{os.fsdecode(name)}.png"
            Image.new("RGB", (4, 4)).save(file)
    data = config(tmp_path, name="two_folders", direction="AtoB")
    made(data)
    assert_same(opened(data), files(data))


def test_full_disk(data, monkeypatch):
    """One whose second file does not fit: /dev/full says so of all that is written."""
    folder = folder_of(data)
    folder.mkdir(parents=True)
    numbers = itertools.count(1)
    monkeypatch.setattr(drafts, "uuid4", lambda: next(numbers))
    # The first draft is of the verdicts on the images, the second of the first file.
    (folder / f".draft-{os.getpid()}-3.tmp").symlink_to("/dev/full")
    with pytest.raises(UserError, match=f"(?s)cannot write to {folder}: .*No space left") as caught:
        made(data)
    assert "--config.data.prepared=DIR" in str(caught.value)
    assert contents(folder).keys() == {FIRST}
    assert opened(data) is None
    made(data)
    assert_same(opened(data), files(data))


@pytest.mark.parametrize("nth", range(1, 10))
def test_full_disk_at_any_time(data, monkeypatch, nth):
    """Whichever file, or name in the folder, cannot be brought to disk."""
    sync, calls = os.fsync, []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) == nth:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="No space left on device"):
        made(data)
    assert opened(data) is None
    made(data)
    assert_same(opened(data), files(data))


def test_a_folder_that_cannot_be_written_and_another_one(data, tmp_path):
    (Path(data.root) / "prepared").write_text("")
    with pytest.raises(UserError, match=r"cannot write to (?s:.*)--config\.data\.prepared=DIR"):
        made(data)
    data = config(data.root, prepared=str(tmp_path / "elsewhere"))
    assert made(data).is_relative_to(tmp_path / "elsewhere")
    assert_same(opened(data), files(data))


def test_bad_files(data):
    path = city_file(Path(data.root), "train", "jena_000003", "leftImg8bit")
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(UserError, match="images that cannot be used: 1"):
        made(data)
    assert not (Path(data.root) / "prepared").exists()


def test_a_worker_that_fails(data, tmp_path):
    source = files(data)
    city_file(Path(data.root), "train", "jena_000003", "leftImg8bit").unlink()
    tmp_path.joinpath("out").mkdir()
    jobs = shards.shards_of(source, "train", tmp_path / "out")
    with pytest.raises(UserError, match=r"jena_000003_leftImg8bit\.png does not exist"):
        list(command._each_made(jobs, 2))
    assert not list(tmp_path.joinpath("out").glob(".*"))


def test_it_is_what_a_source_is_built_of(data, monkeypatch):
    assert isinstance(build_source(data, "train"), FilePairs)
    made(data)
    monkeypatch.setattr(Cityscapes, "read", None)  # no file is read any more
    built = build_source(data, "train")
    assert isinstance(built, PreparedPairs)
    assert str(folder_of(data)) in built.where


def test_also_where_bad_files_are_left_out(data):
    path = city_file(Path(data.root), "train", "jena_000003", "leftImg8bit")
    path.write_bytes(path.read_bytes()[:60])
    data.on_bad_file = "skip"
    made(data)
    built = build_source(data, "train")
    assert isinstance(built, PreparedPairs)
    assert [pair["name"] for pair in built] == sorted(set(NAMES["train"]) - {"jena_000003"})
    assert len(built.faults) == 1
    data.on_bad_file = "error"
    with pytest.raises(UserError, match="images that cannot be used: 1"):
        build_source(data, "train")
