"""The original Full-Glow, `MoeinSorkhei/glow2`: PATH is its checkout."""

import importlib
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.originals.stand_ins import Anything, channels_first, module_at, package, stand_in
from fullglow_jax.flows.architecture import FullGlowArchitecture


def import_glow2(sources: Path) -> Any:
    """Makes its `models` importable; its module of the loss."""
    transforms = stand_in(
        "torchvision.transforms", ToTensor=Anything, Compose=Anything, Resize=Anything
    )
    utils = stand_in("torchvision.utils")
    stand_in("torchvision", transforms=transforms, utils=utils)
    stand_in("nvidia_smi")
    stand_in("comet_ml", Experiment=Anything, ExistingExperiment=Anything)
    stand_in("data_handler", CityDataset=Anything)
    package("models", sources / "models")
    sys.path.insert(0, str(sources))
    return module_at("original_loss", sources / "trainer" / "loss.py")


class Original:
    """With LU convolutions and no boundary maps, on its own device."""

    def __init__(self, checkout: Path, architecture: FullGlowArchitecture, seed: int) -> None:
        import torch

        self._loss = import_glow2(checkout / "src")
        two_glows = importlib.import_module("models.two_glows")
        image_size, steps = architecture.image_size, architecture.steps
        remat = architecture.memory_mode != "store"
        self._torch = torch
        torch.manual_seed(seed)
        np.random.seed(seed)  # its random rotations
        self._device = importlib.import_module("globals").device
        self._numbers = {
            "channels": 3,
            "img_size": list(image_size),
            "n_block": len(steps),
            "n_flow": list(steps),
            "n_bits": 8,
        }
        common = {"split_type": "regular", "do_lu": True, "grad_checkpoint": remat}
        self._model = two_glows.TwoGlows(
            self._numbers,
            {**common, "all_conditional": False},
            {**common, "all_conditional": True, "condition": "left"},
        ).to(self._device)
        self._optimizer = torch.optim.Adam(self._model.parameters(), lr=1e-4)

    def _images(self, images: np.ndarray) -> Any:
        return self._torch.from_numpy(channels_first(images)).to(self._device)

    def _losses(self, condition: np.ndarray, target: np.ndarray) -> dict[str, Any]:
        settings = types.SimpleNamespace(model="improved_1", reg_factor=1e-4)
        images = (self._images(condition), self._images(target))
        losses: dict[str, Any] = self._loss.forward_and_loss(
            settings, self._numbers, self._model, *images, None
        )
        return losses

    def train_step(self, condition: np.ndarray, target: np.ndarray) -> float:
        """One step of Adam; its conditional bits/dim. Images (1, H, W, 3), uint8."""
        self._optimizer.zero_grad()
        losses = self._losses(condition, target)
        losses["loss"].backward()
        self._optimizer.step()
        return float(losses["loss_right"])

    def bits_per_dim(self, condition: np.ndarray, target: np.ndarray) -> float:
        """Mean conditional bits/dim of pairs (B, H, W, 3), uint8; one at a time."""
        with self._torch.no_grad():
            pairs = zip(condition[:, None], target[:, None], strict=True)
            return float(np.mean([float(self._losses(*pair)["loss_right"]) for pair in pairs]))

    def sample(self, condition: np.ndarray, count: int, temperature: float) -> np.ndarray:
        """Photos of one condition (1, H, W, 3), uint8; one at a time: its LU path takes no more."""
        torch = self._torch
        height, width = self._numbers["img_size"]
        levels = self._numbers["n_block"]
        last = (3 * 2 ** (levels + 1), height >> levels, width >> levels)
        shapes = [(6 * 2**i, height >> (i + 1), width >> (i + 1)) for i in range(levels - 1)]
        photos = []
        with torch.no_grad():
            x_a = self._images(condition)
            for _ in range(count):
                z = [
                    temperature * torch.randn(1, *shape, device=self._device)
                    for shape in (*shapes, last)
                ]
                photos.append(self._model.reverse(x_a=x_a, z_b_samples=z).cpu().numpy())
        return np.concatenate(photos)
