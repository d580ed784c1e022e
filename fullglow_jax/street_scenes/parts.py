"""Parts of a scene: flat outlines, each of one label and one material, seen by a camera."""

from dataclasses import dataclass, field
from enum import IntEnum, auto
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.floating[Any]]


Material = IntEnum(
    "Material",
    "SKY ASPHALT MARKING PAVEMENT KERB GRASS RAIL "
    "FACADE TRIM ROOF WINDOW SHOP AWNING DOOR BRICK RAILING FOLIAGE TRUNK "
    "PAINT CARGO LIVERY GLASS RUBBER HUB HEADLIGHT TAILLIGHT PLATE "
    "METAL LAMP HOUSING SIGNAL_RED SIGNAL_GREEN SIGN_RIM SIGN_FACE "
    "COAT TROUSERS SKIN HAIR HOOD",
    start=0,
)
"""The material of a part; the photo decides its look."""


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
        height: height of the camera above the road, metres.
        bend: the road's sideways shift is `bend * z**2`, metres.
    """

    focal: float
    centre: float
    horizon: float
    height: float
    bend: float

    def project(self, points: ArrayLike) -> Floats:
        """World points (..., 3) as picture points (..., 2), column and row. z must be positive."""
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
        """Whether the camera sees the front of a surface at `x` that faces left."""
        return x > self.bend * z * z

    def front(self, z: float, x0: float, x1: float, y0: float, y1: float) -> Floats:
        """An upright rectangle that faces the camera, as four corners."""
        return self.project([(x0, y0, z), (x1, y0, z), (x1, y1, z), (x0, y1, z)])

    def side(self, x: float, z0: float, z1: float, y0: float, y1: float) -> Floats:
        """An upright rectangle along the road, as four corners."""
        return self.project([(x, y0, z0), (x, y0, z1), (x, y1, z1), (x, y1, z0)])

    def flat(self, x0: float, x1: float, z0: float, z1: float) -> Floats:
        """A rectangle on the road, as four corners."""
        return self.project([(x0, 0, z0), (x1, 0, z0), (x1, 0, z1), (x0, 0, z1)])


@dataclass(frozen=True, slots=True)
class Part:
    """A flat piece of a thing.

    Attributes:
        outline: its corners in the picture, (n, 2), column and row.
        label: label id.
        material: its material.
        facing: the direction of its surface.
    """

    outline: Floats
    label: int
    material: Material
    facing: Facing = Facing.CAMERA


@dataclass(frozen=True, slots=True)
class Caster:
    """An upright prism that throws a shadow.

    Attributes:
        footprint: its corners on the ground, (n, 2), x and z, metres.
        bottom: height of its lower end, metres.
        top: height of its upper end, metres.
        touches: whether it darkens the ground below it in any light.
    """

    footprint: Floats
    bottom: float
    top: float
    touches: bool = False


@dataclass(slots=True)
class Thing:
    """One object with its parts; later parts hide earlier ones.

    Attributes:
        depth: distance in metres: things with greater depth are painted first. It is the near end
            of things on the road, and the far end of things along it.
        parts: its parts.
        casters: prisms that throw its shadows.
    """

    depth: float
    parts: list[Part] = field(default_factory=list)
    casters: list[Caster] = field(default_factory=list)

    def add(
        self, outline: Floats, label: int, material: Material, facing: Facing = Facing.CAMERA
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
