"""What fixes the shapes of a Full-Glow, and which shapes are possible."""

import math
from dataclasses import dataclass
from itertools import product

import jax

from fullglow_jax.data.boundary import BoundarySpec
from fullglow_jax.errors import UserError
from fullglow_jax.models.pair_shapes import PairShapes
from fullglow_jax.networks import Compute

SMALLEST_LEVEL = 5
"""Height and width under which a vector net's two 3×3 convolutions leave nothing."""

CHOICES = {
    "condition": ("source", "source+boundary", "source+boundary_ceil"),
    "memory_mode": ("store", "remat", "invert"),
    "precision": ("float32", "bfloat16"),
}

CPU_TILE = 2048
"""Pixels: 512 channels of them are 4 MiB, which the cores' caches about hold."""

ACCELERATOR_TILE = 32768
"""Pixels that fill an accelerator; 512 channels of them are 64 MiB."""


@dataclass(frozen=True)
class Architecture(PairShapes):
    """The numbers that a Full-Glow is built from.

    Attributes:
        image_size: (H, W) of both images.
        steps: Flow steps of each level.
        channels: Channels of both images.
        lu: Whether 1×1 convolutions are parameterised by LU factors.
        condition: What the target's networks read: "source", "source+boundary" (with a boundary
            map, 3 channels), or "source+boundary_ceil" (resized boundaries rounded up to 0 or 1).
        coupling_width: Hidden channels of the coupling nets.
        spatial_width: Hidden channels of the spatial nets.
        memory_mode: What the backward pass knows of the forward pass: "store", every step's
            activations; "remat", every step's input and its couplings' scales and shifts, the rest
            being computed again; "invert", only what the last step put out, the rest being
            computed by inverting the steps, so that depth takes no memory.
        precision: "float32", or "bfloat16" inside the networks.
        tile: Pixels, over the batch, whose wide hidden layers are alive at a time, but in the
            training of "store"; 0 for all; None for what suits the device.
        actnorm_floor: What |s| of actnorms does not fall under; 0 for no floor, as in the paper.
        coupling_floor: Likewise of the couplings' s; less than 1.
        smallest_level: Pixels that the last level must have, in height and in width.

    Raises:
        UserError: Where the image size does not fit the levels, or a value is not possible.
    """

    image_size: tuple[int, int]
    steps: tuple[int, ...]
    channels: int = 3
    lu: bool = True
    condition: str = "source"
    coupling_width: int = 512
    spatial_width: int = 128
    memory_mode: str = "remat"
    precision: str = "float32"
    tile: int | None = None
    actnorm_floor: float = 0.0
    coupling_floor: float = 0.0
    smallest_level: int = SMALLEST_LEVEL

    def __post_init__(self) -> None:
        if not self.steps or min(self.steps) < 1:
            raise UserError(
                f"config.model.steps={self.steps} must name at least one level, "
                "each of at least one step, for example (8, 8, 8, 8)."
            )
        for key, choices in CHOICES.items():
            if (chosen := getattr(self, key)) not in choices:
                raise UserError(
                    f"config.model.{key}={chosen!r} is not one of {', '.join(choices)}."
                )
        if self.tile is not None and self.tile < 0:
            raise UserError(
                f"config.model.tile={self.tile} must be a number of pixels, or 0 for no tiles."
            )
        for key in ("coupling_width", "spatial_width"):
            if getattr(self, key) < 1:
                raise UserError(f"config.model.{key}={getattr(self, key)} must be 1 or more.")
        for key in ("actnorm_floor", "coupling_floor"):
            if not 0 <= getattr(self, key) < 1:
                raise UserError(f"config.model.{key}={getattr(self, key)} must be in [0, 1).")
        self._check_image_size()

    def _check_image_size(self) -> None:
        if len(self.image_size) != 2:
            raise UserError(
                f"config.data.image_size={self.image_size} must be height and width, "
                "for example (256, 256)."
            )
        if self._fits(self.levels):
            return
        factor, least = 2**self.levels, self.smallest_level
        smallest = least * factor
        around = [
            {
                max(n // factor, least) * factor,
                max(-(-n // factor), least) * factor,
            }
            for n in self.image_size
        ]
        nearest = sorted(
            product(*around), key=lambda size: (math.dist(size, self.image_size), size)
        )
        named = " or ".join(f"{height}×{width}" for height, width in nearest[:2])
        fewer = [n for n in range(1, self.levels) if self._fits(n)]
        plural = "s" if fewer and fewer[-1] > 1 else ""
        height, width = self.image_size
        raise UserError(
            f"An image of {height}×{width} does not fit {self.levels} levels: its height and "
            f"width must be multiples of {factor} and at least {smallest}, so that the smallest "
            f"level has {least} pixel{'s' if least > 1 else ''}. The nearest sizes that fit: "
            f"{named}."
            + (
                f" Or keep the size and use {fewer[-1]} level{plural} (config.model.steps)."
                if fewer
                else ""
            )
        )

    def _fits(self, levels: int) -> bool:
        return all(
            n % 2**levels == 0 and n >> levels >= self.smallest_level for n in self.image_size
        )

    @property
    def levels(self) -> int:
        """Number of levels."""
        return len(self.steps)

    @property
    def compute(self) -> Compute:
        """How the networks compute, on this process's devices."""
        tile = self.tile
        if tile is None:
            tile = CPU_TILE if jax.default_backend() == "cpu" else ACCELERATOR_TILE
        return Compute(self.precision, tile or None, store=self.memory_mode == "store")

    @property
    def boundary(self) -> bool:
        """Whether the target also reads a boundary map."""
        return self.condition != "source"

    @property
    def boundary_spec(self) -> BoundarySpec | None:
        """What the model wants of boundary maps, if it reads them."""
        if not self.boundary:
            return None
        return BoundarySpec(self.level_sizes, ceil=self.condition == "source+boundary_ceil")

    @property
    def level_sizes(self) -> tuple[tuple[int, int], ...]:
        """(H, W) that each level works at, after its squeeze."""
        height, width = self.image_size
        return tuple((height >> level, width >> level) for level in range(1, self.levels + 1))

    @property
    def level_channels(self) -> tuple[int, ...]:
        """Channels that each level works on: a squeeze makes four of one, a split keeps half."""
        return tuple(self.channels * 4 * 2**level for level in range(self.levels))

    @property
    def latent_shapes(self) -> tuple[tuple[int, int, int], ...]:
        """(h, w, c) of each level's latent."""
        last = self.levels - 1
        return tuple(
            (*size, channels if level == last else channels // 2)
            for level, (size, channels) in enumerate(
                zip(self.level_sizes, self.level_channels, strict=True)
            )
        )
