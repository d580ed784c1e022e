"""The photo of a plan: sky, light, shadows, textures, haze, and the camera's own effects."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from fullglow_jax.street_scenes.atmosphere import Atmosphere
from fullglow_jax.street_scenes.finish import colour_parts
from fullglow_jax.street_scenes.parts import Camera, Caster, Floats, Material
from fullglow_jax.street_scenes.plan import Plan

_Floats = NDArray[np.float32]
_GROUND = (
    Material.ASPHALT,
    Material.MARKING,
    Material.PAVEMENT,
    Material.KERB,
    Material.GRASS,
    Material.RAIL,
)


def take_photo(rng: np.random.Generator, plan: Plan) -> _Floats:
    """Takes a photo, (height / 2, width / 2, 3), 0 to 1, of a plan at twice that size.

    Weather, light, colours and noise are drawn at random.
    """
    atmosphere = Atmosphere.draw(rng)
    colour, grain = colour_parts(rng, plan, atmosphere)
    index = plan.index
    height, width = index.shape
    top = int(np.clip(np.ceil(plan.camera.horizon), 0, height - 2))
    textures = [
        _noise(rng, height, width, cells) for cells in ((4, 9), (20, 40), (height // 3, height))
    ]

    texture = np.ones((height, width), np.float32)
    for k, noise in enumerate(textures):
        texture += grain[:, k][index] * noise
    is_ground = np.isin(plan.material, _GROUND)
    ground = is_ground[index[top:]]
    texture[top:] *= np.where(ground, _floor(atmosphere, plan, top), 1)

    haze = 1 - np.exp(-((plan.depth / atmosphere.visibility) ** 1.3))
    haze[is_ground] = 0
    clear = (1 - haze).astype(np.float32)
    # Haze mixes its own colour with the lit and textured surfaces.
    photo = (colour * clear[:, None])[index] * texture[..., None]
    photo += (haze[:, None] * atmosphere.haze).astype(np.float32)[index]
    _mist_ground(photo[top:], ground, plan.camera, atmosphere, top)
    sky = (plan.material == Material.SKY)[index[: top + 1]]
    np.copyto(photo[: top + 1], _sky(rng, atmosphere, plan, top + 1), where=sky[..., None])
    if atmosphere.wet > 0.02:
        _mirror(photo, ground, atmosphere, top, textures[0])
    return _develop(rng, photo)


def _noise(rng: np.random.Generator, height: int, width: int, cells: tuple[int, int]) -> _Floats:
    """Smooth noise with `cells` bumps from top to bottom: (height, width), about -1 to 1."""
    total = np.zeros((height, width), np.float32)
    for octave, count in enumerate(cells):
        rows = max(2, count)
        coarse = rng.random((rows, max(2, rows * width // height)), np.float32)
        smooth = Image.fromarray(coarse).resize((width, height), Image.Resampling.BILINEAR)
        total += (np.asarray(smooth) - 0.5) * (1.3 - 0.4 * octave)
    return total


def _distances(camera: Camera, top: int, height: int) -> _Floats:
    """The distance of the ground in the rows from `top` down, metres: (height - top, 1)."""
    below = np.arange(top, height, dtype=np.float32) + 0.5 - camera.horizon
    ahead = camera.focal * camera.height / np.maximum(below, 0.05)
    return ahead.astype(np.float32)[:, None]


def _floor(atmosphere: Atmosphere, plan: Plan, top: int) -> _Floats:
    """Factors of the light on the ground, for slabs, tyre tracks and shadows."""
    camera = plan.camera
    height, width = plan.index.shape
    ahead = _distances(camera, top, height)
    columns = np.arange(width, dtype=np.float32)[None] + 0.5
    across = ((columns - camera.centre) / camera.focal - camera.bend * ahead) * ahead
    across = across.astype(np.float32)

    # Joints are 4 cm wide, and fade where a pixel is larger than that.
    pixel = ahead / camera.focal
    fade = np.minimum(1, 0.12 / pixel)
    joint = np.maximum(np.abs(across / 0.9 % 1 - 0.5), np.abs(ahead / 0.9 % 1 - 0.5)) > 0.455
    slabs = 1 - 0.22 * fade * joint
    tracks = 1 - 0.05 * np.cos(across * (2 * np.pi / 1.7))
    material = plan.material[plan.index[top:]]
    floor = np.where(material == Material.PAVEMENT, slabs, 1)
    floor = np.where(material == Material.ASPHALT, tracks, floor)
    return (floor * _shadows(atmosphere, plan, top)).astype(np.float32)


def _shadows(atmosphere: Atmosphere, plan: Plan, top: int) -> _Floats:
    """The share of light that shadows leave on the ground, 0 to 1, in the rows from `top` down."""
    height, width = plan.index.shape
    mask = Image.new("L", (width, height - top))
    draw = ImageDraw.Draw(mask)
    x, y, z = atmosphere.to_sun
    strength = atmosphere.shadow()
    if strength > 0.15:
        slant = np.array([-x, -z]) / max(y, 0.12)
        for caster in plan.casters:
            for outline in _cast(caster, slant, plan.camera):
                draw.polygon((outline - (0, top)).ravel().tolist(), fill=round(255 * strength))
    for caster in plan.casters:
        if caster.touches:
            middle = caster.footprint.mean(0)
            spread = middle + (caster.footprint - middle) * 1.12
            outline = _on_ground(spread, plan.camera)
            draw.polygon((outline - (0, top)).ravel().tolist(), fill=150)
    soft = mask.filter(ImageFilter.BoxBlur(height / 200))
    return 1 - np.asarray(soft, np.float32) / np.float32(255)


def _cast(caster: Caster, slant: Floats, camera: Camera) -> list[Floats]:
    """The shadow of a prism on the ground, covered by outlines in the picture."""
    low = _on_ground(caster.footprint + slant * caster.bottom, camera)
    high = _on_ground(caster.footprint + slant * caster.top, camera)
    outlines = [low, high] if len(low) > 2 else []
    for k in range(len(low)):
        j = k - 1
        outlines.append(np.stack([low[j], low[k], high[k], high[j]]))
    return outlines


def _on_ground(points: Floats, camera: Camera) -> Floats:
    """Points (n, 2), x and z, on the ground as picture points; z is at least 1 m."""
    ahead = np.maximum(points[:, 1], 1.0)
    return camera.project(np.stack([points[:, 0], np.zeros(len(points)), ahead], -1))


def _mist_ground(
    rows: _Floats, ground: NDArray[np.bool_], camera: Camera, atmosphere: Atmosphere, top: int
) -> None:
    """Adds haze to the ground by the distance of its rows, in place."""
    ahead = _distances(camera, top, top + len(rows))
    clear = np.exp(-((ahead / atmosphere.visibility) ** 1.3))
    kept = np.where(ground, clear, 1)[..., None].astype(np.float32)
    rows *= kept
    rows += (1 - kept) * atmosphere.haze


def _sky(rng: np.random.Generator, atmosphere: Atmosphere, plan: Plan, rows: int) -> _Floats:
    """The sky in the rows above the horizon: a gradient, the sun's glow and clouds."""
    height, width = plan.index.shape
    camera = plan.camera
    row = np.arange(rows, dtype=np.float32)[:, None] + 0.5
    column = np.arange(width, dtype=np.float32)[None] + 0.5
    level = np.clip(row / camera.horizon, 0, 1)[..., None] ** 1.4
    sky = atmosphere.zenith * (1 - level) + atmosphere.haze * level
    sky = np.broadcast_to(sky, (rows, width, 3)).astype(np.float32)

    # Clouds are flatter near the horizon: they are drawn on a low, wide sheet and stretched.
    sheet = _noise(rng, rows, width, (3, 7)) + 0.6 * _noise(rng, rows, width, (14, 28))
    edge = 0.75 - 1.5 * atmosphere.cover
    amount = np.clip((sheet - edge) / 0.5, 0, 1)[..., None] * 0.85
    sky += amount * (atmosphere.cloud * (1 + 0.10 * sheet[..., None]) - sky)

    x, y, z = atmosphere.to_sun
    if z > 0.05:
        at_x = camera.centre + camera.focal * x / z
        at_y = camera.horizon - camera.focal * y / z
        away = ((column - at_x) ** 2 + (row - at_y) ** 2) / height**2
        glow = 0.6 * np.exp(-away / 0.08) + 0.35 * np.exp(-away / 0.5)
        sky += glow[..., None] * atmosphere.sun * 0.5
    return sky


