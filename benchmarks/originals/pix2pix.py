"""The original pix2pix: PATH is a checkout of junyanz/pytorch-CycleGAN-and-pix2pix or of DLIM."""

import importlib
import types
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.originals.stand_ins import channels_first, package


class Original:
    """Its model with a U-Net for 256×256 or 128×128, on its own device."""

    def __init__(self, checkout: Path, architecture: Any, seed: int) -> None:
        import torch

        self._torch, a = torch, architecture
        torch.manual_seed(seed)
        package("models", checkout / "models")
        package("util", checkout / "util")
        if a.downs not in (7, 8):
            raise SystemExit(f"it has 7 or 8 downs, not {a.downs}")
        options = types.SimpleNamespace(
            gpu_ids=[0] if torch.cuda.is_available() else [],
            isTrain=True,
            checkpoints_dir=".",
            name="benchmark",
            preprocess="none",
            direction="AtoB",
            input_nc=3,
            output_nc=3,
            ngf=a.width,
            ndf=a.discriminator_width,
            netG=f"unet_{2**a.downs}",
            netD="n_layers",
            n_layers_D=a.discriminator_layers,
            norm=a.norm,
            no_dropout=not a.dropout,
            init_type="normal",
            init_gain=0.02,
            gan_mode=a.adversarial,
            lambda_L1=a.pixel_weight,
            pool_size=0,
            lr=2e-4,
            beta1=0.5,
        )
        module = importlib.import_module("models.pix2pix_model")
        self._model = module.Pix2PixModel(options)

    def train_step(self, condition: np.ndarray, target: np.ndarray) -> float:
        """One step of both optimisers; the generator's loss. Images (B, H, W, 3), uint8."""
        pair = {"A": self._images(condition), "B": self._images(target)}
        self._model.set_input({**pair, "A_paths": [], "B_paths": []})
        self._model.optimize_parameters()
        return float(self._model.loss_G.detach())

    def sample(self, condition: np.ndarray, count: int, temperature: float) -> np.ndarray:
        """Photos of one condition (1, H, W, 3), uint8, as its test draws them, at temperature 1."""
        if temperature != 1:
            raise SystemExit(f"its photos are at temperature 1, not {temperature:g}")
        with self._torch.no_grad():
            a = self._images(condition).to(self._model.device)
            images = [self._model.netG(a).cpu().numpy() for _ in range(count)]
        whole = np.round((np.concatenate(images) + 1) * 127.5).astype(np.uint8)
        return whole.transpose(0, 2, 3, 1)

    def _images(self, images: np.ndarray) -> Any:
        return self._torch.from_numpy(2 * channels_first(images) - 1)
