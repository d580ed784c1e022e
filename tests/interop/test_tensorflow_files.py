"""Checkpoints of TensorFlow; the one in `tensorflow/` was written by its `Saver`."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from fullglow_jax.errors import UserError
from fullglow_jax.interop.tensorflow_files import read_tensorflow_file

FOLDER = Path(__file__).parent / "tensorflow"
NAME = "step=3.ckpt"


@pytest.mark.parametrize("name", [NAME, f"{NAME}.index"])
def test_tensors_are_what_was_saved(name):
    tensors = read_tensorflow_file(FOLDER / name, "a checkpoint")
    assert tensors.pop("Variable") == 4.0
    assert tensors.pop("empty").shape == (0, 2)
    # An int64, global_step, is there too, and is none of the weights.
    assert list(tensors) == [f"model/m_o/{i}/0/actnorm_center/b" for i in range(3)]
    for i, tensor in enumerate(tensors.values()):
        expected = np.arange(6, dtype=np.float32).reshape(1, 2, 3) + i
        np.testing.assert_array_equal(tensor, expected)
        assert tensor.dtype == np.float32


@pytest.mark.parametrize("keep", [0, 1, 47, 200, 330])
def test_an_index_that_is_cut_off_is_one_clear_error(tmp_path, keep):
    shutil.copytree(FOLDER, tmp_path / "cut")
    index = tmp_path / "cut" / f"{NAME}.index"
    index.write_bytes(index.read_bytes()[:keep])
    with pytest.raises(UserError, match="not a whole TensorFlow checkpoint"):
        read_tensorflow_file(tmp_path / "cut" / NAME, "a checkpoint")


def test_no_byte_of_an_index_can_do_more_than_be_refused(tmp_path):
    shutil.copytree(FOLDER, tmp_path / "spoilt")
    index = tmp_path / "spoilt" / f"{NAME}.index"
    whole = index.read_bytes()
    for place in range(len(whole)):
        index.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            read_tensorflow_file(index, "a checkpoint")
        except UserError:
            continue


def test_data_that_are_cut_off_or_missing_are_named(tmp_path):
    shutil.copytree(FOLDER, tmp_path / "data")
    (data,) = (tmp_path / "data").glob("*.data-*")
    data.write_bytes(data.read_bytes()[:-1])
    with pytest.raises(UserError, match="not a whole TensorFlow checkpoint"):
        read_tensorflow_file(tmp_path / "data" / NAME, "a checkpoint")
    data.unlink()
    with pytest.raises(UserError, match=r"data-00000-of-00001: no such file. It belongs to"):
        read_tensorflow_file(tmp_path / "data" / NAME, "a checkpoint")


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(UserError, match=r"step=9\.ckpt\.index: no such file; expected a DUAL-Glow"):
        read_tensorflow_file(tmp_path / "step=9.ckpt", "a DUAL-Glow")
