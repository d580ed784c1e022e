"""The command that checks this implementation against recorded values of the original."""

import json
from pathlib import Path

import jax
import numpy as np
import pytest

from fullglow_jax.errors import UserError
from fullglow_jax.flows.step_tables import full_glow
from fullglow_jax.interop.recording import Recording
from fullglow_jax.interop.verify import Checker, main, rows_of
from tests.layers.jaxprs import short_products

GOLDEN = Path(__file__).parents[1] / "golden"
START = GOLDEN / "data_dependent_init.npz"


@pytest.fixture(autouse=True)
def _quick_compilation():
    """The models are tiny: most of the time goes into compiling them."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


def test_all_recorded_values_are_reproduced(capsys):
    files = sorted(map(str, GOLDEN.glob("*.npz")))
    assert len(files) == 4
    assert main(files) == 0
    printed = capsys.readouterr().out
    assert "NO" not in printed
    assert printed.count("bits_right") == 4


@pytest.mark.parametrize(
    "name",
    [
        "c_flow/spatial_net",
        "c_glow/learned_top",
        "dual_glow/label_condition",
        "dual_glow/data_dependent_init",
        "glow/both_halves_conditional",
        "glow/additive_permute",
    ],
)
def test_recorded_values_of_other_families_are_reproduced(name):
    with np.load(GOLDEN / f"{name}.npz") as file:
        # Without gradients, whose compilation would take most of the time.
        arrays = {name: file[name] for name in file if not name.startswith("grad")}
    rows = Checker(Recording(arrays)).rows()
    assert [row for row in rows if not row.ok] == []
    assert len(rows) >= 3


@pytest.mark.parametrize(
    "name",
    [
        "pix2pix_instance_lsgan",
        "pix2pix_other_discriminators",
        "dlim_adversarial_losses",
        "dlim_perceptual",
        "dlim_stochastic",
        "inade_layers",
        "inade_cityscapes_shape",
    ],
)
def test_recorded_values_of_gans_are_reproduced(name):
    with np.load(GOLDEN / "gan" / f"{name}.npz") as file:
        arrays = dict(file)
    rows = rows_of(arrays)
    assert [row for row in rows if not row.ok] == []
    assert len(rows) >= 2


def test_recorded_metrics_and_pixels_are_reproduced(tmp_path, capsys):
    file = GOLDEN / "glow" / "metrics.npz"
    assert main([str(file)]) == 0
    printed = capsys.readouterr().out
    for name in ("psnr", "ssim", "preprocessed_3", "preprocessed_5", "preprocessed_8"):
        assert name in printed
    with np.load(file) as stored:
        arrays = dict(stored)
    np.savez(tmp_path / "altered.npz", **arrays | {"ssim": arrays["ssim"] + 1e-3})
    assert main([str(tmp_path / "altered.npz")]) == 1
    np.savez(tmp_path / "none.npz", meta=arrays["meta"])
    with pytest.raises(UserError, match="neither a model nor a metric is recorded"):
        main([str(tmp_path / "none.npz")])


def test_recorded_preprocessing_and_schedules_are_reproduced(tmp_path, capsys):
    file = GOLDEN / "gan" / "pix2pix_preprocessing.npz"
    assert main([str(file)]) == 0
    printed = capsys.readouterr().out
    for name in ("case0", "case3", "schedule_100_100", "schedule_3_2", "saved"):
        assert name in printed
    with np.load(file) as stored:
        arrays = dict(stored)
    meta = json.loads(arrays["meta"].tobytes())
    for number, change in ((0, {"crop_xy": [2, 1]}), (1, {"flip": True}), (2, {"load_size": 41})):
        meta["cases"][number] |= change
    altered = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    np.savez(tmp_path / "altered.npz", **arrays | {"meta": altered})
    assert main([str(tmp_path / "altered.npz")]) == 1
    assert capsys.readouterr().out.count("NO") == 3


def test_recorded_instance_maps_are_made_again(tmp_path, capsys):
    file = GOLDEN / "gan" / "inade_instances.npz"
    assert main([str(file)]) == 0
    printed = capsys.readouterr().out
    for name in ("ade20k_made", "cityscapes_made", "case0_photo", "case3_label"):
        assert name in printed
    with np.load(file) as stored:
        arrays = dict(stored)
    meta = json.loads(arrays["meta"].tobytes())
    for number, change in ((0, {"crop_xy": [2, 1]}), (2, {"flip": True})):
        meta["cases"][number] |= change
    altered = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    given = {"meta": altered, "celeba_given": arrays["celeba_given"][:, ::-1]}
    np.savez(tmp_path / "altered.npz", **arrays | given)
    assert main([str(tmp_path / "altered.npz")]) == 1
    assert capsys.readouterr().out.count("NO") == 5  # the photo and the label map of each case


def test_no_device_may_shorten_the_products_that_are_compared():
    checker = Checker(Recording.load(GOLDEN / "lu.npz"))
    r, network = checker.recording, full_glow(checker.architecture)
    images = r.image("x_a"), r.image("x_b")
    assert not short_products(network.apply, r.variables(), images)


def test_one_altered_value_fails(tmp_path, capsys):
    with np.load(START) as file:
        arrays = dict(file)
    name = next(name for name in arrays if name.startswith("after::"))
    arrays[name] = arrays[name].copy()
    arrays[name].flat[0] += 1e-3
    np.savez(tmp_path / "altered.npz", **arrays)
    assert main([str(tmp_path / "altered.npz")]) == 1
    assert "NO" in capsys.readouterr().out


@pytest.mark.parametrize("keep", [None, 0, 10, 0.5])
def test_a_missing_or_cut_off_file_is_one_clear_error(tmp_path, keep):
    path = tmp_path / "cut.npz"
    if keep is not None:
        whole = START.read_bytes()
        path.write_bytes(whole[: keep if isinstance(keep, int) else int(keep * len(whole))])
    with pytest.raises(UserError, match=r"cut\.npz: (no such file|not a whole recorded-values)"):
        main([str(path)])


def test_an_npz_of_something_else_is_refused(tmp_path):
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    with pytest.raises(UserError, match="not a whole recorded-values"):
        main([str(tmp_path / "other.npz")])


@pytest.mark.parametrize("meta", [{"family": "c_flow_2"}, {"system": "StarGAN"}])
def test_values_of_an_unknown_family_are_refused_by_its_name(tmp_path, meta):
    path = tmp_path / "other.npz"
    np.savez(path, meta=np.frombuffer(json.dumps({**meta, "seed": 0}).encode(), np.uint8))
    (name,) = meta.values()
    with pytest.raises(UserError, match=rf"other\.npz: values of '{name}'.*full_glow.*Leave"):
        main([str(path)])
