"""What a scene is made of: flat outlines, each of one label and one material, seen by a camera."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, auto
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.floating[Any]]


class Material(IntEnum):
    """What a part is made of; the photo decides what that looks like."""

    SKY = 0
    ASPHALT = auto()
    MARKING = auto()
    PAVEMENT = auto()
    KERB = auto()
    GRASS = auto()
    RAIL = auto()
    FACADE = auto()
    TRIM = auto()
    ROOF = auto()
    WINDOW = auto()
    SHOP = auto()
    AWNING = auto()
    DOOR = auto()
    BRICK = auto()
    RAILING = auto()
    FOLIAGE = auto()
    TRUNK = auto()
    PAINT = auto()
    CARGO = auto()
    LIVERY = auto()
    GLASS = auto()
    RUBBER = auto()
    HUB = auto()
    HEADLIGHT = auto()
    TAILLIGHT = auto()
    PLATE = auto()
    METAL = auto()
    LAMP = auto()
    HOUSING = auto()
    SIGNAL_RED = auto()
    SIGNAL_GREEN = auto()
    SIGN_RIM = auto()
    SIGN_FACE = auto()
    COAT = auto()
    TROUSERS = auto()
    SKIN = auto()
    HAIR = auto()
    HOOD = auto()


class Facing(IntEnum):
    """The direction that a part's surface faces, for its light."""

    CAMERA = 0
    UP = auto()
    LEFT = auto()
    RIGHT = auto()


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole camera above a road that bends.

    World coordinates are metres: x to the right of the camera's path, y above the road, z ahead.

    Attributes:
        focal: focal length, pixels.
        centre: column of the vanishing point, pixels.
        horizon: row of the vanishing point, pixels.
        height: of the camera above the road, metres.
        bend: the road's sideways shift is `bend * z**2`, metres.
    """

    focal: float
    centre: float
    horizon: float
    height: float
    bend: float

    def project(self, points: ArrayLike) -> Floats:
        """Where world points (..., 3) are seen: (..., 2) of column and row. z must be positive."""
        world = np.asarray(points, float)
        z = world[..., 2]
        seen = np.empty((*world.shape[:-1], 2))
        seen[..., 0] = self.centre + self.focal * (world[..., 0] / z + self.bend * z)
        seen[..., 1] = self.horizon + self.focal * (self.height - world[..., 1]) / z
        return seen

    def upright(self, x: float, z: float, points: ArrayLike) -> Floats:
        """An outline in the plane that faces the camera at `z`: points are (x offset, y)."""
        flat = np.asarray(points, float)
        world = np.full((len(flat), 3), z)
        world[:, 0] = x + flat[:, 0]
        world[:, 1] = flat[:, 1]
        return self.project(world)

    def along(self, x: float, z: float, points: ArrayLike) -> Floats:
        """An outline in the upright plane along the road at `x`: points are (z offset, y)."""
        flat = np.asarray(points, float)
        world = np.full((len(flat), 3), x)
        world[:, 1] = flat[:, 1]
        world[:, 2] = z + flat[:, 0]
        return self.project(world)

    def sees_left_side(self, x: float, z: float) -> bool:
        """Whether a surface at `x` that faces left shows itself, rather than its back."""
        return x > self.bend * z * z

    def front(self, z: float, x0: float, x1: float, y0: float, y1: float) -> Floats:
        """An upright rectangle that faces the camera, as four corners."""
        return self.project([(x0, y0, z), (x1, y0, z), (x1, y1, z), (x0, y1, z)])

    def side(self, x: float, z0: float, z1: float, y0: float, y1: float) -> Floats:
        """An upright rectangle along the road, as four corners."""
        return self.project([(x, y0, z0), (x, y0, z1), (x, y1, z1), (x, y1, z0)])

    def flat(self, x0: float, x1: float, z0: float, z1: float, y: float = 0.0) -> Floats:
        """A level rectangle, as four corners."""
        return self.project([(x0, y, z0), (x1, y, z0), (x1, y, z1), (x0, y, z1)])


@dataclass(frozen=True, slots=True)
class Part:
    """A flat piece of a thing.

    Attributes:
        outline: its corners in the picture, (n, 2) of column and row.
        label: label id.
        material: what it is made of.
        facing: where its surface faces.
    """

    outline: Floats
    label: int
    material: Material
    facing: Facing = Facing.CAMERA


@dataclass(frozen=True, slots=True)
class Caster:
    """What throws a shadow: an upright prism.

    Attributes:
        footprint: its corners on the ground, (n, 2) of x and z, metres.
        bottom: height at which it starts, metres.
        top: height at which it ends, metres.
        touches: whether it darkens the ground right below it in any light.
    """

    footprint: Floats
    bottom: float
    top: float
    touches: bool = False


@dataclass(slots=True)
class Thing:
    """One object: parts that hide one another in the order given, the last on top.

    Attributes:
        depth: of two things the one with the greater depth, metres, is painted first: the near
            end of what stands on the road, the far end of what lines it.
        parts: its parts.
        casters: what of it throws shadows.
    """

    depth: float
    parts: list[Part] = field(default_factory=list)
    casters: list[Caster] = field(default_factory=list)

    def add(
        self,
        outline: Floats,
        label: int,
        material: Material,
        facing: Facing = Facing.CAMERA,
    ) -> None:
        """Puts a part on top of the others."""
        self.parts.append(Part(outline, label, material, facing))


@cache
def _circle(corners: int) -> Floats:
    """The corners of a regular polygon about the origin, (corners, 2)."""
    angles = 2 * np.pi * np.arange(corners) / corners
    return np.stack([np.cos(angles), np.sin(angles)], -1)


def blob(
    rng: np.random.Generator, centre: tuple[float, float], radii: tuple[float, float], corners: int
) -> Floats:
    """A roundish outline with an uneven rim: (corners, 2) points about `centre`."""
    reach = rng.uniform(0.82, 1.12, corners)[:, None]
    return np.array(centre) + reach * _circle(corners) * radii


def disc(centre: tuple[float, float], radii: tuple[float, float], corners: int = 12) -> Floats:
    """An ellipse as a polygon: (corners, 2) points."""
    return np.array(centre) + _circle(corners) * radii
