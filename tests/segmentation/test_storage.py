"""PSPNets as files."""

import jax
import numpy as np
import pytest

from fullglow_jax.errors import UserError
from fullglow_jax.segmentation import PSPNetArchitecture, load_pspnet, save_pspnet
from fullglow_jax.segmentation.pspnet import abstract_variables

ARCHITECTURE = PSPNetArchitecture(blocks=(1, 1, 1, 1), width=1, classes=2, bins=(1, 2))


def variables_of(architecture=ARCHITECTURE, auxiliary=True):
    rng = np.random.default_rng(0)
    return jax.tree.map(
        lambda leaf: rng.standard_normal(leaf.shape).astype(np.float32),
        abstract_variables(architecture, auxiliary),
    )


@pytest.mark.parametrize("auxiliary", [True, False])
@pytest.mark.parametrize("norm", ["batch", "group"])
def test_what_is_saved_is_loaded(tmp_path, norm, auxiliary):
    architecture = PSPNetArchitecture(
        blocks=(1, 1, 1, 1), width=1, classes=2, bins=(1, 2), norm=norm, dropout=0.25
    )
    variables = variables_of(architecture, auxiliary)
    path = tmp_path / "network.npz"
    save_pspnet(path, architecture, variables)
    loaded, again = load_pspnet(path)
    assert loaded == architecture
    assert hash(loaded) == hash(architecture)
    jax.tree.map(np.testing.assert_array_equal, again, variables)
    assert [file.name for file in tmp_path.iterdir()] == ["network.npz"]


def test_a_missing_file_and_a_missing_folder_are_named(tmp_path):
    with pytest.raises(UserError, match=r"network\.npz: no such file; expected a PSPNet's"):
        load_pspnet(tmp_path / "network.npz")
    with pytest.raises(UserError, match="cannot be written: No such file"):
        save_pspnet(tmp_path / "folder" / "network.npz", ARCHITECTURE, variables_of())


@pytest.mark.parametrize("keep", [0, 10, 0.5])
def test_a_damaged_file_is_one_clear_error(tmp_path, keep):
    path = tmp_path / "network.npz"
    save_pspnet(path, ARCHITECTURE, variables_of())
    whole = path.read_bytes()
    path.write_bytes(whole[: keep if isinstance(keep, int) else int(keep * len(whole))])
    with pytest.raises(UserError, match="not a whole PSPNet's"):
        load_pspnet(path)


def test_files_of_something_else_are_refused(tmp_path):
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    np.save(tmp_path / "other.npy", np.zeros(3))
    np.savez(tmp_path / "later.npz", architecture=np.frombuffer(b'{"heads": 3}', np.uint8))
    for name in ("other.npz", "other.npy", "later.npz"):
        with pytest.raises(UserError, match="not a whole PSPNet's"):
            load_pspnet(tmp_path / name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda head: head.pop("kernel"), "has no 'params/head/convolution/kernel'"),
        (lambda head: head.update(extra=np.zeros(1)), "has 'params/head/convolution/extra'"),
        (lambda head: head.update(kernel=np.zeros((3, 3))), r"kernel' of shape \(3, 3\), where"),
    ],
)
def test_arrays_of_another_network_are_named(tmp_path, change, message):
    variables = variables_of()
    change(variables["params"]["head"]["convolution"])
    save_pspnet(tmp_path / "network.npz", ARCHITECTURE, variables)
    with pytest.raises(UserError, match=message):
        load_pspnet(tmp_path / "network.npz")
