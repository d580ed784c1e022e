"""Drives a checkout of the original PyTorch implementation, to compare with in the same run.

Nothing of it is copied: its own modules are imported from where they lie. What they import and do
not need for training and sampling (experiment logging, TensorFlow, datasets) is stood in for.
"""

import importlib.util
import multiprocessing
import sys
import types
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np


class _Anything:
    """Stands in for what is imported and never called."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass


def _stand_in(name: str, **attributes: Any) -> types.ModuleType:
    module = types.ModuleType(name)
    module.__dict__.update(attributes)
    sys.modules[name] = module
    return module


def _import_original(sources: Path) -> tuple[Any, Any]:
    """(its module of the two glows, its module of the loss)."""
    transforms = _stand_in(
        "torchvision.transforms", ToTensor=_Anything, Compose=_Anything, Resize=_Anything
    )
    utils = _stand_in("torchvision.utils")
    _stand_in("torchvision", transforms=transforms, utils=utils)
    _stand_in("nvidia_smi")
    _stand_in("comet_ml", Experiment=_Anything, ExistingExperiment=_Anything)
    _stand_in("data_handler", CityDataset=_Anything)
    # A package that imports its parts when asked for them, and not the TensorFlow ones at once.
    _stand_in("models").__path__ = [str(sources / "models")]
    sys.path.insert(0, str(sources))
    two_glows = importlib.import_module("models.two_glows")
    place = importlib.util.spec_from_file_location("original_loss", sources / "trainer" / "loss.py")
    assert place is not None
    assert place.loader is not None
    loss = importlib.util.module_from_spec(place)
    place.loader.exec_module(loss)
    return two_glows, loss


class Original:
    """The original Full-Glow with LU convolutions and no boundary maps, on its own device.

    Attributes:
        checkout: Folder of the checkout, the one with `src`.
        image_size: (H, W).
        steps: Flow steps of each level.
        remat: Whether its gradient checkpointing is on.
        seed: Where its random numbers start.
    """

    def __init__(
        self,
        checkout: Path,
        image_size: tuple[int, int],
        steps: tuple[int, ...],
        remat: bool,
        seed: int = 0,
    ) -> None:
        import torch

        two_glows, self._loss = _import_original(checkout / "src")
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
        """(B, H, W, 3) uint8 → (B, 3, H, W) in [0, 1]."""
        array = np.ascontiguousarray(images.transpose(0, 3, 1, 2)) / np.float32(255)
        return self._torch.from_numpy(array).to(self._device)

    def _losses(self, condition: np.ndarray, target: np.ndarray) -> dict[str, Any]:
        settings = types.SimpleNamespace(model="improved_1", reg_factor=1e-4)
        images = (self._images(condition), self._images(target))
        losses: dict[str, Any] = self._loss.forward_and_loss(
            settings, self._numbers, self._model, *images, None
        )
        return losses

    def train_step(self, condition: np.ndarray, target: np.ndarray) -> float:
        """One step of Adam; returns its conditional bits/dim. Images (1, H, W, 3), uint8."""
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


def _serve(pipe: Connection, arguments: tuple[Any, ...]) -> None:
    original = Original(*arguments)
    with suppress(EOFError):  # the benchmark has ended
        while True:
            method, call = pipe.recv()
            pipe.send(getattr(original, method)(*call))


class OriginalProcess:
    """`Original` in a process of its own, so that two thread pools do not get in each other's way.

    Idle while nothing is asked of it. Has the methods of `Original`.
    """

    def __init__(
        self,
        checkout: Path,
        image_size: tuple[int, int],
        steps: tuple[int, ...],
        remat: bool,
        seed: int = 0,
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        arguments = (checkout, image_size, steps, remat, seed)
        context.Process(target=_serve, args=(theirs, arguments), daemon=True).start()

    def train_step(self, condition: np.ndarray, target: np.ndarray) -> float:
        """See `Original.train_step`."""
        return self._call("train_step", condition, target)

    def bits_per_dim(self, condition: np.ndarray, target: np.ndarray) -> float:
        """See `Original.bits_per_dim`."""
        return self._call("bits_per_dim", condition, target)

    def sample(self, condition: np.ndarray, count: int, temperature: float) -> np.ndarray:
        """See `Original.sample`."""
        return self._call("sample", condition, count, temperature)

    def _call(self, method: str, *arguments: Any) -> Any:
        self._pipe.send((method, arguments))
        return self._pipe.recv()
