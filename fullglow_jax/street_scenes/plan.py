"""The plan of a scene: all its things, and the part that is seen at each pixel."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from fullglow_jax.palette import COUNTABLE, ID
from fullglow_jax.street_scenes import frontage, furniture, people, vehicles
from fullglow_jax.street_scenes.frontage import Plot
from fullglow_jax.street_scenes.parts import Camera, Caster, Facing, Floats, Material, Thing, disc

_Maker = Callable[[np.random.Generator, Camera, float, float], Thing]

_LANE = 3.4
_NEAR = 1.3
"""Smallest distance from the camera, metres; it is below the bottom of every picture."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The parts that are seen, and tables with one entry for each part.

    Attributes:
        camera: the camera.
        index: the number of the part that is seen at each pixel, (height, width).
        label: label ids, (n,).
        instance: the value in `instanceIds` files, (n,).
        material: values of `Material`, (n,).
        facing: values of `Facing`, (n,).
        owner: the number of the part's thing, (n,).
        depth: the thing's distance ahead, metres, (n,).
        casters: prisms that throw shadows.
    """

    camera: Camera
    index: NDArray[np.int32]
    label: NDArray[np.uint8]
    instance: NDArray[np.uint16]
    material: NDArray[np.uint8]
    facing: NDArray[np.uint8]
    owner: NDArray[np.int32]
    depth: Floats
    casters: tuple[Caster, ...]


@dataclass(frozen=True, slots=True)
class _Side:
    """One side of the street: its sign, the x of kerb, lawn (if any) and plots, and its style."""

    sign: int
    kerb: float
    lawn: float
    plots: float
    style: str


def plan_scene(rng: np.random.Generator, height: int, width: int) -> Plan:
    """Draws a street at random; of height and width, in pixels, only the ratio has an effect."""
    camera = Camera(
        focal=rng.uniform(0.75, 1.05) * height,
        centre=width / 2 + rng.uniform(-0.3, 0.3) * height,
        horizon=rng.uniform(0.42, 0.54) * height,
        height=rng.uniform(1.45, 2.0),
        bend=rng.normal(0, 0.0009),
    )
    lanes_left, lanes_right = int(rng.integers(1, 3)), int(rng.random() < 0.35)
    parking = rng.random(2) < 0.55
    sides = []
    for sign, lanes, parked in ((-1, lanes_left, parking[0]), (1, lanes_right, parking[1])):
        kerb = _LANE * (0.5 + lanes) + 2.2 * parked + rng.uniform(0, 0.8)
        style = str(rng.choice(["town", "suburb", "green"], p=[0.5, 0.27, 0.23]))
        lawn = kerb + rng.uniform(2.0, 4.5)
        plots = lawn + (rng.uniform(1.5, 6.0) if style != "town" and rng.random() < 0.6 else 0.0)
        sides.append(_Side(sign, sign * kerb, sign * lawn, sign * plots, style))

    ground = _ground(rng, camera, height, width, sides, lanes_left, lanes_right)
    things = list(_skyline(rng, camera, width / camera.focal))
    for side in sides:
        things += _frontages(rng, camera, side)
        things += _pavement(rng, camera, side)
        if parking[(side.sign + 1) // 2]:
            things += _parked(rng, camera, side)
    things += _traffic(rng, camera, lanes_left, lanes_right)
    things.sort(key=lambda thing: -thing.depth)
    ordered = [ground, *things]
    if rng.random() < 0.3:
        ordered.append(_bonnet(rng, height, width))
    return _assemble(camera, ordered, height, width)


def _assemble(camera: Camera, things: list[Thing], height: int, width: int) -> Plan:
    """Numbers the parts and instances of things, and paints them over one another."""
    canvas = Image.new("I", (width, height))
    draw = ImageDraw.Draw(canvas)
    rows: list[tuple[int, int, int, int, int, float]] = []
    counts: Counter[int] = Counter()
    for owner, thing in enumerate(things):
        countable = sorted({part.label for part in thing.parts} & COUNTABLE)
        instances = {label: label * 1000 + counts[label] for label in countable}
        counts.update(countable)
        for part in thing.parts:
            draw.polygon(part.outline.ravel().tolist(), fill=len(rows))
            instance = instances.get(part.label, part.label)
            rows.append((part.label, instance, part.material, part.facing, owner, thing.depth))
    label, instance, material, facing, owners, depth = np.array(rows).T
    return Plan(
        camera=camera,
        index=np.asarray(canvas, np.int32),
        label=label.astype(np.uint8),
        instance=instance.astype(np.uint16),
        material=material.astype(np.uint8),
        facing=facing.astype(np.uint8),
        owner=owners.astype(np.int32),
        depth=depth,
        casters=tuple(caster for thing in things for caster in thing.casters),
    )


def _ground(
    rng: np.random.Generator,
    camera: Camera,
    height: int,
    width: int,
    sides: list[_Side],
    lanes_left: int,
    lanes_right: int,
) -> Thing:
    """The sky, and the flat things: road, markings, pavements and the land beyond them."""
    thing = Thing(depth=1000.0)
    sky = np.array([(0, 0), (width, 0), (width, height), (0, height)], float)
    thing.add(sky, ID["sky"], Material.SKY)
    thing.add(sky * (1, 0) + (0, camera.horizon) + (sky > 0) * (0, height), ID["terrain"],
              Material.GRASS, Facing.UP)  # fmt: skip
    ahead = np.geomspace(_NEAR, 400, 24)

    def strip(x0: float, x1: float, label: str, material: Material) -> None:
        there = np.stack([np.full_like(ahead, x0), np.zeros_like(ahead), ahead], -1)
        back = np.stack([np.full_like(ahead, x1), np.zeros_like(ahead), ahead], -1)[::-1]
        outline = camera.project(np.concatenate([there, back]))
        thing.add(outline, ID[label], material, Facing.UP)

    for side in sides:
        if side.style == "town":
            strip(side.plots, side.plots + side.sign * 60, "sidewalk", Material.PAVEMENT)
        strip(side.kerb, side.lawn, "sidewalk", Material.PAVEMENT)
    strip(sides[0].kerb, sides[1].kerb, "road", Material.ASPHALT)
    for side in sides:
        strip(side.kerb, side.kerb + side.sign * 0.3, "sidewalk", Material.KERB)

    def mark(x: float, half: float, starts: Floats, length: float) -> None:
        for z in starts:
            outline = camera.flat(x - half, x + half, z, z + length)
            thing.add(outline, ID["road"], Material.MARKING, Facing.UP)

    for lane in range(-lanes_left, lanes_right):
        solid = lane == -1 and rng.random() < 0.3
        starts = np.arange(_NEAR + rng.uniform(0, 4), 90, 3.0 if solid else 7.0)
        mark((lane + 0.5) * _LANE, 0.09, starts, 3.0)
    if rng.random() < 0.3:
        at = rng.uniform(7, 20)
        for x in np.arange(sides[0].kerb + 0.6, sides[1].kerb - 0.5, 1.1):
            mark(x, 0.28, np.array([at]), 3.2)
    if lanes_left == 2 and rng.random() < 0.3:
        for x in (-_LANE - 0.72, -_LANE + 0.72):
            strip(x - 0.06, x + 0.06, "road", Material.RAIL)
    return thing


def _skyline(rng: np.random.Generator, camera: Camera, reach: float) -> Iterator[Thing]:
    """Houses and trees across the street at the far end."""
    for z in (260.0, 190.0):
        x = -0.7 * reach * z
        while x < 0.7 * reach * z:
            wide = rng.uniform(14, 45)
            thing = Thing(depth=z)
            if rng.random() < 0.55:
                outline = camera.front(z, x, x + wide, -1, rng.uniform(9, 34))
                thing.add(outline, ID["building"], Material.FACADE)
            else:
                tall = rng.uniform(8, 16)
                outline = camera.front(z, x - 3, x + wide + 3, -1, 0.5 * tall)
                thing.add(outline, ID["vegetation"], Material.FOLIAGE)
                for dx in np.arange(0, wide + 6, 9):
                    clump = disc((dx, tall * rng.uniform(0.4, 0.6)), (7, 0.5 * tall), 10)
                    outline = camera.upright(x, z, np.maximum(clump, (-np.inf, -1)))
                    thing.add(outline, ID["vegetation"], Material.FOLIAGE)
            yield thing
            x += wide


def _frontages(rng: np.random.Generator, camera: Camera, side: _Side) -> Iterator[Thing]:
    """Buildings, walls, fences and hedges on one side of the street, plot by plot."""
    usual = rng.uniform(7, 19) if side.style == "town" else rng.uniform(6, 10)
    built = {"town": 0.9, "suburb": 0.5, "green": 0.1}[side.style]
    near = _NEAR
    while near < 110:
        far = near + rng.uniform(9, 20)
        plot = Plot(side.plots, near, far, side.sign)
        behind = Plot(side.plots + side.sign * rng.uniform(3, 6), near + 1, far - 1, side.sign)
        roll = rng.random()
        if rng.random() < built:
            if side.style == "town":
                yield frontage.building(rng, camera, plot, usual + rng.uniform(-3, 5))
            else:
                yield frontage.building(rng, camera, behind, usual + rng.uniform(-2, 3))
                edge = (frontage.fence, frontage.wall)[int(roll < 0.4)]
                yield edge(rng, camera, plot)
        elif roll < 0.45:
            yield frontage.hedge(rng, camera, plot, rng.uniform(3, 9))
        else:
            yield frontage.hedge(rng, camera, behind, rng.uniform(4, 10))
            edge = (frontage.fence, frontage.wall)[int(roll < 0.7)]
            yield edge(rng, camera, plot)
        near = far


def _pavement(rng: np.random.Generator, camera: Camera, side: _Side) -> Iterator[Thing]:
    """Things and people on one pavement."""
    near_kerb = side.kerb + side.sign * 0.8
    wide = abs(side.lawn - side.kerb)

    def each(first: float, last: float, gap: float) -> Iterator[float]:
        z = first + rng.exponential(gap / 2)
        while z < last:
            yield z
            z += gap * rng.uniform(0.6, 1.4)

    regular: tuple[tuple[_Maker, float, float], ...] = (
        (furniture.lamp, 0.8, 24.0),
        (furniture.tree, 0.45, rng.uniform(8, 16)),
        (furniture.traffic_sign, 0.75, 22.0),
        (furniture.litter_bin, 0.2, 25.0),
    )
    for maker, chance, gap in regular:
        if rng.random() < chance:
            for z in each(6.0, 75.0, gap):
                yield maker(rng, camera, near_kerb, z)
    if rng.random() < 0.4:
        yield furniture.traffic_light(rng, camera, near_kerb, rng.uniform(8, 22))
    for _ in range(rng.poisson(rng.choice([0.6, 3.5]))):
        x = side.kerb + side.sign * rng.uniform(0.7, wide - 0.4)
        yield people.walker(rng, camera, x, 5.0 + rng.exponential(11))
    for _ in range(rng.poisson(0.5)):
        x, z = near_kerb + side.sign * 0.4, rng.uniform(6, 20)
        yield people.two_wheeler(rng, camera, x, z, label=ID["bicycle"], ridden=False)


def _parked(rng: np.random.Generator, camera: Camera, side: _Side) -> Iterator[Thing]:
    """Cars along the kerb, with gaps."""
    x = side.kerb - side.sign * 1.15
    z = rng.uniform(2.5, 14)
    while z < 80:
        body = vehicles.CARS[rng.integers(3)]
        if rng.random() < 0.75:
            yield vehicles.vehicle(camera, body, x, z, oncoming=side.sign < 0)
        z += 5.2 + rng.exponential(1.5)


def _traffic(
    rng: np.random.Generator, camera: Camera, lanes_left: int, lanes_right: int
) -> Iterator[Thing]:
    """Moving traffic, which keeps right, and now and then people who cross the road."""
    for lane in range(-lanes_left, lanes_right + 1):
        busy = rng.uniform(8, 45)
        z = 8.0 + rng.exponential(busy / 2) if lane == 0 else 4.0 + rng.exponential(busy / 2)
        while z < 90:
            x = lane * _LANE + rng.uniform(-0.3, 0.3)
            roll = rng.random()
            if roll < 0.13:
                label = ID["bicycle"] if roll < 0.09 else ID["motorcycle"]
                yield people.two_wheeler(rng, camera, x + 0.6, z, label=label, ridden=True)
                z += 3
            else:
                body = vehicles.CARS[rng.integers(3)]
                if roll > 0.87:
                    tram = lane < 0 and roll > 0.97
                    body = vehicles.TRAM if tram else (vehicles.TRUCK, vehicles.BUS)[roll > 0.925]
                yield vehicles.vehicle(camera, body, x, z, oncoming=lane < 0)
                z += body.profile[-1][0] + 2
            z += rng.exponential(busy)
    if rng.random() < 0.2:
        for _ in range(rng.integers(1, 4)):
            x, z = rng.uniform(-5, 3), rng.uniform(7, 16)
            yield people.walker(rng, camera, x, z)


def _bonnet(rng: np.random.Generator, height: int, width: int) -> Thing:
    """The bonnet of the car that carries the camera."""
    thing = Thing(depth=_NEAR)
    x = np.linspace(-0.1, 1.1, 24)
    top = 1 - rng.uniform(0.04, 0.09) * np.sqrt(np.maximum(1 - (2 * x - 1) ** 4, 0))
    outline = np.concatenate([np.stack([x, top], -1), [(1.1, 1.1), (-0.1, 1.1)]])
    thing.add(outline * (width, height), ID["ego vehicle"], Material.HOOD, Facing.UP)
    return thing
