"""Cars, trucks, buses and trams: profiles with a width."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fullglow_jax.palette import ID
from fullglow_jax.street_scenes.parts import Camera, Caster, Facing, Floats, Material, Thing, disc

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Body:
    """The shape of a kind of vehicle, in metres from its tail and above the road.

    Attributes:
        label: label id.
        width: metres.
        profile: its outline from the side, from the foot of the tail over the top to the nose.
        skins: the material of each edge of the profile.
        side: the material of its sides.
        windows: the outlines of its side windows.
        wheels: where its wheels are.
        radius: radius of a wheel.
        belt: height above which the sides lean inwards.
    """

    label: int
    width: float
    profile: Points
    skins: tuple[Material, ...]
    side: Material
    windows: tuple[Points, ...]
    wheels: tuple[float, ...]
    radius: float = 0.34
    belt: float = 1.02


def _panes(start: float, end: float, low: float, high: float, count: int) -> tuple[Points, ...]:
    """A row of `count` equal side windows between `start` and `end`."""
    step = (end - start) / count
    lefts = [start + step * k for k in range(count)]
    rights = [left + 0.9 * step for left in lefts]
    return tuple(
        ((left, low), (right, low), (right, high), (left, high))
        for left, right in zip(lefts, rights, strict=True)
    )


_PAINT, _GLASS, _LIVERY, _CARGO = Material.PAINT, Material.GLASS, Material.LIVERY, Material.CARGO
_COACH = (_LIVERY, _GLASS, _LIVERY, _LIVERY, _GLASS, _LIVERY)

SALOON = Body(
    label=ID["car"],
    width=1.82,
    profile=(
        (0, 0.33), (0, 0.95), (0.7, 1.0), (1.25, 1.42), (2.5, 1.45), (3.25, 0.98), (4.35, 0.8),
        (4.4, 0.33),
    ),
    skins=(_PAINT, _PAINT, _GLASS, _PAINT, _GLASS, _PAINT, _PAINT),
    side=_PAINT,
    windows=(
        ((0.95, 1.0), (1.8, 1.0), (1.8, 1.36), (1.35, 1.36)),
        ((1.9, 1.0), (3.0, 1.0), (2.48, 1.38), (1.9, 1.37)),
    ),
    wheels=(0.85, 3.5),
)  # fmt: skip
HATCHBACK = Body(
    label=ID["car"],
    width=1.76,
    profile=(
        (0, 0.33), (0.05, 0.98), (0.45, 1.47), (2.3, 1.52), (3.05, 1.0), (3.85, 0.85), (3.9, 0.33),
    ),
    skins=(_PAINT, _GLASS, _PAINT, _GLASS, _PAINT, _PAINT),
    side=_PAINT,
    windows=(
        ((0.4, 1.02), (1.5, 1.02), (1.5, 1.42), (0.65, 1.4)),
        ((1.6, 1.02), (2.8, 1.02), (2.28, 1.45), (1.6, 1.42)),
    ),
    wheels=(0.7, 3.1),
)  # fmt: skip
VAN = Body(
    label=ID["car"],
    width=1.95,
    profile=(
        (0, 0.36), (0, 1.15), (0.15, 1.98), (3.4, 2.0), (4.1, 1.2), (4.75, 1.0), (4.8, 0.36),
    ),
    skins=(_PAINT, _GLASS, _PAINT, _GLASS, _PAINT, _PAINT),
    side=_PAINT,
    windows=(*_panes(0.3, 2.5, 1.18, 1.8, 2), ((2.6, 1.18), (3.85, 1.18), (3.4, 1.82), (2.6, 1.8))),
    wheels=(0.8, 3.9),
    belt=1.3,
)  # fmt: skip
TRUCK = Body(
    label=ID["truck"],
    width=2.45,
    profile=(
        (0, 0.7), (0, 3.4), (5.4, 3.4), (5.5, 2.75), (6.9, 2.7), (7.2, 1.6), (7.25, 0.5),
    ),
    skins=(_CARGO, _CARGO, _CARGO, _PAINT, _GLASS, _PAINT),
    side=_CARGO,
    windows=(((5.9, 1.65), (6.95, 1.65), (6.75, 2.4), (5.9, 2.4)),),
    wheels=(1.2, 2.2, 6.3),
    radius=0.48,
    belt=9.0,
)  # fmt: skip
BUS = Body(
    label=ID["bus"],
    width=2.5,
    profile=((0, 0.4), (0, 1.4), (0, 2.6), (0, 3.05), (10.5, 3.05), (10.5, 2.6), (10.6, 0.4)),
    skins=_COACH,
    side=_LIVERY,
    windows=_panes(0.3, 10.4, 1.25, 2.5, 6),
    wheels=(2.4, 8.2),
    radius=0.48,
    belt=9.0,
)
TRAM = Body(
    label=ID["train"],
    width=2.5,
    profile=((0, 0.4), (0, 1.3), (0.2, 2.8), (0.4, 3.4), (22, 3.4), (22.2, 2.8), (22.4, 0.4)),
    skins=_COACH,
    side=_LIVERY,
    windows=_panes(0.8, 21.8, 1.3, 2.6, 10),
    wheels=(),
    belt=9.0,
)

CARS = (SALOON, HATCHBACK, VAN)


def vehicle(camera: Camera, body: Body, x: float, z: float, *, oncoming: bool) -> Thing:
    """A vehicle along the road: x is its middle and z its near end, metres.

    The camera sees its front if it is oncoming, else its back.
    """
    length = body.profile[-1][0]
    half = body.width / 2
    thing = Thing(depth=z)

    def turned(points: Points) -> Floats:
        flat = np.asarray(points, float)
        return np.stack([length - flat[:, 0], flat[:, 1]], -1) if oncoming else flat

    # From here on, the profile runs from the near end to the far end.
    profile = turned(body.profile)[:: -1 if oncoming else 1]
    skins = body.skins[:: -1 if oncoming else 1]
    halves = np.where(profile[:, 1] > body.belt, half * 0.84, half)

    for dz in {float(turned(((w, 0.0),))[0, 0]) for w in body.wheels}:
        for side in (-1, 1):
            outline = camera.upright(
                x + side * (half - 0.13), z + dz - body.radius, _rectangle(0.11, 0, 0.6)
            )
            thing.add(outline, body.label, Material.RUBBER)
    for k in reversed(range(len(skins))):
        (z0, y0), (z1, y1) = profile[k], profile[k + 1]
        corners = [
            (x - halves[k], y0, z + z0),
            (x + halves[k], y0, z + z0),
            (x + halves[k + 1], y1, z + z1),
            (x - halves[k + 1], y1, z + z1),
        ]
        facing = Facing.UP if abs(z1 - z0) > abs(y1 - y0) else Facing.CAMERA
        thing.add(camera.project(corners), body.label, skins[k], facing)
    _lights(thing, camera, body, x, z, oncoming)
    _flank(thing, camera, body, x, z, turned)

    corners_on_ground = np.array(
        [(x - half, z), (x + half, z), (x + half, z + length), (x - half, z + length)]
    )
    thing.casters.append(Caster(corners_on_ground, 0.0, float(profile[:, 1].max()), touches=True))
    return thing


def _rectangle(half: float, low: float, high: float) -> Points:
    return ((-half, low), (half, low), (half, high), (-half, high))


def _lights(thing: Thing, camera: Camera, body: Body, x: float, z: float, oncoming: bool) -> None:
    """Adds the lamps and the number plate of the end that the camera sees."""
    lamp = Material.HEADLIGHT if oncoming else Material.TAILLIGHT
    low = body.profile[-1][1] + 0.28
    for side in (-1, 1):
        spot = x + side * (body.width / 2 - 0.2)
        thing.add(camera.upright(spot, z, _rectangle(0.15, low, low + 0.2)), body.label, lamp)
    plate = camera.upright(x, z, _rectangle(0.26, low - 0.08, low + 0.06))
    thing.add(plate, body.label, Material.PLATE)
    bumper = _rectangle(body.width / 2, body.profile[0][1] - 0.06, body.profile[0][1] + 0.1)
    thing.add(camera.upright(x, z, bumper), body.label, Material.RUBBER)


def _flank(
    thing: Thing,
    camera: Camera,
    body: Body,
    x: float,
    z: float,
    turned: Callable[[Points], Floats],
) -> None:
    """Adds the side that the camera sees, if it sees one."""
    half = body.width / 2
    if camera.sees_left_side(x - half, z):
        sign, facing = -1, Facing.LEFT
    elif not camera.sees_left_side(x + half, z):
        sign, facing = 1, Facing.RIGHT
    else:
        return

    def panel(points: Points, material: Material) -> None:
        flat = turned(points)
        halves = np.where(flat[:, 1] > body.belt, half * 0.84, half)
        corners = np.stack([x + sign * halves, flat[:, 1], z + flat[:, 0]], -1)
        thing.add(camera.project(corners), body.label, material, facing)

    panel(body.profile, body.side)
    for window in body.windows:
        panel(window, Material.GLASS)
    for along in body.wheels:
        for radius, material in ((body.radius, Material.RUBBER), (0.19, Material.HUB)):
            ring = disc((along, body.radius), (radius, radius))
            panel(tuple((float(a), float(b)) for a, b in ring), material)
