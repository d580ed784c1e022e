"""Files are whole or not there, whoever writes them, and however many at a time."""

import os
from types import SimpleNamespace

import numpy as np
import pytest

from fullglow_jax.config import default_config
from fullglow_jax.data.check import check
from fullglow_jax.files.drafts import draft, sweep
from fullglow_jax.models.batch import Batch
from fullglow_jax.pictures.gallery import Row
from fullglow_jax.runs.metrics import Metrics, draw_curve
from fullglow_jax.sampling.album import Album
from fullglow_jax.segmentation import PSPNetArchitecture, save_pspnet
from fullglow_jax.training.bad_steps import BadSteps
from fullglow_jax.training.pictures import save_picture
from tests.training.tiny import tiny_config, write_pairs

BLACK = np.zeros((4, 4, 3), np.uint8)


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_writer_that_fails_leaves_the_old_file(tmp_path):
    def interrupted():
        with draft(path) as scratch:
            scratch.write_text("ha")
            raise KeyboardInterrupt

    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old"
    assert files(tmp_path) == ["file"]


def test_two_writers_of_one_file_at_a_time(tmp_path):
    path = tmp_path / "file"
    with draft(path) as last:
        with draft(path) as first:
            last.write_text("last")
            first.write_text("first, and longer")
        assert path.read_text() == "first, and longer"
    assert path.read_text() == "last"
    assert files(tmp_path) == ["file"]


@pytest.mark.parametrize("durable", [True, False])
def test_files_are_brought_to_disk_where_that_is_asked_for(tmp_path, monkeypatch, durable):
    synced, sync = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(file) or sync(file))
    with draft(tmp_path / "file", durable=durable) as scratch:
        scratch.write_text("new")
    assert len(synced) == 2 * durable  # the file, and its name in the folder


def test_the_longest_name_that_there_can_be(tmp_path):
    path = tmp_path / ("é" * 125 + ".json")
    with draft(path) as scratch:
        scratch.write_text("new")
    assert path.read_text() == "new"


def test_links_stay_links_and_devices_devices(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "link"
    link.symlink_to("elsewhere/file")
    for text in ("new", "newer"):
        with draft(link) as scratch:
            scratch.write_text(text)
        assert (tmp_path / "elsewhere" / "file").read_text() == text
        assert link.is_symlink()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with draft(pipe) as scratch:
        assert scratch.is_fifo()
    assert pipe.is_fifo()


def test_only_what_lies_there_from_before_is_swept(tmp_path):
    for name, time in (("old", 1.0), ("new", 3.0)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time, time))
    sweep([*tmp_path.iterdir(), tmp_path / "gone"], before=2.0)
    assert files(tmp_path) == ["new"]


def test_an_album_sweeps_what_a_killed_one_left(tmp_path):
    for folder in (tmp_path / "deep", tmp_path):
        folder.mkdir(exist_ok=True)
        (folder / ".draft-1-2.tmp").touch()
        os.utime(folder / ".draft-1-2.tmp", (1, 1))
    album = Album(tmp_path)
    (tmp_path / ".mine.tmp").touch()
    os.utime(tmp_path / ".mine.tmp", (1, 1))
    album.finish("title", ["one"], [Row("a", [album.save("deep/a.png", BLACK)])])
    assert files(tmp_path) == [".mine.tmp", "deep", "grid.png", "index.html"]
    assert files(tmp_path / "deep") == ["a.png"]


# --- Everything that is written ---------------------------------------------------------------


def curve(folder):
    record = '{"step": 1, "train/bits_per_dim/conditional": 8.0}\n'
    (folder / "metrics.jsonl").write_text(record)
    draw_curve(folder, "bits_per_dim/conditional")
    return folder / "curve.png"


def metrics(folder):
    Metrics(folder, 0).close()
    return folder / "metrics.jsonl"


def samples(folder):
    save_picture(BLACK, folder, 3)
    return folder / "samples" / "step_0000003.png"


def bad_step(folder):
    batch = Batch(BLACK[None], BLACK[None])
    run = SimpleNamespace(_config=default_config(), _workdir=folder)
    return BadSteps._dump(run, {"step": 3}, batch) / "report.json"


def bad_batch(folder):
    bad_step(folder)
    return folder / "bad_step_3" / "batch.npz"


def pairs_grid(folder):
    config = tiny_config(folder / "pairs")
    if not (folder / "pairs").exists():
        write_pairs(folder / "pairs")
    check(config, folder / "check.png")
    return folder / "check.png"


def pspnet(folder):
    architecture = PSPNetArchitecture(blocks=(1, 1, 1, 1), width=1, classes=2, bins=(1, 2))
    save_pspnet(folder / "net.npz", architecture, {"params": {"a": np.zeros(3, np.float32)}})
    return folder / "net.npz"


def picture(folder):
    Album(folder).save("deep/a.png", BLACK)
    return folder / "deep" / "a.png"


@pytest.mark.parametrize(
    "write",
    [curve, metrics, samples, bad_step, bad_batch, pairs_grid, pspnet, picture],
    ids=lambda write: write.__name__,
)
def test_what_is_written_takes_the_old_ones_place_at_once(tmp_path, write):
    path = write(tmp_path)
    path.write_bytes(b"old")
    os.link(path, tmp_path / "old")  # the old file itself, whatever gets its name
    assert write(tmp_path) == path
    assert (tmp_path / "old").read_bytes() == b"old"
    assert path.read_bytes() != b"old"
    assert not list(tmp_path.rglob("*.tmp"))
