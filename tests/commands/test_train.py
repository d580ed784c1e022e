import numpy as np
import pytest
from PIL import Image
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.record_writer import masked_crc32c

from fullglow_jax.runs.metrics import read_metrics
from tests.commands.running import STEPS, digests, grid_shape, steps_saved


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def events(folder):
    """What TensorBoard would read: each record is its length, a checksum, itself, a checksum."""
    for path in folder.glob("events.out.tfevents.*"):
        content = path.read_bytes()
        place = 0
        while place < len(content):
            length = int.from_bytes(content[place : place + 8], "little")
            record = content[place + 12 : place + 12 + length]
            checksum = content[place + 12 + length : place + 16 + length]
            assert int.from_bytes(checksum, "little") == masked_crc32c(record)
            yield Event.FromString(record)
            place += 16 + length


def test_metrics_of_every_step(trained):
    records = read_metrics(trained)
    training = [record for record in records if "train/bits_per_dim/conditional" in record]
    validation = [record for record in records if "validation/bits_per_dim/conditional" in record]
    assert [record["step"] for record in training] == list(range(1, STEPS + 1))
    assert [record["step"] for record in validation] == [0, 3, 6, STEPS]
    assert len(records) == len(training) + len(validation)
    bits = {
        f"bits_per_dim/{side}{share}"
        for side in ("conditional", "source")
        for share in ("", "/prior", "/log_det", "/level_1")
    }
    seconds = {f"seconds/{what}" for what in ("step", "data", "compute", "checkpoint")}
    others = {"gradient_norm", "images_per_second", "learning_rate", "bad_steps"}
    assert set(training[0]) == {"step", *(f"train/{name}" for name in bits | seconds | others)}
    assert set(validation[0]) == {"step", *(f"validation/{name}" for name in bits)}
    for record in records:
        prefix = "train" if record in training else "validation"
        whole, prior, log_det, level = (
            record[f"{prefix}/bits_per_dim/conditional{share}"]
            for share in ("", "/prior", "/log_det", "/level_1")
        )
        assert prior + log_det + 8 == pytest.approx(whole, abs=1e-4)
        assert level + 8 == pytest.approx(whole, abs=1e-4)
    assert all(np.isfinite(value) for record in records for value in record.values())
    first, last = (validation[i]["validation/bits_per_dim/conditional"] for i in (0, -1))
    assert last < first


def test_tensorboard_has_the_same_scalars_and_the_samples(trained):
    values = [(e.step, v) for e in events(trained / "tensorboard") for v in e.summary.value]
    scalars = {(step, v.tag): v.simple_value for step, v in values if not v.HasField("image")}
    recorded = {
        (record["step"], name): value
        for record in read_metrics(trained)
        for name, value in record.items()
        if name != "step"
    }
    assert scalars == pytest.approx(recorded, rel=1e-6)
    assert [step for step, v in values if v.HasField("image")] == [3, 6, STEPS]


def test_pictures(trained):
    # Three rows (all there are to validate on): condition, photo and three samples, enlarged.
    for step in (3, 6, STEPS):
        grid = pixels(trained / "samples" / f"step_{step:07d}.png")
        assert grid.shape == grid_shape(rows=3, columns=5)
        assert grid.std() > 0
    assert pixels(trained / "curve.png").std() > 0


def test_checkpoints_are_the_last_three(trained):
    assert steps_saved(trained) == [4, 6, 8]


def test_says_what_it_trains_and_where_things_are(first_run):
    result, _ = first_run
    assert "6 training and 3 validation pairs, 1 device, " in result.out
    # No --workdir was given: it is named after the config's file.
    for place in ("checkpoints", "curve.png", "samples", "metrics.jsonl"):
        assert f"runs/street_scenes/{place}" in result.out
    assert result.err == ""


def test_more_steps_go_on_where_the_run_ended(commands, workdir, tmp_path):
    before = read_metrics(workdir)
    result = commands.here(
        "train.py", *commands.tiny(workdir, train__steps=STEPS + 2), cwd=tmp_path
    )
    assert result.code == 0, result.err
    assert f"going on from step {STEPS} of {STEPS + 2}" in result.out
    records = read_metrics(workdir)
    assert records[: len(before)] == before
    assert [record["step"] for record in records[len(before) :]] == [9, 9, 10, 10]
    # The one of step 9 is the best so far by validation, beside those of every second step.
    assert steps_saved(workdir) == [8, 9, 10]


def test_finished_run_again_changes_nothing(commands, workdir, tmp_path):
    before = digests(workdir)
    result = commands.here("train.py", *commands.tiny(workdir), cwd=tmp_path)
    assert result.code == 0, result.err
    after = digests(workdir)
    assert {name: after[name] for name in before} == before
    assert all(name.startswith("tensorboard") for name in after.keys() - before.keys())