def _mirror(
    photo: _Floats, ground: NDArray[np.bool_], atmosphere: Atmosphere, top: int, puddles: _Floats
) -> None:
    """Reflects the picture above the horizon in the wet ground below, in place."""
    height = len(photo)
    rows = np.clip(2 * top - np.arange(top, height), 0, height - 1)
    amount = atmosphere.wet * np.clip(0.9 + 0.9 * puddles[top:], 0.2, 1.4)
    amount = np.where(ground, amount, 0)[..., None].astype(np.float32)
    photo[top:] += amount * (0.9 * photo[rows] - photo[top:])


def _develop(rng: np.random.Generator, photo: _Floats) -> _Floats:
    """The camera's effects: two by two pixels become one, exposure, contrast, vignette, noise."""
    height, width = photo.shape[0] // 2, photo.shape[1] // 2
    small = np.clip(photo, 0, 1.2).reshape(height, 2, width, 2, 3).mean((1, 3))
    small *= (rng.uniform(0.92, 1.08) * (1 + rng.normal(0, 0.02, 3))).astype(np.float32)
    contrast = np.float32(rng.uniform(0.95, 1.15))
    small = (small - 0.45) * contrast + 0.45
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None]
    small *= (1 - np.float32(rng.uniform(0.04, 0.14)) * (x * x + y * y))[..., None]
    noise = np.float32(rng.uniform(0.004, 0.014))
    small += noise * rng.standard_normal(small.shape, np.float32)
    return np.clip(small, 0, 1)
