"""The original C-Glow as `MoeinSorkhei/glow2` carries it: PATH is the checkout of that."""

import importlib
import types
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.originals.full_glow import import_glow2
from benchmarks.originals.stand_ins import channels_first


class Original:
    """Its model, at any size, steps and width, on its own device."""

    def __init__(self, checkout: Path, architecture: Any, seed: int) -> None:
        import torch

        self._torch = torch
        torch.manual_seed(seed)
        np.random.seed(seed)  # its random rotations
        self._loss = import_glow2(checkout / "src")
        self._device = importlib.import_module("globals").device
        a = architecture
        steps = set(a.steps)
        if len(steps) > 1:
            raise SystemExit(f"its levels have the same number of steps, not {a.steps}")
        config = {
            "x_size": (3, *a.image_size),
            "y_size": (3, *a.image_size),
            "learn_top": a.learn_top,
            "y_bins": 256,
            "x_hidden_size": a.vector_width,
            "x_hidden_channels": a.vector_channels,
            "y_hidden_channels": a.coupling_width,
            "flow_depth": steps.pop(),
            "num_levels": a.levels,
        }
        c_glow = importlib.import_module("models.c_glow.CGlowModel")
        self._model = c_glow.CondGlowModel(config).to(self._device)
        self._optimizer = torch.optim.Adam(self._model.parameters(), lr=1e-4)

    def train_step(self, condition: np.ndarray, target: np.ndarray) -> float:
        """One step of Adam; its bits/dim. Images (B, H, W, 3), uint8."""
        settings = types.SimpleNamespace(model="c_glow_v2")
        images = (self._images(condition), self._images(target))
        self._optimizer.zero_grad()
        loss = self._loss.forward_and_loss(settings, {"n_bits": 8}, self._model, *images, None)
        loss["loss"].backward()
        self._optimizer.step()
        return float(loss["loss"].detach())

    def sample(self, condition: np.ndarray, count: int, temperature: float) -> np.ndarray:
        """Photos of one condition (1, H, W, 3), uint8, all at once: as a batch of its copies."""
        x = self._images(condition.repeat(count, 0))
        photos, _ = self._model(x=x, reverse=True, eps_std=temperature)
        return np.asarray(photos.cpu())

    def _images(self, images: np.ndarray) -> Any:
        return self._torch.from_numpy(channels_first(images)).to(self._device)
