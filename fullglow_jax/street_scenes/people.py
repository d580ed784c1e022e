"""People on foot, on bicycles and on motorcycles: cut-outs that face the camera."""

import numpy as np

from fullglow_jax.palette import ID
from fullglow_jax.street_scenes.parts import Camera, Caster, Facing, Material, Thing, disc


def _standing(x: float, z: float, half: float, top: float) -> Caster:
    """The shadow of something narrow."""
    footprint = np.array([(x - half, z - 0.1), (x + half, z - 0.1), (x, z + 0.2)])
    return Caster(footprint, 0.0, top, touches=True)


def walker(rng: np.random.Generator, camera: Camera, x: float, z: float) -> Thing:
    """A person who stands or walks at (x, z)."""
    tall = rng.uniform(1.55, 1.9) if rng.random() < 0.85 else rng.uniform(1.0, 1.3)
    stride = rng.uniform(0.02, 0.3)
    swing = rng.uniform(-0.15, 0.15)
    coat_to = rng.uniform(0.36, 0.5)
    bare_arms, bag = rng.random(2) < (0.3, 0.25)
    thing = Thing(depth=z)
    person = ID["person"]

    def limb(points: list[tuple[float, float]], material: Material) -> None:
        scaled = np.asarray(points) * tall
        thing.add(camera.upright(x, z, scaled), person, material)

    for side in (-1, 1):
        foot = side * stride / 2
        hip = side * 0.05
        limb([(hip - 0.055, 0.5), (hip + 0.055, 0.5), (foot + 0.045, 0.03), (foot - 0.045, 0.03)],
             Material.TROUSERS)  # fmt: skip
        limb([(foot - 0.05, 0), (foot + 0.07, 0), (foot + 0.045, 0.05), (foot - 0.045, 0.05)],
             Material.RUBBER)  # fmt: skip
    limb([(-0.12, 0.81), (0.12, 0.81), (0.115, coat_to), (-0.115, coat_to)], Material.COAT)
    for side in (-1, 1):
        hand = side * 0.15 + swing * side
        sleeve = Material.SKIN if bare_arms else Material.COAT
        limb([(side * 0.1, 0.82), (side * 0.15, 0.8), (hand + 0.025, 0.45), (hand - 0.025, 0.45)],
             sleeve)  # fmt: skip
    if bag:
        limb([(0.12, 0.55), (0.22, 0.55), (0.22, 0.38), (0.12, 0.38)], Material.RUBBER)
    thing.add(camera.upright(x, z, disc((0, 0.92 * tall), (0.062 * tall, 0.078 * tall))), person,
              Material.HAIR)  # fmt: skip
    thing.add(camera.upright(x, z, disc((0, 0.895 * tall), (0.05 * tall, 0.06 * tall))), person,
              Material.SKIN)  # fmt: skip
    thing.casters.append(_standing(x, z, 0.2, tall))
    return thing


def two_wheeler(
    rng: np.random.Generator, camera: Camera, x: float, z: float, *, label: int, ridden: bool
) -> Thing:
    """A bicycle or motorcycle, by its label id, at (x, z), at a random angle to the road.

    If it is ridden, it mostly goes along the road, and is two instances: `label`'s and a rider's.
    """
    angle = rng.uniform(0.9, 1.5) if ridden and rng.random() < 0.6 else rng.uniform(0, 0.6)
    # From the front, one wheel hides the other; from the side, they are a wheelbase apart.
    c = float(np.cos(angle)) * float(rng.choice([-1, 1]))
    heavy = label == ID["motorcycle"]
    radius = 0.33
    tyre = 0.12 if heavy else 0.05
    thing = Thing(depth=z)

    def piece(points: object, label: int, material: Material) -> None:
        thing.add(camera.upright(x, z, np.asarray(points, float)), label, material)

    def bar(a: tuple[float, float], b: tuple[float, float], w: float, material: Material) -> None:
        piece([(a[0] * c - w, a[1]), (a[0] * c + w, a[1]), (b[0] * c + w, b[1]),
               (b[0] * c - w, b[1])], label, material)  # fmt: skip

    for hub in (-0.52, 0.52):
        for reach, material in ((radius, Material.RUBBER), (radius - 0.09, Material.HUB)):
            radii = (reach * abs(c) + tyre, reach)
            piece(disc((hub * c, radius), radii), label, material)
    frame = 0.16 if heavy else 0.055
    bar((-0.52, 0.36), (-0.1, 0.78), frame, Material.PAINT)
    bar((-0.1, 0.3), (-0.12, 0.9), frame, Material.PAINT)
    bar((-0.1, 0.32), (0.4, 0.85), frame, Material.PAINT)
    bar((0.52, 0.36), (0.38, 0.98), 0.6 * frame, Material.PAINT)
    piece([(0.38 * c - 0.25, 0.98), (0.38 * c + 0.25, 0.98), (0.38 * c + 0.25, 1.04),
           (0.38 * c - 0.25, 1.04)], label, Material.RUBBER)  # fmt: skip
    if heavy:
        piece(disc((0, 0.62), (0.3 + 0.32 * abs(c), 0.24)), label, Material.PAINT)
    if ridden:
        _ride(thing, camera, x, z, c)
    thing.casters.append(_standing(x, z, 0.2 + 0.6 * abs(c), 1.7 if ridden else 1.0))
    return thing


def _ride(thing: Thing, camera: Camera, x: float, z: float, c: float) -> None:
    """Seats a rider on a two-wheeler whose front is `c` to the right."""
    rider = ID["rider"]

    def piece(points: object, material: Material, facing: Facing = Facing.CAMERA) -> None:
        thing.add(camera.upright(x, z, np.asarray(points, float)), rider, material, facing)

    for side, pedal in ((-1, 0.2), (1, 0.42)):
        foot = side * 0.1 + 0.05 * c
        piece([(-0.15 * c - 0.09, 1.0), (-0.15 * c + 0.09, 1.0), (foot + 0.07, pedal),
               (foot - 0.07, pedal)], Material.TROUSERS)  # fmt: skip
    piece([(-0.18 * c - 0.17, 0.92), (-0.18 * c + 0.17, 0.92), (0.12 * c + 0.22, 1.48),
           (0.12 * c - 0.22, 1.48)], Material.COAT)  # fmt: skip
    for side in (-1, 1):
        shoulder = 0.12 * c + side * 0.2
        hand = 0.36 * c + side * 0.24
        piece([(shoulder - 0.06, 1.46), (shoulder + 0.06, 1.46), (hand + 0.05, 1.04),
               (hand - 0.05, 1.04)], Material.COAT)  # fmt: skip
    piece(disc((0.2 * c, 1.62), (0.1, 0.13)), Material.SKIN)
    piece(disc((0.19 * c, 1.68), (0.115, 0.1)), Material.HAIR, Facing.UP)
