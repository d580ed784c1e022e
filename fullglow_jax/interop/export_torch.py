"""The command that writes a model in the form of its original.

python -m fullglow_jax.interop.export_torch --workdir DIR --out FOLDER [--checkpoint latest]

A pix2pix becomes `latest_net_G.pth`, with the moving average of the weights if there is one, and
`latest_net_D.pth`: the files that the original reads in a folder below its `checkpoints`. An INADE
becomes the same two, and with an encoder `latest_net_E.pth`. It needs
PyTorch, the extra `fullglow-jax[torch]`. `fullglow_jax.interop.import_torch` is the way back.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import optax
from flax.traverse_util import flatten_dict

from fullglow_jax import cli
from fullglow_jax.errors import UserError, mended, with_article
from fullglow_jax.files.drafts import draft
from fullglow_jax.files.folders import make_writable
from fullglow_jax.files.paths import user_path
from fullglow_jax.interop.importable import IMPORTABLE
from fullglow_jax.interop.tensors import Tensors, networks_of, tensors_of
from fullglow_jax.interop.torch_networks import TorchNetworks
from fullglow_jax.model_registry import build_architecture, build_model
from fullglow_jax.optimization.average import sampled_variables
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.runs.checkpoints import Checkpoints
from fullglow_jax.runs.trained import abstract_state, stored_config

MEAN, COUNT = ".running_mean", ".num_batches_tracked"
"""Ends of names of what PyTorch's batch norms store."""


def export_checkpoint(workdir: Path, checkpoint: str, out: Path) -> list[Path]:
    """Writes the networks of a workdir's checkpoint as the original's files; returns their paths.

    Raises:
        UserError: If there is no such checkpoint, its model's original has other files than one for
            each network, PyTorch is not installed, or a file is there or cannot be written.
    """
    torch = _torch()
    config = stored_config(workdir, checkpoint)
    family = config.model.name
    original = IMPORTABLE.get(family)
    if original is None or not isinstance(original.files, TorchNetworks):
        there = [n for n, each in IMPORTABLE.items() if isinstance(each.files, TorchNetworks)]
        raise UserError(
            f"{workdir} holds {with_article(family)}, and only a {' or a '.join(there)} can be "
            "exported."
        )
    checkpoints = Checkpoints.of(workdir)
    step = checkpoints.choose(checkpoint)
    model = build_model(config, optax.constant_schedule(0.0))
    like = abstract_state(model, Devices(), config.optimizer.average_decay)
    state = checkpoints.restore(step, like).state
    entries = list(original.entries(build_architecture(config)))
    variables = {**networks_of(state), **sampled_variables(state)}
    if more := set(flatten_dict(variables)) - {entry.path for entry in entries}:
        raise UserError(
            f"{workdir} holds {with_article(family)} with {'/'.join(min(more))!r}, for which "
            "the original's "
            "files have no place. Only models as the original has them can be exported."
        )
    tensors = tensors_of(variables, entries)
    make_writable(out, "--out")
    written = []
    for network in original.files.networks:
        own = {
            name.removeprefix(f"{network}."): tensor
            for name, tensor in tensors.items()
            if name.startswith(f"{network}.")
        }
        if own:
            written.append(out / f"latest_net_{original.files.names_of(network)[0]}.pth")
            _write(written[-1], own, step, torch)
    return written


def _write(path: Path, tensors: Tensors, step: int, torch: ModuleType) -> None:
    if path.exists():
        raise UserError(f"{path} already exists, and is never overwritten: choose another --out.")
    content = {n: torch.from_numpy(np.array(tensor, order="C")) for n, tensor in tensors.items()}
    means = [name for name in content if name.endswith(MEAN)]
    content |= {f"{name.removesuffix(MEAN)}{COUNT}": torch.tensor(step) for name in means}
    with mended(f"{path} cannot be written", "Choose another --out."), draft(path) as scratch:
        torch.save(content, scratch)


def _torch() -> Any:
    try:
        import torch
    except ImportError:
        raise UserError(
            "Writing PyTorch's files needs PyTorch, which is not installed: pip install torch, or "
            "pip install 'fullglow-jax[torch]'."
        ) from None
    return torch


def main(argv: Sequence[str]) -> None:
    """Parses the command line and exports."""
    parser = argparse.ArgumentParser(
        prog="python -m fullglow_jax.interop.export_torch",
        description="Writes a trained pix2pix or INADE as its original's files.",
    )
    parser.add_argument("--workdir", type=user_path, required=True, metavar="DIR", help="its run")
    parser.add_argument(
        "--out", type=user_path, required=True, metavar="FOLDER", help="folder for the files"
    )
    parser.add_argument(
        "--checkpoint", default="latest", help="latest, best, or the number of a step"
    )
    flags = parser.parse_args(argv)
    for path in export_checkpoint(flags.workdir, flags.checkpoint, flags.out):
        print(f"wrote {path}")


if __name__ == "__main__":
    cli.run(main)
