"""Buildings, walls, fences and hedges along a street."""

from dataclasses import dataclass

import numpy as np

from fullglow_jax.palette import ID
from fullglow_jax.street_scenes.parts import Camera, Caster, Facing, Floats, Material, Thing, blob

_STOREY = 3.2
_DETAIL_TO = 70.0
"""The distance, in metres, beyond which windows are too small to draw."""


@dataclass(frozen=True, slots=True)
class Plot:
    """A piece of land along the street.

    Attributes:
        x: x of its edge on the street, metres.
        near: the z where it starts.
        far: the z where it ends.
        side: -1 to the left of the street, 1 to its right.
    """

    x: float
    near: float
    far: float
    side: int

    @property
    def facing(self) -> Facing:
        """The direction of its front."""
        return Facing.RIGHT if self.side < 0 else Facing.LEFT

    def shade(self, bottom: float, top: float) -> Caster:
        """The shadow of an upright plane on its edge."""
        return Caster(np.array([(self.x, self.near), (self.x, self.far)]), bottom, top)


def building(rng: np.random.Generator, camera: Camera, plot: Plot, height: float) -> Thing:
    """A building that fills a plot, about `height` metres high."""
    storeys = max(2, round(height / _STOREY))
    top = storeys * _STOREY + 0.6
    deep = rng.uniform(9, 14)
    pitched, shops, banded = rng.random(3) < (0.5, 0.45, 0.4)
    bay = rng.uniform(2.2, 3.6)
    glazing = rng.uniform(0.36, 0.62), rng.uniform(0.42, 0.62)
    thing = Thing(depth=plot.far)
    label = ID["building"]
    x, z0, z1 = plot.x, plot.near, plot.far
    back = x + plot.side * deep

    if pitched:
        ridge_x, ridge_y = x + plot.side * deep / 2, top + rng.uniform(1.5, 3.5)
        slope = [(x, top, z0), (x, top, z1), (ridge_x, ridge_y, z1), (ridge_x, ridge_y, z0)]
        thing.add(camera.project(slope), label, Material.ROOF, plot.facing)
        gable = [(x, top, z0), (back, top, z0), (ridge_x, ridge_y, z0)]
        thing.add(camera.project(gable), label, Material.FACADE)
    thing.add(camera.front(z0, min(x, back), max(x, back), 0, top), label, Material.FACADE)
    thing.add(camera.side(x, z0, z1, 0, top), label, Material.FACADE, plot.facing)
    thing.casters.append(plot.shade(0, top))
    if z0 > _DETAIL_TO:
        return thing

    if not pitched:
        thing.add(camera.side(x, z0, z1, top - 0.5, top), label, Material.TRIM, plot.facing)
    if banded:
        for storey in range(1, storeys):
            low = storey * _STOREY
            outline = camera.side(x, z0, z1, low, low + 0.25)
            thing.add(outline, label, Material.TRIM, plot.facing)
    gable_end = _grid(deep, storeys, 3.4, (0.35, 0.5), first=0)
    for quad in camera.project(
        np.stack([x + plot.side * gable_end[..., 0], gable_end[..., 1],
                  np.full(gable_end.shape[:-1], z0)], -1)
    ):  # fmt: skip
        thing.add(quad, label, Material.WINDOW)
    _street_front(thing, camera, plot, storeys, bay, glazing, shops=bool(shops))
    return thing


