"""Full-Glow in JAX and Flax: fully conditional normalising flows for image synthesis."""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from pathlib import Path

    from fullglow_jax.loaded_model import LoadedModel


def load(workdir: str | Path, checkpoint: str = "latest", *, batch_size: int = 8) -> LoadedModel:
    """A trained model from its workdir, to sample, encode, transfer and score with.

    Args:
        workdir: Folder of a training run. Its data need not be there.
        checkpoint: "latest", "best" (by validation) or a step.
        batch_size: Images computed at once, for any number of images. Fewer need less memory, and
            less time if images come one by one.

    Raises:
        UserError: If there is no such checkpoint, or it is damaged.
    """
    from fullglow_jax.runs.orbax_calls import root_log_kept

    # Not at the top: commands set JAX's environment before JAX is imported.
    with root_log_kept():
        from fullglow_jax.loaded_model import load as load_model

    return load_model(workdir, checkpoint, batch_size=batch_size)
