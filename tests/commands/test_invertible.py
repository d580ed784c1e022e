"""Reconstruction by a model out of its checkpoint."""

from pathlib import Path

import jax
import numpy as np

from fullglow_jax.data.source import build_source
from fullglow_jax.flows.flow import Flow
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.runs.trained import load_trained, stored_config


def reconstruction_error(workdir: Path) -> float:
    """The largest |x − inverse(forward(x))| over the validation split's photos."""
    config = stored_config(workdir, "latest")
    trained = load_trained(config, workdir, "latest", Devices())
    network = trained.model.network
    source = build_source(config.data, "val")
    pairs = [source[i] for i in range(min(8, len(source)))]
    condition, photo = (
        np.stack([pair[name] for pair in pairs]).astype(np.float32) / 255
        for name in ("condition", "target")
    )

    @jax.jit
    def reconstruct(variables, condition, photo):
        encoding = network.apply(variables, (condition, photo))[-1]
        parameters = network.apply(variables, (condition,), method=Flow.read_conditions)
        return network.apply(variables, encoding.latents, parameters, method=Flow.decode)

    return float(np.abs(reconstruct(trained.variables, condition, photo) - photo).max())


def test_a_trained_model_gives_the_photo_back(trained):
    assert reconstruction_error(trained) <= 1e-4
