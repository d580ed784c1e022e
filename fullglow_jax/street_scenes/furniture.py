"""Trees, lamps, traffic lights, traffic signs and bins along a street."""

import numpy as np

from fullglow_jax.palette import ID
from fullglow_jax.street_scenes.parts import Camera, Caster, Facing, Material, Thing, blob, disc


def tree(rng: np.random.Generator, camera: Camera, x: float, z: float) -> Thing:
    """A tree: a trunk and a crown of clumps, the upper ones in the light."""
    tall = rng.uniform(5.0, 10.0)
    spread = tall * rng.uniform(0.24, 0.4)
    stem = tall * rng.uniform(0.22, 0.38)
    crown = tall - stem
    thing = Thing(depth=z)
    label = ID["vegetation"]
    thick = 0.022 * tall
    trunk = [(-thick, 0), (thick, 0), (0.7 * thick, stem + 0.5), (-0.7 * thick, stem + 0.5)]
    thing.add(camera.upright(x, z, trunk), label, Material.TRUNK)

    def clump(dx: float, y: float, reach: float, facing: Facing) -> None:
        outline = blob(rng, (dx, y), (reach, 0.9 * reach), 14)
        thing.add(camera.upright(x, z, outline), label, Material.FOLIAGE, facing)

    clump(0, stem + 0.5 * crown, 0.5 * crown, Facing.CAMERA)
    for _ in range(6):
        dx, up = rng.uniform(-0.75, 0.75) * spread, rng.uniform(0.2, 0.6)
        clump(dx, stem + up * crown, rng.uniform(0.4, 0.6) * spread, Facing.CAMERA)
    for _ in range(5):
        dx, up = rng.uniform(-0.6, 0.6) * spread, rng.uniform(0.55, 0.9)
        clump(dx, stem + up * crown, rng.uniform(0.25, 0.42) * spread, Facing.UP)
    round_about = disc((x, z), (spread, spread), 8)
    thing.casters.append(Caster(round_about, stem, tall - 0.3 * crown))
    thing.casters.append(Caster(np.array([(x - thick, z), (x + thick, z)]), 0, stem))
    return thing


def _pole(camera: Camera, x: float, z: float, tall: float, thick: float) -> Thing:
    """A post with its shadow, for lamps, lights and signs."""
    thing = Thing(depth=z)
    outline = [(-thick, 0), (thick, 0), (0.8 * thick, tall), (-0.8 * thick, tall)]
    thing.add(camera.upright(x, z, outline), ID["pole"], Material.METAL)
    thing.casters.append(Caster(np.array([(x - thick, z), (x + thick, z)]), 0, tall))
    return thing


def lamp(rng: np.random.Generator, camera: Camera, x: float, z: float) -> Thing:
    """A street lamp whose arm reaches over the road."""
    tall = rng.uniform(5.5, 8.0)
    reach = -np.sign(x) * rng.uniform(0.8, 1.8)
    thing = _pole(camera, x, z, tall, 0.1)
    arm = [(0, tall), (reach, tall + 0.25), (reach, tall + 0.4), (0, tall + 0.12)]
    thing.add(camera.upright(x, z, arm), ID["pole"], Material.METAL)
    head = [(0.7 * reach, tall + 0.1), (1.2 * reach, tall + 0.18), (1.2 * reach, tall + 0.4),
            (0.7 * reach, tall + 0.36)]  # fmt: skip
    thing.add(camera.upright(x, z, head), ID["pole"], Material.LAMP)
    return thing


def traffic_light(rng: np.random.Generator, camera: Camera, x: float, z: float) -> Thing:
    """A traffic light on its post, red or green."""
    tall = rng.uniform(2.6, 3.6)
    green = rng.random() < 0.5
    thing = _pole(camera, x, z, tall, 0.09)
    label = ID["traffic light"]
    box = [(-0.26, tall), (0.26, tall), (0.26, tall + 1.25), (-0.26, tall + 1.25)]
    thing.add(camera.upright(x, z, box), label, Material.HOUSING)
    y, material = (0.25, Material.SIGNAL_GREEN) if green else (1.0, Material.SIGNAL_RED)
    thing.add(camera.upright(x, z, disc((0, tall + y), (0.19, 0.19))), label, material)
    return thing


_SIGNS = {
    "round": disc((0.0, 0.0), (0.42, 0.42), 14),
    "warning": np.array([(-0.48, -0.35), (0.48, -0.35), (0.0, 0.5)]),
    "square": np.array([(-0.4, -0.4), (0.4, -0.4), (0.4, 0.4), (-0.4, 0.4)]),
    "board": np.array([(-1.1, -0.4), (1.1, -0.4), (1.1, 0.4), (-1.1, 0.4)]),
}


def traffic_sign(rng: np.random.Generator, camera: Camera, x: float, z: float) -> Thing:
    """One or two traffic signs on a post."""
    tall = rng.uniform(2.3, 3.2)
    thing = _pole(camera, x, z, tall, 0.07)
    kinds = list(_SIGNS)
    for k in range(rng.integers(1, 3)):
        shape = _SIGNS[kinds[rng.integers(len(kinds))]]
        middle = np.array([0.0, tall - 0.9 * k])
        for share, material in ((1.0, Material.SIGN_RIM), (0.7, Material.SIGN_FACE)):
            outline = camera.upright(x, z, middle + share * shape)
            thing.add(outline, ID["traffic sign"], material)
    return thing


def litter_bin(rng: np.random.Generator, camera: Camera, x: float, z: float) -> Thing:
    """A rubbish bin."""
    half, tall = rng.uniform(0.25, 0.5), rng.uniform(0.9, 1.3)
    thing = Thing(depth=z)
    body = [(-0.85 * half, 0), (0.85 * half, 0), (half, tall), (-half, tall)]
    thing.add(camera.upright(x, z, body), ID["static"], Material.AWNING)
    lid = [(-half, tall), (half, tall), (0.9 * half, tall + 0.12), (-0.9 * half, tall + 0.12)]
    thing.add(camera.upright(x, z, lid), ID["static"], Material.RUBBER)
    footprint = np.array([(x - half, z - half), (x + half, z - half), (x + half, z + half)])
    thing.casters.append(Caster(footprint, 0, tall, touches=True))
    return thing
