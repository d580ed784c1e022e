"""The original C-Flow: PATH is a checkout of `MoeinSorkhei/glow2` of July 2020 (c9669bd)."""

import importlib
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.originals.full_glow import import_glow2
from benchmarks.originals.stand_ins import Anything, channels_first, stand_in
from fullglow_jax.flows.architecture import CFlowArchitecture


class Original:
    """Its model, at any size, with as many steps at each level, on its own device."""

    def __init__(self, checkout: Path, architecture: CFlowArchitecture, seed: int) -> None:
        import torch

        self._torch = torch
        torch.manual_seed(seed)
        np.random.seed(seed)  # its random rotations
        self._loss = import_glow2(checkout / "src")
        device = importlib.import_module("globals").device
        # Its modules take these from one another.
        stand_in("data_handler", torch=torch, nn=torch.nn, device=device, CityDataset=Anything)
        stand_in("experiments")
        two_glows = importlib.import_module("models.two_glows.two_glows")
        a, self._device = architecture, device
        if len(set(a.steps)) > 1:
            raise SystemExit(f"its levels have the same number of steps, not {a.steps}")
        self._numbers = {
            "channels": 3,
            "img_size": list(a.image_size),
            "n_block": a.levels,
            "n_flow": a.steps[0],
            "affine": True,
            "lu": a.lu,
        }
        nets = [a.coupling_reads == "spatial"] * a.levels
        self._model = two_glows.TwoGlows(
            self._numbers, "maps", None, None, use_coupling_cond_nets=nets
        ).to(device)
        self._optimizer = torch.optim.Adam(self._model.parameters(), lr=1e-4)
        self._latent_shapes = a.latent_shapes

    def train_step(self, condition: np.ndarray, target: np.ndarray) -> float:
        """One step of Adam; its conditional bits/dim. Images (B, H, W, 3), uint8."""
        self._optimizer.zero_grad()
        losses = [
            self._bits(outputs) for outputs in self._model(*map(self._noisy, (condition, target)))
        ]
        sum(losses).backward()
        self._optimizer.step()
        return float(losses[1].detach())

    def sample(self, condition: np.ndarray, count: int, temperature: float) -> np.ndarray:
        """Photos of one condition (1, H, W, 3), uint8, all at once: as a batch of its copies."""
        torch = self._torch
        z = [
            temperature * torch.randn(count, channels, height, width, device=self._device)
            for height, width, channels in self._latent_shapes
        ]
        with torch.no_grad():
            x_a = self._images(condition.repeat(count, 0))
            photos = self._model.reverse(x_a=x_a, z_b_samples=z, mode="sample_x_b")
        return np.asarray(photos.cpu())

    def _bits(self, outputs: dict[str, Any]) -> Any:
        log_p, log_det = outputs["log_p"].mean(), outputs["log_det"].mean()
        return self._loss.calc_loss(log_p, log_det, self._numbers["img_size"], 256.0)[0]

    def _noisy(self, images: np.ndarray) -> Any:
        x = self._images(images)
        return x + self._torch.rand_like(x) / 256.0

    def _images(self, images: np.ndarray) -> Any:
        return self._torch.from_numpy(channels_first(images)).to(self._device)
