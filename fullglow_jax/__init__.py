"""Full-Glow in JAX and Flax: fully conditional normalising flows for image synthesis."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from fullglow_jax.loaded_model import LoadedModel


def load(workdir: str | Path, checkpoint: str = "latest", *, batch_size: int = 8) -> LoadedModel:
    """A trained model out of its workdir, to sample from, encode, transfer and score with.

    Args:
        workdir: Folder of a training run. Its data need not be there.
        checkpoint: "latest", "best" (by validation) or a step.
        batch_size: Images computed at once, whatever the number asked for; fewer take less memory,
            and less time where images come one by one.

    Raises:
        UserError: Where there is no such checkpoint, or it is damaged.
    """
    # Not before it is needed: the command lines set JAX's environment before JAX is imported.
    from fullglow_jax.loaded_model import load as load_model

    return load_model(workdir, checkpoint, batch_size=batch_size)
