"""Networks that the originals' PyTorch code saves in a file each, EPOCH_net_NAME.pth."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fullglow_jax.errors import UserError
from fullglow_jax.files.torch_files import read_torch_file
from fullglow_jax.interop.original_checkpoint import OriginalCheckpoint
from fullglow_jax.interop.tensors import Tensors, check_tensors, held, state_dict

FILE = re.compile(r"(.*_net_)(\w+)(\.pth)")

PARALLEL = "module."
"""What PyTorch puts before the names of a network that was on several GPUs."""


@dataclass(frozen=True)
class TorchNetworks:
    """The networks of one original; each name is that of its network, a dot, and the stored name.

    Attributes:
        original: Its name in texts.
        networks: The first part of tensors' names, by network; only the first must be there.
        file_names: Names of networks in names of files, by network, if they are other ones; the
            first is the one that is written.
    """

    original: str
    networks: Mapping[str, str]
    file_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def names_of(self, network: str) -> tuple[str, ...]:
        """A network's names in names of files."""
        return self.file_names.get(network, (network,))

    def load(self, path: Path) -> Any:
        """The content of a network's file and of those of the others beside it, by network.

        Raises:
            UserError: As `read_torch_file`; also if the first network's file is not there.
        """
        first, *others = self.networks
        expected = f"the original's latest_net_{first}.pth"
        if not (match := FILE.fullmatch(path.name)):
            return {first: read_torch_file(path, expected, "a network's state_dict()")}
        files = {}
        for network in self.networks:
            named = [
                path.with_name(f"{match[1]}{name}{match[3]}") for name in self.names_of(network)
            ]
            files[network] = next((file for file in named if file.is_file()), named[0])
        there = [first, *(name for name in others if files[name].is_file())]
        return {
            name: read_torch_file(files[name], expected, "a network's state_dict()")
            for name in there
        }

    def read(self, content: Any, path: Path) -> OriginalCheckpoint:
        """The checkpoint in the result of `load`, which has no optimiser.

        Raises:
            UserError: If a file is not this original's.
        """
        weights: Tensors = {}
        for network, stored in content.items():
            state = {
                name.removeprefix(PARALLEL): tensor
                for name, tensor in state_dict(stored, "state_dict").items()
            }
            module = self.networks[network]
            if not state or not all(name.startswith(module) for name in state):
                raise UserError(
                    f"{path}: the network {network} is not of the original {self.original}: "
                    f"expected a state dict with {module}…; it holds {held(stored)}."
                )
            check_tensors(state, path)
            weights |= {f"{network}.{name}": tensor for name, tensor in state.items()}
        return OriginalCheckpoint(weights, None)
