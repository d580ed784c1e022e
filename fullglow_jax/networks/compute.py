"""How networks compute what they compute."""

from dataclasses import dataclass

from jax import Array


@dataclass(frozen=True)
class Compute:
    """What decides speed and memory of the networks, and not what they compute.

    Attributes:
        precision: "float32", or "bfloat16" for all that happens inside the networks: their
            weights stay, and what they return is, of their input's type.
        tile: Pixels, over the batch, whose wide hidden layers are alive at a time; None for all.
        store: Whether the forward pass of a gradient stores what is costly to compute again, whole.
    """

    precision: str = "float32"
    tile: int | None = None
    store: bool = False

    def cast(self, x: Array) -> Array:
        """What enters a network, in the type that its hidden layers compute in."""
        return x.astype("bfloat16") if self.precision == "bfloat16" else x
