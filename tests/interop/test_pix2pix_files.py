"""pix2pix's files in, and ours out in their form; what needs PyTorch is skipped without it."""

from functools import cache
from pathlib import Path

import jax
import numpy as np
import optax
import pytest

from fullglow_jax.config import default_config
from fullglow_jax.errors import UserError
from fullglow_jax.interop.export_torch import export_checkpoint
from fullglow_jax.interop.import_torch import import_checkpoint
from fullglow_jax.interop.importable import IMPORTABLE
from fullglow_jax.interop.recording import RecordedArrays, load_recorded
from fullglow_jax.model_registry import build_model
from fullglow_jax.models.batch import Batch
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.runs.checkpoints import Checkpoints
from fullglow_jax.runs.trained import abstract_state, load_trained
from tests import needs

RECORDED = Path(__file__).parents[1] / "golden" / "gan" / "pix2pix_batch1.npz"


@pytest.fixture(autouse=True, scope="module")
def _compiled_sooner():
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@cache
def recording():
    return load_recorded(RECORDED, RecordedArrays)


def config_of(**changes):
    config = default_config("pix2pix")
    config.data.image_size = (64, 64)
    config.model.update({"downs": 6, "width": 8, "discriminator_width": 8, **changes})
    return config


def write(folder, networks="GD", parallel=""):
    """The recorded networks as pix2pix saves them."""
    torch = needs.package("torch")
    folder.mkdir(exist_ok=True)
    for network in networks:
        own = {
            parallel + name[2:]: torch.from_numpy(tensor.copy())
            for name, tensor in recording().state.items()
            if name.startswith(f"{network}.")
        }
        counts = [name for name in own if name.endswith("running_mean")]
        own |= {n.replace("running_mean", "num_batches_tracked"): torch.tensor(3) for n in counts}
        torch.save(own, folder / f"latest_net_{network}.pth")
    return folder / "latest_net_G.pth"


def test_theirs_in_draws_what_they_drew_and_goes_out_as_it_came(tmp_path):
    torch = needs.package("torch")
    path, run, config = write(tmp_path / "theirs"), tmp_path / "run", config_of()
    config.model.running_statistics = True
    import_checkpoint(path, config, run, step=5)

    trained = load_trained(config, run, "latest", Devices())
    condition = np.asarray(recording().image("real_A") + 1) / 2
    batch, keys = Batch(condition, condition), jax.random.split(jax.random.key(0), 1)
    conditions = jax.jit(trained.model.read_conditions)(trained.variables, batch)
    drawn = jax.jit(trained.model.sample)(trained.variables, conditions, keys, 0.0)
    expected = (recording().image("fake_B_eval") + 1) / 2
    np.testing.assert_allclose(drawn, expected, atol=1e-5)

    written = export_checkpoint(run, "latest", tmp_path / "ours")
    assert [p.name for p in written] == ["latest_net_G.pth", "latest_net_D.pth"]
    for file in written:
        theirs, ours = torch.load(tmp_path / "theirs" / file.name), torch.load(file)
        assert theirs.keys() == ours.keys()
        for name, tensor in theirs.items():
            if "num_batches" in name:
                assert (ours[name].dtype, int(ours[name])) == (torch.int64, 5)
            else:
                assert torch.equal(ours[name], tensor), name
    with pytest.raises(UserError, match="already exists"):
        export_checkpoint(run, "latest", tmp_path / "ours")


def test_without_its_discriminator_training_goes_on_with_a_new_one(tmp_path):
    path, config = write(tmp_path, "G", parallel="module."), config_of()
    import_checkpoint(path, config, tmp_path / "run", step=5)
    model = build_model(config, optax.constant_schedule(0.0))
    state = Checkpoints.of(tmp_path / "run").restore(5, abstract_state(model, Devices())).state
    kernel = state.critic["params"]["scale_0"]["conv_1"]["kernel"]
    assert kernel.std() == pytest.approx(0.02, rel=0.1)


def test_what_does_not_fit_is_told_by_its_key(tmp_path):
    needs.package("torch")
    path = write(tmp_path)
    for changes, said in (
        ({"downs": 5}, "model.downs is 5 here and 6 there"),
        ({"width": 16}, "model.width is 16 here and 8 there"),
        ({"norm": "instance"}, "model.norm is instance here and batch there"),
        ({"discriminator": "pixel"}, "model.discriminator is pixel here and patch there"),
    ):
        with pytest.raises(UserError, match=said):
            import_checkpoint(path, config_of(**changes), tmp_path / "run", step=5)
    with pytest.raises(UserError, match="Add --step N"):
        import_checkpoint(path, config_of(), tmp_path / "run")


def test_a_file_of_something_else_is_refused(tmp_path):
    torch = needs.package("torch")
    torch.save({"flow.weight": torch.zeros(3)}, tmp_path / "latest_net_G.pth")
    with pytest.raises(UserError, match="the network G is not of the original pix2pix"):
        import_checkpoint(tmp_path / "latest_net_G.pth", config_of(), tmp_path / "run", step=5)
    with pytest.raises(UserError, match="no such file"):
        import_checkpoint(tmp_path / "5_net_G.pth", config_of(), tmp_path / "run", step=5)


def test_every_discriminator_has_all_its_tensors_in_the_table():
    pix2pix = IMPORTABLE["pix2pix"]
    for changes in (
        {"scales": 2},
        {"discriminator": "pixel", "norm": "instance"},
        {"discriminator": "sesame", "discriminator_norm": "instance", "scales": 2},
        {"discriminator": "none"},
        {"norm": "none"},
    ):
        config = config_of(**changes)
        model = build_model(config, optax.constant_schedule(0.0))
        like = abstract_state(model, Devices())
        ours = {"critic": like.critic} if like.critic else {}
        ours |= like.variables
        paths = {
            tuple(key.key for key in path) for path, _ in jax.tree_util.tree_leaves_with_path(ours)
        }
        assert {entry.path for entry in pix2pix.entries(model.shapes)} == paths, changes
