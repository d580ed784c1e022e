"""What the page is called."""

import pytest

from fullglow_jax.demo.page import title
from fullglow_jax.model_registry import FAMILIES

WORDS = {
    "full_glow": "Full-Glow",
    "c_glow": "C-Glow",
    "c_flow": "C-Flow",
    "dual_glow": "DUAL-Glow",
    "glow": "Glow",
    "pix2pix": "pix2pix",
    "inade": "INADE",
    "pspnet": "PSPNet",
}


@pytest.mark.parametrize("model", FAMILIES)
def test_a_title_names_model_run_and_step(model, tmp_path, monkeypatch):
    run = tmp_path / "my run"
    run.mkdir()
    monkeypatch.chdir(run)
    for workdir in (run, run.relative_to(run)):
        assert title(model, workdir, 7) == f"my run: {WORDS[model]}, step 7"
