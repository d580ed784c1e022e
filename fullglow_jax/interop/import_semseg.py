"""The command that imports a PSPNet of semseg, a .pth of PyTorch.

python -m fullglow_jax.interop.import_semseg FILE.pth --out FILE.npz

It reads files that `hszhao/semseg` saves in training, and files that its authors released:
PSPNet-50 and -101, with any number of classes. `fullglow_jax.segmentation.load_pspnet` reads the
result. It needs PyTorch, the extra `fullglow-jax[torch]`.
"""

import argparse
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from fullglow_jax import cli
from fullglow_jax.errors import UserError
from fullglow_jax.files.paths import user_path
from fullglow_jax.files.torch_files import read_torch_file
from fullglow_jax.interop.semseg_names import AUXILIARY, from_semseg, to_semseg
from fullglow_jax.interop.tensors import Tensors, check_tensors, held, misfit, state_dict
from fullglow_jax.segmentation.architecture import DEPTHS, PSPNetArchitecture
from fullglow_jax.segmentation.pspnet import Variables, abstract_variables
from fullglow_jax.segmentation.storage import save_pspnet

STATE = "state_dict"

WRAPPER = "module."
"""Prefix of names that were saved from within PyTorch's DataParallel."""

CLASSIFIER = "cls.4.weight"

EXPECTED = "semseg's PSPNet, for example train_epoch_200.pth"


def read(content: Any, path: Path) -> Tensors:
    """The network's tensors by name, from a file's content.

    Names are without "module."; counters and the criterion's buffers, on which no result depends,
    are left out. The content may also be the state dict alone.

    Raises:
        UserError: If it is not a PSPNet.
    """
    state = {name.removeprefix(WRAPPER): v for name, v in state_dict(content, STATE).items()}
    if CLASSIFIER not in state or not any(name.startswith("layer0.") for name in state):
        raise UserError(
            f"{path} is not a PSPNet of semseg: expected {STATE!r}, or a state dict alone, with "
            f"layer0.… to layer4.…, ppm.… and cls.…; it holds "
            f"{held(state if isinstance(content, Mapping) else content)}."
        )
    state = {
        name: value
        for name, value in state.items()
        if not name.startswith("criterion.") and not name.endswith(".num_batches_tracked")
    }
    check_tensors(state, path)
    return state


def choose_architecture(state: Tensors, path: Path) -> PSPNetArchitecture:
    """PSPNet-50 or -101, with the classifier's number of classes.

    Raises:
        UserError: If the layers have other numbers of blocks.
    """
    found = [re.match(r"layer([1-4])\.(\d+)\.", name) for name in state]
    numbers = {(int(match[1]), int(match[2])) for match in found if match}
    blocks = tuple(sum(layer == each for each, _ in numbers) for layer in range(1, 5))
    if blocks not in DEPTHS.values():
        known = " and ".join(f"{each} (PSPNet-{depth})" for depth, each in DEPTHS.items())
        raise UserError(
            f"{path} has {blocks} blocks in its four layers; {known} can be imported. "
            "If it should be one of these, the file is incomplete: copy it again."
        )
    return PSPNetArchitecture(blocks=blocks, classes=len(state[CLASSIFIER]))


def to_variables(state: Tensors, architecture: PSPNetArchitecture, path: Path) -> Variables:
    """Our variables, with the second head's if the file has them.

    Raises:
        UserError: If a tensor is missing, unknown, or of another shape.
    """
    like = abstract_variables(architecture, any(name.startswith(AUXILIARY) for name in state))
    zeros = jax.tree.map(lambda leaf: np.broadcast_to(np.float32(0), leaf.shape), like)
    if problem := misfit(state, to_semseg(zeros, architecture), "that network"):
        raise UserError(
            f"{path} does not hold semseg's PSPNet of {architecture.blocks} blocks, pyramid bins "
            f"{architecture.bins} and {architecture.classes} classes: it {problem}. "
            f"Expected {EXPECTED}."
        )
    return from_semseg(state, architecture)


def import_pspnet(path: Path, out: Path) -> PSPNetArchitecture:
    """Writes semseg's network, a .pth, as one of ours, a new .npz; returns its architecture.

    Raises:
        UserError: If `path` cannot be read or is not a PSPNet-50 or -101 of semseg, or `out`
            cannot be written.
    """
    if out.exists():
        raise UserError(f"{out} already exists, and is never overwritten: choose another --out.")
    state = read(read_torch_file(path, EXPECTED, repr(STATE)), path)
    architecture = choose_architecture(state, path)
    save_pspnet(out, architecture, to_variables(state, architecture, path))
    return architecture


def main(argv: Sequence[str]) -> None:
    """Parses the command line and imports."""
    parser = argparse.ArgumentParser(
        prog="python -m fullglow_jax.interop.import_semseg",
        description="Turns a PSPNet of semseg into one of ours.",
    )
    parser.add_argument("file", type=user_path, metavar="FILE.pth", help="semseg's checkpoint")
    parser.add_argument(
        "--out", type=user_path, required=True, metavar="FILE.npz", help="new file for the network"
    )
    flags = parser.parse_args(argv)
    architecture = import_pspnet(flags.file, flags.out)
    (depth,) = (depth for depth, blocks in DEPTHS.items() if blocks == architecture.blocks)
    print(f"wrote {flags.out}: PSPNet-{depth}, {architecture.classes} classes")


if __name__ == "__main__":
    cli.run(main)
