"""The originals whose checkpoints become ours, by `config.model.name`."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from fullglow_jax.interop import (
    c_glow_names,
    dual_glow_names,
    glow_names,
    inade_files,
    pix2pix_names,
    torch_names,
)
from fullglow_jax.interop.original_checkpoint import OriginalCheckpoint
from fullglow_jax.interop.tensorflow_checkpoint import TensorFlowFiles
from fullglow_jax.interop.tensors import Entry, Tensors, Told
from fullglow_jax.interop.torch_checkpoint import Parts, TorchFiles
from fullglow_jax.interop.torch_networks import TorchNetworks


class Files(Protocol):
    """The checkpoints of an original, as the library that it is written in saves them."""

    def load(self, path: Path) -> Any:
        """A file's content; never runs code from the file.

        Raises:
            UserError: If the file cannot be read.
        """

    def read(self, content: Any, path: Path) -> OriginalCheckpoint:
        """The checkpoint in the result of `load`.

        Raises:
            UserError: If it is not this original's.
        """


class Unused(NamedTuple):
    """Tensors that a file has, and on which the results of some models do not depend.

    Attributes:
        names: A pattern of their names.
        used_by: The key and value of the models that need them.
    """

    names: str
    used_by: str


class Importable(NamedTuple):
    """An original, and what becomes of its tensors.

    Attributes:
        files: Its checkpoints.
        entries: The tensors of an architecture's model.
        told: (tensors, architecture) → what a file's tensors tell of the config's keys.
        weights: Stored weights, as `entries` names and shapes them.
        moments: Stored moments of Adam, likewise.
        unused: Tensors that are left out if the config's model has none like them; None for none.
        lost: What is lost of the model that these tensors are of, in words; "" if nothing is.
    """

    files: Files
    entries: Callable[[Any], Iterable[Entry]]
    told: Callable[[Tensors, Any], Told]
    weights: Callable[[Tensors], Tensors] = lambda weights: weights
    moments: Callable[[Tensors], Tensors] = lambda moments: moments
    unused: Unused | None = None
    lost: Callable[[Tensors], str] = lambda weights: ""


GLOW2 = (Parts("model_state_dict", "optimizer_state_dict"),)
LIGHTNING = (Parts("state_dict", "optimizer_states"),)
CONDITIONAL_GLOW = (Parts("model", "optim"), *GLOW2)
TWO_GLOWS = ("left_glow.", "right_glow.")

IMPORTABLE = {
    "full_glow": Importable(
        TorchFiles("Full-Glow", "optim_step=N.pt", TWO_GLOWS, GLOW2),
        torch_names.entries,
        torch_names.told,
    ),
    "c_flow": Importable(
        TorchFiles("C-Flow", "optim_step=N.pt", TWO_GLOWS, GLOW2),
        torch_names.entries,
        torch_names.told,
    ),
    "c_glow": Importable(
        TorchFiles("C-Glow", "checkpoint_N.pth.tar", ("flow.layers.",), CONDITIONAL_GLOW),
        c_glow_names.entries,
        c_glow_names.told,
    ),
    "glow": Importable(
        TorchFiles("Glow", "last.ckpt", ("blocks.",), LIGHTNING, wrapper="flow_net."),
        glow_names.entries,
        glow_names.told,
        unused=Unused(r".*\.coupling\.nets\.1\..*", "config.model.coupled_half='both'"),
        lost=glow_names.lost_order,
    ),
    "dual_glow": Importable(
        TensorFlowFiles("DUAL-Glow", "step=N.ckpt", ("model/",), dual_glow_names.created),
        dual_glow_names.entries,
        dual_glow_names.told,
        dual_glow_names.flat_weights,
        dual_glow_names.flat_gradients,
    ),
    "pix2pix": Importable(
        TorchNetworks("pix2pix", {"G": "model.", "D": ""}),
        pix2pix_names.entries,
        pix2pix_names.told,
    ),
    "inade": Importable(
        TorchNetworks("INADE", {"G": "", "IE": "", "D": ""}, inade_files.FILE_NAMES),
        inade_files.entries,
        inade_files.told,
    ),
}
"""By `config.model.name`."""
