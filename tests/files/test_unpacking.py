"""Files that would fill the memory are refused; what is only packed well is read."""

import gzip
import io
import re
import zipfile

import numpy as np
import pytest
from PIL import Image

from fullglow_jax.data.mnist import find_mnist
from fullglow_jax.data.prepared import _decoded
from fullglow_jax.data.tfds_examples import TfdsExample
from fullglow_jax.errors import UserError
from fullglow_jax.files import unpacking
from fullglow_jax.files.torch_files import read_torch_file
from fullglow_jax.interop.recording import Recording
from fullglow_jax.segmentation import load_pspnet

BOMB = re.compile("(?s)bomb.*bytes, and .* at most .* are read of such a file")


def header(shape):
    """What a .npy of float32 begins with."""
    file = io.BytesIO()
    about = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, about)
    return file.getvalue()


def archive(path, *, announced=0, shape=(3,)):
    """A .npz of one array whose directory says that it unpacks to so many bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x.npy", header(shape) + bytes(12))
        if announced:
            file.infolist()[0].file_size = announced
    return path


def read_pt(path):
    return read_torch_file(path, "a checkpoint", "'state_dict'")


@pytest.mark.parametrize("read", [load_pspnet, Recording.load, read_pt])
def test_an_archive_that_would_unpack_to_far_too_much_is_refused_before(tmp_path, read):
    path = archive(tmp_path / "bomb.npz", announced=2**40)
    with pytest.raises(UserError, match=BOMB):
        read(path)


@pytest.mark.parametrize("read", [load_pspnet, Recording.load])
@pytest.mark.parametrize("shape", [(2**45,), (2**40, 2**40), (4,)])
def test_an_array_that_says_it_is_larger_than_it_is_makes_no_file_whole(tmp_path, read, shape):
    path = archive(tmp_path / "bomb.npz", shape=shape)
    with pytest.raises(UserError, match="not a whole"):
        read(path)


@pytest.mark.parametrize("read", [load_pspnet, Recording.load])
def test_a_garbled_array_makes_no_file_whole(tmp_path, read):
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, x=np.random.default_rng(0).random(1000))
    content = bytearray(path.read_bytes())
    content[200:300] = bytes(100)
    path.write_bytes(content)
    with pytest.raises(UserError, match="not a whole"):
        read(path)


def test_an_array_far_too_large_is_refused_and_packed_weights_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "ANY", 50_000)
    weights = {"w": np.random.default_rng(0).random(10_000), "b": np.zeros(5_000)}
    np.savez_compressed(tmp_path / "weights.npz", **weights)
    again = unpacking.read_npz(tmp_path / "weights.npz")
    assert again.keys() == weights.keys()
    for name, value in weights.items():
        np.testing.assert_array_equal(again[name], value)
    np.savez_compressed(tmp_path / "bomb.npz", x=np.zeros(10_000))
    with pytest.raises(UserError, match=BOMB):
        unpacking.read_npz(tmp_path / "bomb.npz")


def test_recorded_values_do_not_ask_for_more_weights_than_may_be(tmp_path):
    meta = b'{"seed": 0, "generated": [["w", [1048576, 1048576], 1.0]]}'
    np.savez(tmp_path / "bomb.npz", meta=np.frombuffer(meta, np.uint8))
    with pytest.raises(UserError, match="1,099,511,627,776 weights are to be drawn"):
        Recording.load(tmp_path / "bomb.npz")


def test_a_packed_idx_file_is_read_no_further_than_it_may_be(tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "ANY", 50_000)
    for name in ("images-idx3", "labels-idx1"):
        path = tmp_path / f"train-{name}-ubyte.gz"
        path.write_bytes(gzip.compress(bytes(100_000)))
    with pytest.raises(UserError, match=r"train-images.*bytes, and unpacked it has more"):
        find_mnist(tmp_path, "train", "idx", "class2digit", (8, 8))


@pytest.fixture(scope="module")
def large_png():
    """More pixels than Pillow decodes without a warning, in few bytes."""
    file = io.BytesIO()
    Image.new("1", (10_000, 10_000)).save(file, "png")
    return file.getvalue()


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_images_of_data_sets_have_the_limit_of_files(large_png):
    example = TfdsExample({"photo": large_png}, "example 3")
    with pytest.raises(UserError, match=r"'photo' of example 3 is too large .*10000×10000 pixels"):
        example.rgb("photo")
    with pytest.raises(Image.DecompressionBombError, match="10000×10000 pixels"):
        _decoded(large_png, "photo")


def test_tensors_are_no_larger_than_their_file(tmp_path):
    torch = pytest.importorskip("torch", reason="reads files that PyTorch writes")
    torch.save({"w": torch.ones(3).expand(2**20, 3)}, tmp_path / "weights.pt")
    assert read_pt(tmp_path / "weights.pt")["w"].shape == (2**20, 3)
    torch.save({"w": torch.ones(1).expand(2**20, 2**20)}, tmp_path / "bomb.pt")
    with pytest.raises(UserError, match=BOMB):
        read_pt(tmp_path / "bomb.pt")
