"""The original Glow, `dajinstory/glow-pytorch`: PATH is its checkout."""

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.originals.stand_ins import channels_first, module_at, package
from fullglow_jax.flows.architecture import GlowArchitecture

BINS = 256.0


class Original:
    """Its model for 64×64, with its steps and width changed, on the CPU or the first GPU."""

    def __init__(self, checkout: Path, architecture: GlowArchitecture, seed: int) -> None:
        import torch

        self._torch = torch
        torch.manual_seed(seed)
        np.random.seed(seed)  # its random rotations
        sources = checkout / "src"
        # Their own __init__ import the trainer, PyTorch Lightning.
        for name in ("model", "model.common", "model.glow"):
            package(name, sources.joinpath(*name.split(".")))
        sys.path.insert(0, str(sources))
        published = importlib.import_module("model.glow.glow_64x64_v0")
        loss = module_at("original_loss", sources / "loss" / "nll_loss.py")
        self._loss = loss.NLLLoss(n_bits=8)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._architecture = architecture
        self._model = self._build(published).to(self._device)
        parameters = self._model.parameters()
        self._optimizer = torch.optim.Adam(parameters, lr=1e-4, betas=(0.9, 0.99))

    def _build(self, published: Any) -> Any:
        """Its class, whose constructor knows one size, with blocks of ours."""
        torch, a = self._torch, self._architecture
        model = published.Glow64x64V0.__new__(published.Glow64x64V0)
        torch.nn.Module.__init__(model)
        model.inter_temp = model.final_temp = 1.0
        model.w_size = a.level_sizes[-1][0]
        model.blocks = torch.nn.Sequential(
            *(
                published.Block(
                    squeeze=True,
                    flow_type="InvConvFlow",
                    n_flows=steps,
                    coupling_type={"affine": "SingleAffine", "additive": "SingleAdditive"}[
                        a.coupling
                    ],
                    ch_in=channels,
                    ch_c=0,
                    n_chunk=2,
                    subnet=published.sub_conv(a.coupling_width, 3),
                    clamp=1.0,
                    clamp_activation="GLOW",
                    split=level < a.levels - 1,
                )
                for level, (steps, channels) in enumerate(
                    zip(a.steps, a.level_channels, strict=True)
                )
            )
        )
        for parameter in model.parameters():
            parameter.data = 0.01 * torch.randn_like(parameter)
        return model

    def train_step(self, condition: np.ndarray, target: np.ndarray) -> float:
        """One step of Adam; its bits/dim. Images (B, H, W, 3), uint8; conditions are not read."""
        del condition
        torch = self._torch
        x = torch.from_numpy(channels_first(target)).to(self._device) * 255 / BINS - 0.5
        self._optimizer.zero_grad()
        _, log_p, log_det, _ = self._model(x + torch.rand_like(x) / BINS, self._no_conditions)
        loss, bits = self._loss(log_p, log_det, n_pixel=self._architecture.dimensions)
        loss.backward()
        self._optimizer.step()
        return float(bits.detach())

    def sample(self, condition: np.ndarray, count: int, temperature: float) -> np.ndarray:
        """Images; conditions are not read."""
        del condition
        torch = self._torch
        *splits, top = (
            temperature * torch.randn(count, channels, height, width, device=self._device)
            for height, width, channels in self._architecture.latent_shapes
        )
        with torch.no_grad():
            x = self._model.reverse(top, self._no_conditions, [*splits, None])
        images: np.ndarray = (x + 0.5).clamp(0, 1).cpu().numpy()
        return images

    @property
    def _no_conditions(self) -> list[None]:
        return [None] * self._architecture.levels