def _street_front(
    thing: Thing,
    camera: Camera,
    plot: Plot,
    storeys: int,
    bay: float,
    glazing: tuple[float, float],
    *,
    shops: bool,
) -> None:
    """Adds windows, doors and shops to the side along the street."""
    label, facing = ID["building"], plot.facing
    length = plot.far - plot.near

    def on_front(grid: Floats) -> Floats:
        x = np.full(grid.shape[:-1], plot.x)
        return camera.project(np.stack([x, grid[..., 1], plot.near + grid[..., 0]], -1))

    for quad in on_front(_grid(length, storeys, bay, glazing, first=1)):
        thing.add(quad, label, Material.WINDOW, facing)
    if shops:
        for quad in on_front(_grid(length, 1, 4.2, (0.85, 0.7), first=0)):
            thing.add(quad, label, Material.SHOP, facing)
        awning = camera.side(plot.x, plot.near + 0.3, plot.far - 0.3, 2.75, 3.35)
        thing.add(awning, label, Material.AWNING, facing)
        return
    ground = on_front(_grid(length, 1, bay, glazing, first=0))
    for quad in ground:
        thing.add(quad, label, Material.WINDOW, facing)
    middle = length / 2
    door = np.array(
        [(middle - 0.6, 0), (middle + 0.6, 0), (middle + 0.6, 2.4), (middle - 0.6, 2.4)]
    )
    thing.add(on_front(door), label, Material.DOOR, facing)


def _grid(
    length: float, storeys: int, bay: float, glazing: tuple[float, float], first: int
) -> Floats:
    """Windows on a wall, storey by storey from `first`: (n, 4, 2), distances along it and y."""
    columns = max(1, round(length / bay))
    bay = length / columns
    width, tall = bay * glazing[0], _STOREY * glazing[1]
    left = (np.arange(columns) + 0.5) * bay - width / 2
    low = np.arange(first, storeys) * _STOREY + (_STOREY - tall) * 0.55
    corner = np.stack(np.meshgrid(left, low), -1).reshape(-1, 1, 2)
    return corner + np.array([(0, 0), (width, 0), (width, tall), (0, tall)])


def wall(rng: np.random.Generator, camera: Camera, plot: Plot) -> Thing:
    """A garden wall along a plot's edge."""
    high = rng.uniform(1.6, 2.8)
    thing = Thing(depth=plot.far, casters=[plot.shade(0, high)])
    for low, up, material in ((0, high, Material.BRICK), (high, high + 0.18, Material.TRIM)):
        outline = camera.side(plot.x, plot.near, plot.far, low, up)
        thing.add(outline, ID["wall"], material, plot.facing)
    return thing


def fence(rng: np.random.Generator, camera: Camera, plot: Plot) -> Thing:
    """A fence along a plot's edge: railings in front of something dark."""
    high = rng.uniform(1.2, 2.0)
    step = rng.uniform(0.5, 0.9)
    thing = Thing(depth=plot.far)
    label, facing = ID["fence"], plot.facing
    thing.add(camera.side(plot.x, plot.near, plot.far, 0, high), label, Material.FOLIAGE, facing)
    posts = np.arange(plot.near, min(plot.far, 40.0), step)
    for z in posts:
        outline = camera.side(plot.x, z, z + 0.3 * step, 0, high)
        thing.add(outline, label, Material.RAILING, facing)
    for low in (0.15, high - 0.22):
        outline = camera.side(plot.x, plot.near, plot.far, low, low + 0.16)
        thing.add(outline, label, Material.RAILING, facing)
    return thing


def hedge(rng: np.random.Generator, camera: Camera, plot: Plot, height: float) -> Thing:
    """Bushes or a row of trees behind a plot's edge."""
    thing = Thing(depth=plot.far, casters=[plot.shade(0, 0.8 * height)])
    label = ID["vegetation"]
    body = camera.side(plot.x, plot.near, plot.far, 0, 0.62 * height)
    clumps = max(4, int((plot.far - plot.near) / 2.2))
    for facing, level in ((Facing.UP, 0.68), (plot.facing, 0.45)):
        if facing is not Facing.UP:
            thing.add(body, label, Material.FOLIAGE, facing)
        for z in np.linspace(plot.far, plot.near + 0.4, clumps):
            reach = height * rng.uniform(0.22, 0.34)
            middle = height * rng.uniform(level - 0.08, level + 0.08)
            outline = blob(rng, (0.0, middle), (max(1.5, reach), reach), 12)
            upright = camera.upright(plot.x + plot.side * 0.6, z, outline)
            thing.add(upright, label, Material.FOLIAGE, facing)
    return thing
