"""Recorded values of the metrics' originals and of their networks."""

from pathlib import Path

import jax
import numpy as np
import pytest

from fullglow_jax.interop.verify import main, rows_of

GOLDEN = Path(__file__).parents[1] / "golden" / "gan"


@pytest.fixture(autouse=True)
def _quick_compilation():
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.mark.parametrize(
    ("name", "quantities"),
    [("metrics_arithmetic", 15), ("metrics_inception", 12)],
)
def test_recorded_values_are_reproduced(name, quantities):
    with np.load(GOLDEN / f"{name}.npz") as file:
        rows = rows_of(dict(file))
    assert [row for row in rows if not row.ok] == []
    assert len(rows) == quantities


def test_one_altered_value_fails(tmp_path):
    with np.load(GOLDEN / "metrics_arithmetic.npz") as file:
        arrays = dict(file)
    for name in ("f64::fid", "f64::kid", "f64::isc", "f64::precision_recall"):
        altered = arrays | {name: arrays[name] * (1 + 1e-4)}
        np.savez(tmp_path / "altered.npz", **altered)
        assert main([str(tmp_path / "altered.npz")]) == 1
