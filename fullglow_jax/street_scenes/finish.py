"""The colours and textures of materials, drawn anew for every photo."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fullglow_jax.street_scenes.atmosphere import Atmosphere
from fullglow_jax.street_scenes.parts import Material
from fullglow_jax.street_scenes.plan import Plan

_Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Finish:
    """The possible looks of a material.

    Attributes:
        colours: its possible colours, as hexadecimal digits.
        vary: the spread of brightness from thing to thing.
        grain: the strength of its texture: in large patches, in mottles, in specks.
    """

    colours: str
    vary: float = 0.06
    grain: tuple[float, float, float] = (0.0, 0.0, 0.03)


_FINISHES = {
    Material.SKY: _Finish("ffffff", 0.0, (0, 0, 0)),
    Material.ASPHALT: _Finish("6b6b6e 5c5d61 77736e 67655f 50525a", 0.05, (0.16, 0.06, 0.10)),
    Material.MARKING: _Finish("e8e8e4 dcdcd2 d8d2b0", 0.05, (0.12, 0.08, 0.05)),
    Material.PAVEMENT: _Finish("a59b90 9c9c9c b3a594 8f8a86 a88f82", 0.06, (0.14, 0.06, 0.06)),
    Material.KERB: _Finish("bdb8b0 a9a7a4 cac3b5", 0.05, (0.08, 0.05, 0.04)),
    Material.GRASS: _Finish("6f8a3c 7f9447 5f7f3a", 0.08, (0.25, 0.18, 0.12)),
    Material.RAIL: _Finish("8f8a86 6b5f58"),
    Material.FACADE: _Finish(
        "d9c7a3 b5654a 9c4f3d c9b79c a8a196 e0d3b8 c58d5a 8f8579 d6b0a0 b9bfc4 7d6a5c e3ded2 "
        "c9a24e",
        0.08, (0.10, 0.07, 0.06),
    ),
    Material.TRIM: _Finish("eae4d6 cfc8ba 8b8278 f2efe8", 0.06),
    Material.ROOF: _Finish("9a4b35 6e4a41 575a62 7d5a48 45484f", 0.08, (0.08, 0.12, 0.08)),
    Material.WINDOW: _Finish("2d3640 38424c 252c36 46525c", 0.10, (0.05, 0.05, 0.02)),
    Material.SHOP: _Finish("39424a 4a4038 2f3a44", 0.10, (0.10, 0.25, 0.06)),
    Material.AWNING: _Finish("a23b32 2f5d8c 3c7a4e d0a53a 5b3f6b d8d2c4 33363b 2a6f78", 0.08),
    Material.DOOR: _Finish("5b3a28 2f4a3a 6b2a2a 2c3f5c 4a4a4a", 0.08),
    Material.BRICK: _Finish("a4705a 9a9186 b0a48e 8c5c4a", 0.07, (0.14, 0.16, 0.08)),
    Material.RAILING: _Finish("c9c2b2 8a6d50 d9d9d4 6f7a76", 0.08),
    Material.FOLIAGE: _Finish("", 0.12, (0.12, 0.42, 0.22)),
    Material.TRUNK: _Finish("5f4a38 6b5a4a 4a3c30", 0.10, (0.0, 0.15, 0.08)),
    Material.PAINT: _Finish(
        "c9ccd0 e9eaea 26282c 8d9399 5d6369 9b2226 24467e 3a6ea5 4d6b3f c98a2b 6e2f3a d9d2be",
        0.08, (0.06, 0.0, 0.015),
    ),
    Material.CARGO: _Finish("e4e4e0 c8d0d6 d8b040 3f6fa8 a83a34 5d8a5a", 0.06, (0.08, 0.03, 0.02)),
    Material.LIVERY: _Finish("d9b32c b8322e 2f62a3 3f8f5a e6e2d8 d87a2c", 0.06, (0.05, 0.0, 0.02)),
    Material.GLASS: _Finish("222a31 2c363e", 0.08, (0.20, 0.06, 0.02)),
    Material.RUBBER: _Finish("1d1d1f 26262a", 0.06),
    Material.HUB: _Finish("8f9296 6a6d72 a5a7aa", 0.08),
    Material.HEADLIGHT: _Finish("f4f4ea", 0.05),
    Material.TAILLIGHT: _Finish("b81f1f a01818", 0.05),
    Material.PLATE: _Finish("e6e6dc", 0.04),
    Material.METAL: _Finish("7a7f84 5f666b 949a9e 4a5550", 0.08, (0.06, 0.0, 0.03)),
    Material.LAMP: _Finish("d8d8d0", 0.04),
    Material.HOUSING: _Finish("2a2c28 33362f", 0.05),
    Material.SIGNAL_RED: _Finish("ff3a2a", 0.03),
    Material.SIGNAL_GREEN: _Finish("3af08a", 0.03),
    Material.SIGN_RIM: _Finish("c4262a c4262a 1f5aa8 e8c52a", 0.05, (0.0, 0.0, 0.02)),
    Material.SIGN_FACE: _Finish("f2f2ee f2f2ee e9d95a 3a72ba", 0.04, (0.0, 0.0, 0.02)),
    Material.COAT: _Finish(
        "b3362f 2c4a7a 3b3f45 d9cfc0 5a7a48 c98a3a 7a3f66 1f6a72 8c8f94 e0e0de 5c3d2e d06a5a", 0.10,
    ),
    Material.TROUSERS: _Finish("2a3550 33343a 4a4f5c 6b6252 8a8272 3f5374", 0.10),
    Material.SKIN: _Finish("e8bd9e d6a27e b07a58 7d5238 56382a", 0.05),
    Material.HAIR: _Finish("2a211c 4a3424 7a5a34 1c1a1a a8a29a c9a05c", 0.08),
    Material.HOOD: _Finish("1a1c20 2c3036 8a9096 5a1f22 24365a", 0.05, (0.10, 0.0, 0.02)),
}  # fmt: skip

_SEASONS = (
    (0.30, "7fa83f 8fb54a 6f9a3a 9abf55"),  # spring
    (0.42, "4f7a34 5f8640 446b32 6b8a3c 57804a"),  # summer
    (0.28, "c98a2c b5622a d1a83a 8f8a3a a84e2c 7d8a3c"),  # autumn
)
_GLOWING = (
    Material.HEADLIGHT,
    Material.TAILLIGHT,
    Material.SIGNAL_RED,
    Material.SIGNAL_GREEN,
    Material.LAMP,
)
_MIRRORS = {Material.WINDOW: 0.55, Material.GLASS: 0.5, Material.SHOP: 0.25, Material.HOOD: 0.3}


def _parse(colours: str) -> _Floats:
    """Hexadecimal colours as (n, 3) of 0 to 1."""
    digits = [list(bytes.fromhex(colour)) for colour in colours.split()]
    return np.array(digits, np.float32) / np.float32(255)


_COLOURS = {material: _parse(finish.colours) for material, finish in _FINISHES.items()}
_LEAVES = tuple(_parse(colours) for _, colours in _SEASONS)
_GRAIN = np.array([_FINISHES[material].grain for material in Material], np.float32)


def colour_parts(
    rng: np.random.Generator, plan: Plan, atmosphere: Atmosphere
) -> tuple[_Floats, _Floats]:
    """Chooses the colour of every part, in its light.

    All parts of a thing with the same material have one colour.

    Returns:
        Colours, (n, 3), and the strengths of textures in large patches, mottles and specks, (n, 3).
    """
    things = int(plan.owner.max()) + 1
    leaves = _LEAVES[rng.choice(len(_SEASONS), p=[share for share, _ in _SEASONS])]
    pick = rng.random((things, len(Material)))
    vary = rng.standard_normal((things, len(Material), 3)) * 0.35
    vary += rng.standard_normal((things, len(Material), 1))
    each = rng.random((len(plan.label), 2)).astype(np.float32)

    colour = np.empty((len(plan.label), 3), np.float32)
    for value in np.unique(plan.material):
        material = Material(value)
        mine = np.flatnonzero(plan.material == value)
        owner = plan.owner[mine]
        choices = leaves if material is Material.FOLIAGE else _COLOURS[material]
        chosen = choices[(pick[owner, value] * len(choices)).astype(int)]
        shade = 1 + _FINISHES[material].vary * vary[owner, value]
        if material is Material.FOLIAGE:
            shade += (each[mine, :1] - 0.5) * 0.24
        colour[mine] = chosen * shade

    colour *= atmosphere.light()[plan.facing]
    for material, share in _MIRRORS.items():
        mine = plan.material == material
        amount = share * (0.35 + 0.65 * each[mine, :1])
        above = 0.5 * (atmosphere.zenith + atmosphere.haze)
        colour[mine] = (1 - amount) * colour[mine] + amount * above
    _switch_on(colour, plan, atmosphere, each)
    return colour, _GRAIN[plan.material]


def _switch_on(colour: _Floats, plan: Plan, atmosphere: Atmosphere, each: _Floats) -> None:
    """Lights lamps and windows, in place."""
    for material in _GLOWING:
        mine = plan.material == material
        own = _COLOURS[material][0]
        always = material in (Material.SIGNAL_RED, Material.SIGNAL_GREEN)
        share = 0.9 if always else min(0.9, 1.6 * atmosphere.lit)
        colour[mine] = (1 - share) * colour[mine] + share * own * 1.1
    for material in (Material.WINDOW, Material.SHOP):
        mine = (plan.material == material) & (each[:, 0] < atmosphere.lit)
        warm = np.array([1.0, 0.80, 0.46], np.float32) * (0.6 + 0.4 * each[mine, 1:])
        colour[mine] = 0.15 * colour[mine] + 0.85 * warm
