import json

import numpy as np
from PIL import Image

from fullglow_jax.training.metrics import Metrics, draw_curve, read_metrics

NAME = "train/bits_per_dim/conditional"


def record(workdir, steps, first_step=0):
    metrics = Metrics(workdir, first_step)
    for step in steps:
        metrics.scalars(step, {NAME: 8.0 / (step + 1)})
    metrics.close()


def steps(workdir):
    return [record["step"] for record in read_metrics(workdir)]


def test_records_in_order(tmp_path):
    record(tmp_path, [1, 2])
    assert read_metrics(tmp_path) == [{"step": 1, NAME: 4.0}, {"step": 2, NAME: 8.0 / 3}]
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == read_metrics(tmp_path)


def test_what_lies_beyond_the_restart_is_dropped(tmp_path):
    record(tmp_path, [1, 2, 3, 4])
    record(tmp_path, [3, 4, 5], first_step=2)
    assert steps(tmp_path) == [1, 2, 3, 4, 5]


def test_run_from_the_start_drops_all(tmp_path):
    record(tmp_path, [0, 1, 2])
    record(tmp_path, [0, 1])
    assert steps(tmp_path) == [0, 1]


def test_line_cut_off_by_a_kill(tmp_path):
    record(tmp_path, [1, 2])
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 3, "tra')
    assert steps(tmp_path) == [1, 2]
    record(tmp_path, [3], first_step=2)
    assert steps(tmp_path) == [1, 2, 3]


def test_nothing_recorded_yet(tmp_path):
    assert read_metrics(tmp_path) == []


def test_a_record_can_be_read_at_once(tmp_path):
    metrics = Metrics(tmp_path, 0)
    metrics.scalars(1, {NAME: 4.0})
    assert steps(tmp_path) == [1]
    metrics.close()


def test_curve_shows_the_records(tmp_path):
    record(tmp_path, [1, 2])
    two = np.asarray(Image.open(draw_curve(tmp_path, "conditional")))
    record(tmp_path, [3], first_step=2)
    three = np.asarray(Image.open(draw_curve(tmp_path, "conditional")))
    assert two.shape == three.shape
    assert not np.array_equal(two, three)
