"""The command that turns a pretrained network's PyTorch file into one that is read without PyTorch.

python -m fullglow_jax.interop.import_network FILE.pth --network inception --out FILE.npz

The networks are FID's Inception, VGG-16 and VGG-19, AlexNet, and LPIPS with AlexNet or VGG-16. It
needs PyTorch, the extra `fullglow-jax[torch]`.
"""

import argparse
from collections.abc import Sequence

from fullglow_jax import cli
from fullglow_jax.errors import UserError
from fullglow_jax.files.paths import user_path
from fullglow_jax.perception.alexnet import PRETRAINED_ALEXNET
from fullglow_jax.perception.inception import PRETRAINED_INCEPTION
from fullglow_jax.perception.lpips import ALEX, VGG
from fullglow_jax.perception.vgg import PRETRAINED_VGG16, PRETRAINED_VGG19
from fullglow_jax.perception.weights import read_weights, save_weights

NETWORKS = {
    "inception": PRETRAINED_INCEPTION,
    "vgg16": PRETRAINED_VGG16,
    "vgg19": PRETRAINED_VGG19,
    "alexnet": PRETRAINED_ALEXNET,
    "lpips_alex": ALEX.pretrained,
    "lpips_vgg": VGG.pretrained,
}


def main(argv: Sequence[str]) -> None:
    """Parses the command line and imports."""
    parser = argparse.ArgumentParser(
        prog="python -m fullglow_jax.interop.import_network",
        description="Turns a pretrained network's PyTorch file into one of ours.",
    )
    parser.add_argument("file", type=user_path, metavar="FILE.pth", help="a state dict")
    parser.add_argument("--network", choices=NETWORKS, required=True, help="what it holds")
    parser.add_argument(
        "--out", type=user_path, required=True, metavar="FILE.npz", help="new file for the network"
    )
    flags = parser.parse_args(argv)
    if flags.out.exists():
        raise UserError(
            f"{flags.out} already exists, and is never overwritten: choose another --out."
        )
    if flags.out.suffix != ".npz":
        raise UserError(f"--out {flags.out}: the name of such a file ends in .npz.")
    network = NETWORKS[flags.network]
    save_weights(flags.out, network, read_weights(flags.file, network))
    print(f"wrote {flags.out}: {network.name}")


if __name__ == "__main__":
    cli.run(main)
