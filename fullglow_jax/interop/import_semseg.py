"""Turns a PSPNet of semseg, a .pth of PyTorch, into one of ours.

python -m fullglow_jax.interop.import_semseg FILE.pth --out FILE.npz

Takes what `hszhao/semseg` saves in training and what its authors released: PSPNet-50 and -101, of
any number of classes. `fullglow_jax.segmentation.load_pspnet` reads the result. Needs PyTorch, the
extra `fullglow-jax[torch]`.
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
from fullglow_jax.interop.semseg_names import AUXILIARY, from_semseg, to_semseg
from fullglow_jax.interop.torch_files import read_torch_file
from fullglow_jax.segmentation.architecture import DEPTHS, PSPNetArchitecture
from fullglow_jax.segmentation.pspnet import Variables, abstract_variables
from fullglow_jax.segmentation.storage import save_pspnet

STATE = "state_dict"

WRAPPER = "module."
"""What names start with that were saved from within PyTorch's DataParallel."""

CLASSIFIER = "cls.4.weight"

EXPECTED = "semseg's PSPNet, for example train_epoch_200.pth"

Tensors = dict[str, np.ndarray]


def read(content: Any, path: Path) -> Tensors:
    """The network's tensors by name out of what a file holds.

    Args:
        content: A checkpoint of semseg, or the state dict alone.
        path: Of the file, for messages.

    Returns:
        Names without "module."; counters and the criterion's buffers are left out, which no
        result depends on.

    Raises:
        UserError: Where it holds no PSPNet.
    """
    state = content.get(STATE, content) if isinstance(content, Mapping) else {}
    state = state if isinstance(state, Mapping) else {}
    state = {str(name).removeprefix(WRAPPER): value for name, value in state.items()}
    if CLASSIFIER not in state or not any(name.startswith("layer0.") for name in state):
        names = content if isinstance(content, Mapping) and STATE not in content else state
        held = [type(content).__name__] if not isinstance(content, Mapping) else map(repr, names)
        raise UserError(
            f"{path} is not a PSPNet of semseg: expected {STATE!r}, or a state dict alone, with "
            f"layer0.… to layer4.…, ppm.… and cls.…; it holds {', '.join(held)[:200] or 'nothing'}."
        )
    state = {
        name: value
        for name, value in state.items()
        if not name.startswith("criterion.") and not name.endswith(".num_batches_tracked")
    }
    odd = [name for name, value in state.items() if not isinstance(value, np.ndarray)]
    if odd:
        raise UserError(f"{path}: {odd[0]!r} among the weights is not a tensor.")
    return state


def choose_architecture(state: Tensors, path: Path) -> PSPNetArchitecture:
    """PSPNet-50 or -101, as many classes as the classifier has.

    Args:
        state: What `read` gave.
        path: Of the file, for messages.

    Raises:
        UserError: Where the layers have other numbers of blocks.
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
    """Our variables, the second head's among them where the file has that.

    Args:
        state: What `read` gave.
        architecture: Of the network that it belongs to.
        path: Of the file, for messages.

    Raises:
        UserError: Where a tensor is missing, too many, or of another shape.
    """
    like = abstract_variables(architecture, any(name.startswith(AUXILIARY) for name in state))
    zeros = jax.tree.map(lambda leaf: np.broadcast_to(np.float32(0), leaf.shape), like)
    expected = {name: array.shape for name, array in to_semseg(zeros, architecture).items()}
    problems = [f"has no {name!r}" for name in expected if name not in state]
    problems += [
        f"has {name!r}, which that network has not" for name in state if name not in expected
    ]
    problems += [
        f"has {name!r} of shape {state[name].shape}, where that network has {shape}"
        for name, shape in expected.items()
        if name in state and state[name].shape != shape
    ]
    if problems:
        more = f" (and {len(problems) - 1} more like this)" if len(problems) > 1 else ""
        raise UserError(
            f"{path} does not hold semseg's PSPNet of {architecture.blocks} blocks, pyramid bins "
            f"{architecture.bins} and {architecture.classes} classes: it {problems[0]}{more}. "
            f"Expected {EXPECTED}."
        )
    return from_semseg(state, architecture)


def import_pspnet(path: Path, out: Path) -> PSPNetArchitecture:
    """Writes semseg's network as one of ours.

    Args:
        path: semseg's .pth.
        out: The .npz, which must not exist.

    Returns:
        The architecture found.

    Raises:
        UserError: Where the file cannot be read or is no PSPNet-50 or -101 of semseg, or the
            other cannot be written.
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
    parser.add_argument("file", type=Path, metavar="FILE.pth", help="semseg's checkpoint")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE.npz", help="new file for the network"
    )
    flags = parser.parse_args(argv)
    architecture = import_pspnet(flags.file, flags.out)
    (depth,) = (depth for depth, blocks in DEPTHS.items() if blocks == architecture.blocks)
    print(f"wrote {flags.out}: PSPNet-{depth}, {architecture.classes} classes")


if __name__ == "__main__":
    cli.run(main)
