"""Importing PSPNets of semseg; what needs PyTorch is skipped without it."""

import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from fullglow_jax.errors import UserError
from fullglow_jax.interop import import_semseg
from fullglow_jax.interop.import_semseg import (
    choose_architecture,
    import_pspnet,
    read,
    to_variables,
)
from fullglow_jax.interop.semseg_names import from_semseg, to_semseg
from fullglow_jax.segmentation import PSPNetArchitecture, load_pspnet
from fullglow_jax.segmentation.pspnet import abstract_variables
from tests import needs
from tests.segmentation.recorded import Recorded

PATH = Path("train_epoch_200.pth")


def state_of(architecture):
    """Zeros by semseg's names, which take no memory."""
    return to_semseg(
        jax.tree.map(
            lambda leaf: np.broadcast_to(np.float32(0), leaf.shape),
            abstract_variables(architecture),
        ),
        architecture,
    )


@pytest.fixture(scope="module")
def state_50():
    return state_of(PSPNetArchitecture())


def content_of(state):
    """A checkpoint as semseg saves it, with the counters and buffers that are not of use here."""
    counters = {
        name.replace("running_mean", "num_batches_tracked"): np.float32(5)
        for name in state
        if name.endswith("running_mean")
    }
    all_of_them = {**state, **counters, "criterion.weight": np.ones(19, np.float32)}
    return {
        "epoch": 200,
        "state_dict": {f"module.{name}": value for name, value in all_of_them.items()},
        "optimizer": {"state": {}, "param_groups": []},
    }


def test_prefixes_counters_and_the_criterion_are_dropped(state_50):
    assert read(content_of(state_50), PATH) == state_50
    assert read(state_50, PATH) == state_50
    # As many as semseg's PSPNet-50 has, but for a counter beside each of 61 normalisations.
    assert len(state_50) == 370 - 61


@pytest.mark.parametrize("depth", [50, 101])
def test_the_depth_and_the_classes_are_told_by_the_tensors(depth):
    blocks = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}[depth]
    expected = PSPNetArchitecture(blocks=blocks, classes=21)
    assert choose_architecture(state_of(expected), PATH) == expected


def test_values_lie_where_they_belong():
    recorded = Recorded()
    variables = to_variables(recorded.state, recorded.architecture, PATH)
    again = to_semseg(variables, recorded.architecture)
    assert again.keys() == recorded.state.keys()
    for name, value in recorded.state.items():
        np.testing.assert_array_equal(again[name], value)
    classifier = variables["params"]["head"]["classifier"]["kernel"]
    np.testing.assert_array_equal(classifier[5], recorded.state["cls.4.weight"][:, 5, 0, 0])
    kernel = variables["params"]["backbone"]["layer_3_block_1"]["conv_2"]["kernel"]
    theirs = recorded.state["layer3.1.conv2.weight"]
    np.testing.assert_array_equal(kernel[0, 2, 4, 3], theirs[3, 4, 0, 2])
    norm = variables["constants"]["pyramid"]["level_2"]["norm"]
    np.testing.assert_array_equal(norm["variance"], recorded.state["ppm.features.2.2.running_var"])


def test_a_network_without_the_second_head_is_taken():
    recorded = Recorded()
    state = {n: v for n, v in recorded.state.items() if not n.startswith("aux.")}
    variables = to_variables(state, recorded.architecture, PATH)
    assert "auxiliary" not in variables["params"]
    assert variables["params"].keys() == {"backbone", "pyramid", "head"}


# ---- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "held"),
    [
        ([1, 2], "list"),
        ({}, "nothing"),
        ({"state_dict": 3}, "nothing"),
        ({"loss": 1.0}, "'loss'"),
        ({"state_dict": {"conv1.weight": np.zeros(1)}}, "'conv1.weight'"),
        ({"cls.4.weight": np.zeros(1)}, "'cls.4.weight'"),
    ],
)
def test_what_is_no_pspnet_is_refused(content, held):
    with pytest.raises(UserError, match=r"train_epoch_200\.pth is not a PSPNet of semseg") as error:
        read(content, PATH)
    assert f"it holds {held}." in str(error.value)


