"""INADE's files in, and ours out in their form; what needs PyTorch is skipped without it."""

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
from fullglow_jax.interop.recorded_inade_steps import batch_of, noise_of
from fullglow_jax.interop.recording import RecordedArrays, load_recorded
from fullglow_jax.model_registry import build_model
from fullglow_jax.models.interface import Styles
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.runs.trained import abstract_state, load_trained
from tests import needs

RECORDED = Path(__file__).parents[1] / "golden" / "gan" / "inade_encoder.npz"


@pytest.fixture(autouse=True, scope="module")
def _compiled_sooner():
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture(scope="module")
def recording():
    return load_recorded(RECORDED, RecordedArrays)


def config_of(**changes):
    config = default_config("inade")
    config.data.image_size = (64, 64)
    config.data.label_files, config.data.label_colours = "labelIds", "numbers"
    numbers = {"classes": 5, "width": 4, "image_noise": 16, "style": 8, "discriminator_width": 8}
    numbers |= {"encoder_width": 4, "palette": "numbers", "perceptual_weight": 0.0}
    config.model.update({**numbers, **changes})
    return config


def write(recording, folder, names):
    """The recorded networks as INADE saves them."""
    torch = needs.package("torch")
    folder.mkdir(exist_ok=True)
    for network, name in names.items():
        own = {
            name[len(network) + 1 :]: torch.from_numpy(tensor.copy())
            for name, tensor in recording.state.items()
            if name.startswith(f"{network}.")
        }
        counts = [name for name in own if name.endswith("running_mean")]
        own |= {n.replace("running_mean", "num_batches_tracked"): torch.tensor(3) for n in counts}
        torch.save(own, folder / f"best_net_{name}.pth")
    return folder / "best_net_G.pth"


@pytest.mark.parametrize("encoder", ["E", "IE"])
def test_theirs_in_draws_what_they_drew_and_goes_out_as_it_came(encoder, recording, tmp_path):
    torch = needs.package("torch")
    path = write(recording, tmp_path / "theirs", {"G": "G", "IE": encoder, "D": "D"})
    run, config = tmp_path / "run", config_of()
    import_checkpoint(path, config, run, step=5)
    if encoder == "IE":
        return

    trained = load_trained(config, run, "latest", Devices())
    batch = batch_of(recording)
    conditions = jax.jit(trained.model.read_conditions)(trained.variables, batch)
    image, instances = noise_of(recording, "plain_", conditions.ids)
    styles = Styles(image, conditions.ids, instances)
    drawn = jax.jit(trained.model.sample_styled)(trained.variables, conditions, styles)
    expected = (recording.image("plain_fake") + 1) / 2
    np.testing.assert_allclose(drawn, expected, atol=1e-5)

    written = export_checkpoint(run, "latest", tmp_path / "ours")
    assert [p.name for p in written] == [f"latest_net_{name}.pth" for name in ("G", "E", "D")]
    for file in written:
        theirs, ours = (
            torch.load(folder / file.name.replace("latest", kind))
            for folder, kind in ((tmp_path / "theirs", "best"), (tmp_path / "ours", "latest"))
        )
        assert theirs.keys() == ours.keys()
        for name, tensor in theirs.items():
            assert "num_batches" in name or torch.equal(ours[name], tensor), name


def test_what_does_not_fit_is_told_by_its_key(recording, tmp_path):
    path = write(recording, tmp_path, {"G": "G", "IE": "E"})
    for changes, said in (
        ({"width": 8}, "model.width is 8 here and 4 there"),
        ({"classes": 4}, r"model.classes \(and 1 if model.unknown\) is 4 here and 5 there"),
        ({"style": 3}, "model.style is 3 here and 8 there"),
        ({"encoder": False}, "model.encoder is False here and True there"),
    ):
        with pytest.raises(UserError, match=said):
            import_checkpoint(path, config_of(**changes), tmp_path / "run", step=5)


@pytest.mark.parametrize("changes", [{}, {"depth": "most", "encoder": False, "width": 2}], ids=str)
def test_all_tensors_are_in_the_table(changes):
    config = config_of(**changes)
    config.data.image_size = (128, 256)
    model = build_model(config, optax.constant_schedule(0.0))
    like = abstract_state(model, Devices())
    ours = {"critic": like.critic, **like.variables}
    paths = {
        tuple(key.key for key in path) for path, _ in jax.tree_util.tree_leaves_with_path(ours)
    }
    assert {entry.path for entry in IMPORTABLE["inade"].entries(model.shapes)} == paths
