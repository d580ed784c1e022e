import json
import math

import numpy as np
import pytest
from PIL import Image

from fullglow_jax.runs.metrics import Metrics, draw_curve, read_metrics

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
    two = np.asarray(Image.open(draw_curve(tmp_path, "bits_per_dim/conditional")))
    record(tmp_path, [3], first_step=2)
    three = np.asarray(Image.open(draw_curve(tmp_path, "bits_per_dim/conditional")))
    assert two.shape == three.shape
    assert not np.array_equal(two, three)


def test_what_is_no_number_is_null(tmp_path):
    metrics = Metrics(tmp_path, 0)
    metrics.scalars(1, {NAME: math.nan, "other": -math.inf})
    metrics.scalars(2, {NAME: 4.0})
    metrics.close()
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 3, "other": NaN}\n')  # as older versions wrote it
    Metrics(tmp_path, 3).close()
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    records = [json.loads(line, parse_constant=pytest.fail) for line in lines]
    assert records == [
        {"step": 1, NAME: None, "other": None},
        {"step": 2, NAME: 4.0},
        {"step": 3, "other": None},
    ]
    assert read_metrics(tmp_path) == records
    draw_curve(tmp_path, "bits_per_dim/conditional")


def test_a_pspnets_records_of_old_have_todays_name(tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"step": 1, "validation/bits_per_dim/label": 2.0}\n')
    assert read_metrics(tmp_path) == [{"step": 1, "validation/cross_entropy": 2.0}]


def test_a_figure_without_records_has_an_empty_curve(tmp_path):
    record(tmp_path, [1, 2])
    assert draw_curve(tmp_path, "ssim").is_file()
