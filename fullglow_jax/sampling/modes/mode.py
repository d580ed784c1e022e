"""Modes of the sample command, and their declarations."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fullglow_jax.sampling.capabilities import Capability

if TYPE_CHECKING:
    from fullglow_jax.sampling.session import Session as Session
else:
    Session = Any


@dataclass(frozen=True)
class Mode:
    """A way to draw from a model.

    Modules of modes import nothing heavy before they draw, so that --help is fast; they take the
    types of their arguments from here.

    Attributes:
        name: The name, for --mode.
        about: A few words about its pictures, for --help.
        reads: Those flags it reads that not every mode reads.
        needs: Capabilities that the model must have.
        draw: Draws; raises UserError if that is not possible.
    """

    name: str
    about: str
    reads: tuple[str, ...]
    needs: tuple[Capability, ...]
    draw: Callable[[Session], None]


def mode(
    name: str, about: str, *, reads: tuple[str, ...], needs: tuple[Capability, ...] = ()
) -> Callable[[Callable[[Session], None]], Mode]:
    """Turns the decorated function into a mode."""
    return lambda draw: Mode(name, about, reads, needs, draw)
