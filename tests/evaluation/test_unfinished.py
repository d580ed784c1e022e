"""What is remembered of an evaluation that was stopped, and what is not."""

import jax.numpy as jnp
import numpy as np
import pytest

from fullglow_jax.digests import digest
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.unfinished import Unfinished


def test_findings_stay_until_they_are_forgotten(tmp_path):
    first = Unfinished(tmp_path, "eval")
    assert first.get("a") is None
    assert list(tmp_path.iterdir()) == []  # nothing is written for nothing
    first.add("a", [1.5, None])
    first.add("b", {"c": 0.1})
    first.close()
    second = Unfinished(tmp_path, "eval")
    assert (second.get("a"), second.get("b"), second.get("c")) == ([1.5, None], {"c": 0.1}, None)
    assert Unfinished(tmp_path, "other").get("a") is None
    second.forget()
    assert list(tmp_path.iterdir()) == []


def test_arrays_and_numbers_that_are_none(tmp_path):
    """They are kept as they are; what is added is what will be read."""
    first = Unfinished(tmp_path, "eval")
    array = np.array([[1, np.nan, np.inf]], np.float32)
    first.add("a", {"x": array, "y": [array[0]]})
    first.add("b", [np.float32("nan"), 1.5])
    first.close()
    text = next(tmp_path.iterdir()).read_text()
    assert "NaN" not in text
    assert "Infinity" not in text
    second = Unfinished(tmp_path, "eval")
    for found in (first.get("a"), second.get("a")):
        assert found["x"].dtype == np.float32
        np.testing.assert_array_equal(found["x"], array)
        np.testing.assert_array_equal(found["y"][0], array[0])
    assert second.get("b") == first.get("b") == [None, 1.5]


def test_a_line_that_was_cut_off(tmp_path):
    first = Unfinished(tmp_path, "eval")
    first.add("a", 1)
    first.add("b", 22)
    first.close()
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-3])
    second = Unfinished(tmp_path, "eval")
    assert (second.get("a"), second.get("b")) == (1, None)
    second.add("b", 3)
    second.close()
    third = Unfinished(tmp_path, "eval")
    assert (third.get("a"), third.get("b")) == (1, 3)


def test_other_processes_findings_are_read(tmp_path, monkeypatch):
    for process in (0, 1):
        monkeypatch.setattr("jax.process_index", lambda of=process: of)
        unfinished = Unfinished(tmp_path, "eval")
        unfinished.add(f"of {process}", process)
        unfinished.close()
    assert len(list(tmp_path.iterdir())) == 2
    unfinished = Unfinished(tmp_path, "eval")
    assert (unfinished.get("of 0"), unfinished.get("of 1")) == (0, 1)
    unfinished.forget()
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_finding_is_not_read(tmp_path):
    (tmp_path / ".eval.unfinished.0").write_bytes(
        b'\xff\xfe\n[1]\n3\n{"a": 1}\n[["a"], 2]\n["b", 4]\n'
    )
    unfinished = Unfinished(tmp_path, "eval")
    assert (unfinished.get("a"), unfinished.get("b")) == (None, 4)


def test_findings_that_cannot_be_read(tmp_path):
    (tmp_path / ".eval.unfinished.0").mkdir()
    with pytest.raises(UserError, match=r"eval\.unfinished\.0 cannot be read"):
        Unfinished(tmp_path, "eval")


def test_nowhere_to_write(tmp_path):
    with pytest.raises(UserError, match="cannot be written"):
        Unfinished(tmp_path / "missing", "eval").add("a", 1)


def test_digests():
    array = np.arange(6, dtype=np.float32)
    different = [
        digest(array),
        digest(array.reshape(2, 3)),
        digest(array.astype(np.float64)),
        digest(-array),
        digest(array, 1),
        digest(array, "1"),
        digest(array, 1.0),
        digest(np.zeros((0, 3))),
        digest({"a": array}),
        digest({"b": array}),
        digest({"a": array, "b": ()}),
        digest(array, None),
    ]
    assert len(set(different)) == len(different)
    assert digest({"a": array, "b": 1}) == digest({"b": 1, "a": array})
    assert digest(jnp.asarray(array)) == digest(array) == digest(array[::1].copy())
    assert digest(array[::2]) == digest(array[::2].copy())
