"""Shapes of a flow, which follow from its settings and the size of its images."""

from dataclasses import dataclass
from typing import ClassVar

import jax

from fullglow_jax.errors import UserError
from fullglow_jax.flows.families import (
    CFlowSettings,
    CGlowSettings,
    DualGlowSettings,
    FlowSettings,
    FullGlowSettings,
    GlowSettings,
)
from fullglow_jax.layers.precision import Compute
from fullglow_jax.models.annotations import BOUNDARIES, Annotations
from fullglow_jax.models.shapes import Shapes, nearest_sizes
from fullglow_jax.settings.rules import choice

SMALLEST_LEVEL = 5
"""The smallest height and width for the two 3×3 convolutions of a vector net."""

HALVINGS = 3
"""Of a condition, by the strided convolutions of a vector net."""

CPU_TILE = 2048
"""Pixels; with 512 channels they take 4 MiB, about the size of the cores' caches."""

ACCELERATOR_TILE = 32768
"""Pixels that keep an accelerator busy; with 512 channels they take 64 MiB."""


@dataclass(frozen=True)
class FlowArchitecture(FlowSettings, Shapes):
    """The settings that all flows have, and the shapes that follow for images of one size.

    Attributes:
        boundary_maps: The boundary maps that the target's networks read beside the source: "",
            "smooth" or "ceil", as in `config.data.boundary`.
        classes: The number of classes by which labels shift the target's priors; 0 for no labels.
        smallest_level: The smallest height and width of the last level, in pixels.
        halvings: How often networks halve a whole image, however many levels there are.
        reads_classes: Whether the family's priors can be shifted by a class.

    Raises:
        UserError: If the image size does not fit the levels, or a value is not possible.
    """

    boundary_maps: str = ""
    classes: int = 0
    smallest_level: int = 1
    halvings: int = 0
    reads_classes: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        choice(BOUNDARIES).check(self.boundary_maps, "config.data.boundary")
        self._check_image_size()

    def _check_image_size(self) -> None:
        if len(self.image_size) != 2:
            raise UserError(
                f"config.data.image_size={self.image_size} must be height and width, "
                "for example (256, 256)."
            )
        if self._fits(self.levels):
            return
        factor, least = self._factor(self.levels), self.smallest_level
        smallest = max(least * 2**self.levels, factor)
        fewer = [n for n in range(1, self.levels) if self._fits(n)]
        plural = "s" if fewer and fewer[-1] > 1 else ""
        height, width = self.image_size
        reason = f"the smallest level has {least} pixel{'s' if least > 1 else ''}"
        if self.halvings > self.levels:
            reason = f"networks can halve it {self.halvings} times"
        raise UserError(
            f"An image of {height}×{width} does not fit {self.levels} levels: its height and "
            f"width must be multiples of {factor} and at least {smallest}, so that {reason}. "
            f"The nearest sizes that fit: {nearest_sizes(self.image_size, factor, smallest)}."
            + (
                f" Or keep the size and use {fewer[-1]} level{plural} (config.model.steps)."
                if fewer
                else ""
            )
        )

    def _fits(self, levels: int) -> bool:
        return all(
            n % self._factor(levels) == 0 and n >> levels >= self.smallest_level
            for n in self.image_size
        )

    def _factor(self, levels: int) -> int:
        """The factor that height and width must have."""
        return int(2 ** max(levels, self.halvings))

    @property
    def levels(self) -> int:
        """Number of levels."""
        return len(self.steps)

    @property
    def compute(self) -> Compute:
        """Precision and memory of the networks, on this process's devices."""
        tile = self.tile
        if tile is None:
            tile = CPU_TILE if jax.default_backend() == "cpu" else ACCELERATOR_TILE
        return Compute(self.precision, tile or None, store=self.memory_mode == "store")

    @property
    def annotations(self) -> Annotations:
        """The annotations that the model reads."""
        sizes = self.level_sizes if self.boundary_maps else ()
        return Annotations(self.boundary_maps, sizes, label=self.classes > 0)

    @property
    def level_sizes(self) -> tuple[tuple[int, int], ...]:
        """(H, W) of each level's images, after its squeeze."""
        height, width = self.image_size
        return tuple((height >> level, width >> level) for level in range(1, self.levels + 1))

    @property
    def level_channels(self) -> tuple[int, ...]:
        """Channels at each level: a squeeze multiplies them by four, a split keeps half."""
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


@dataclass(frozen=True)
class FullGlowArchitecture(FullGlowSettings, FlowArchitecture):
    """A Full-Glow's."""

    smallest_level: int = SMALLEST_LEVEL


@dataclass(frozen=True)
class GlowArchitecture(GlowSettings, FlowArchitecture):
    """A Glow's.

    Attributes:
        condition_maps: Whether the couplings read maps, (B, h, w, C) per level.
    """

    condition_maps: bool = False
    reads_classes: ClassVar[bool] = True


@dataclass(frozen=True)
class CFlowArchitecture(CFlowSettings, FlowArchitecture):
    """A C-Flow's."""


@dataclass(frozen=True)
class DualGlowArchitecture(DualGlowSettings, FlowArchitecture):
    """A DUAL-Glow's."""

    reads_classes: ClassVar[bool] = True


@dataclass(frozen=True)
class CGlowArchitecture(CGlowSettings, FlowArchitecture):
    """A C-Glow's."""

    halvings: int = HALVINGS