def test_what_is_no_tensor_is_named(state_50):
    with pytest.raises(UserError, match=r"'cls\.0\.weight' among the weights is not a tensor"):
        read({**state_50, "cls.0.weight": "zeros"}, PATH)


def test_another_depth_is_named(state_50):
    cut = {n: v for n, v in state_50.items() if not n.startswith("layer3.5.")}
    with pytest.raises(UserError, match=r"\(3, 4, 5, 3\) blocks.*\(3, 4, 6, 3\) \(PSPNet-50\)"):
        choose_architecture(cut, PATH)


@pytest.mark.parametrize(
    ("changed", "messages"),
    [
        (
            {"layer2.0.downsample.1.running_var": None, "cls.4.bias": None},
            ["it has no 'layer2.0.downsample.1.running_var' (and 1 more like this)"],
        ),
        ({"aux.0.weight": None}, ["it has no 'aux.0.weight'."]),
        (
            {"psa.conv.weight": np.zeros(2)},
            ["it has 'psa.conv.weight', which that network has not"],
        ),
        (
            {"ppm.features.0.1.weight": np.zeros((682, 2048, 1, 1))},
            ["of shape (682, 2048, 1, 1), where that network has (512, 2048, 1, 1)"],
        ),
    ],
)
def test_tensors_that_do_not_fit_are_named(state_50, changed, messages):
    state = {n: v for n, v in {**state_50, **changed}.items() if v is not None}
    with pytest.raises(UserError) as error:
        to_variables(state, PSPNetArchitecture(), PATH)
    for message in [
        *messages,
        "train_epoch_200.pth does not hold semseg's PSPNet of (3, 4, 6, 3) blocks",
        "Expected semseg's PSPNet, for example",
    ]:
        assert message in str(error.value)


def test_missing_file_missing_torch_and_a_file_in_the_way(tmp_path, monkeypatch):
    out = tmp_path / "network.npz"
    with pytest.raises(UserError, match="no such file; expected semseg's PSPNet"):
        import_pspnet(tmp_path / "gone.pth", out)
    path = tmp_path / "network.pth"
    path.touch()
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UserError, match=r"pip install 'fullglow-jax\[torch\]'"):
        import_pspnet(path, out)
    out.touch()
    with pytest.raises(UserError, match="never overwritten"):
        import_pspnet(path, out)


# ---- files of PyTorch, and the command line -----------------------------------------------------


def as_pytorch(torch, content):
    def tensors(arrays):
        return {name: torch.from_numpy(np.array(value)) for name, value in arrays.items()}

    return {**content, "state_dict": tensors(content["state_dict"])}


@pytest.mark.parametrize("zipped", [True, False])
def test_what_pytorch_wrote_is_read(tmp_path, monkeypatch, zipped):
    torch = needs.package("torch")
    recorded = Recorded()
    path, out = tmp_path / "small.pth", tmp_path / "small.npz"
    content = as_pytorch(torch, content_of(recorded.state))
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    monkeypatch.setattr(import_semseg, "choose_architecture", lambda *_: recorded.architecture)
    import_pspnet(path, out)
    architecture, variables = load_pspnet(out)
    assert architecture == recorded.architecture
    expected = from_semseg(recorded.state, architecture)
    jax.tree.map(np.testing.assert_array_equal, variables, expected)


def run_command(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "fullglow_jax.interop.import_semseg", *map(str, arguments)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_line_refuses_in_one_message(tmp_path):
    torch = needs.package("torch")
    torch.save({"state_dict": {"module.conv1.weight": torch.zeros(3)}}, tmp_path / "resnet.pth")
    done = run_command(tmp_path / "resnet.pth", "--out", tmp_path / "network.npz")
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {tmp_path}/resnet.pth is not a PSPNet of semseg")
    assert not (tmp_path / "network.npz").exists()


def test_the_command_line_imports_a_whole_network(tmp_path, state_50):
    torch = needs.package("torch")
    path, out = tmp_path / "train_epoch_200.pth", tmp_path / "pspnet50.npz"
    torch.save(as_pytorch(torch, content_of(state_50)), path)
    done = run_command(path, "--out", out)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"wrote {out}: PSPNet-50, 19 classes\n"
    assert load_pspnet(out)[0] == PSPNetArchitecture()
