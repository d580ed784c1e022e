"""The weather and the light of a photo."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fullglow_jax.street_scenes.parts import Facing

Colour = NDArray[np.float32]
"""Red, green and blue, 0 to 1."""


@dataclass(frozen=True, slots=True)
class _Weather:
    """A kind of weather: the colours of an `Atmosphere`, and the ranges of its numbers.

    Attributes:
        chance: its share of all days.
        elevation: range of the sun's height, degrees.
    """

    chance: float
    zenith: tuple[float, float, float]
    haze: tuple[float, float, float]
    sun: tuple[float, float, float]
    ambient: tuple[float, float, float]
    cover: tuple[float, float]
    cloud: tuple[float, float, float]
    elevation: tuple[float, float]
    visibility: tuple[float, float]
    wet: tuple[float, float]
    lit: tuple[float, float]


_WEATHERS = (
    _Weather(  # a clear day
        0.36, (0.24, 0.46, 0.80), (0.72, 0.83, 0.93), (0.90, 0.84, 0.72), (0.47, 0.51, 0.58),
        (0.05, 0.6), (0.97, 0.97, 0.98), (28, 62), (250, 600), (0.0, 0.0), (0.0, 0.0),
    ),
    _Weather(  # overcast
        0.22, (0.60, 0.65, 0.71), (0.80, 0.82, 0.84), (0.14, 0.14, 0.14), (0.78, 0.80, 0.82),
        (0.6, 1.0), (0.88, 0.89, 0.90), (40, 60), (160, 380), (0.0, 0.15), (0.0, 0.1),
    ),
    _Weather(  # a low sun
        0.16, (0.33, 0.42, 0.66), (0.99, 0.76, 0.50), (1.10, 0.74, 0.42), (0.50, 0.46, 0.50),
        (0.1, 0.6), (0.99, 0.74, 0.60), (11, 24), (150, 400), (0.0, 0.1), (0.0, 0.2),
    ),
    _Weather(  # dusk
        0.08, (0.12, 0.17, 0.36), (0.62, 0.48, 0.50), (0.06, 0.05, 0.07), (0.33, 0.34, 0.46),
        (0.1, 0.6), (0.36, 0.32, 0.44), (15, 30), (160, 350), (0.0, 0.3), (0.35, 0.7),
    ),
    _Weather(  # rain
        0.11, (0.42, 0.47, 0.54), (0.63, 0.67, 0.71), (0.05, 0.05, 0.05), (0.60, 0.63, 0.68),
        (0.8, 1.0), (0.60, 0.63, 0.67), (40, 60), (90, 200), (0.3, 0.5), (0.05, 0.35),
    ),
    _Weather(  # fog
        0.07, (0.76, 0.78, 0.80), (0.84, 0.85, 0.86), (0.06, 0.06, 0.06), (0.76, 0.78, 0.79),
        (0.0, 0.3), (0.86, 0.87, 0.88), (40, 60), (35, 80), (0.0, 0.2), (0.0, 0.2),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Atmosphere:
    """The light of one photo.

    Attributes:
        zenith: colour of the sky overhead.
        haze: colour of the sky at the horizon, and of distant things.
        sun: colour of direct light, times its strength.
        ambient: colour of light from the sky, times its strength.
        cloud: colour of the clouds.
        cover: the clouds' share of the sky, 0 to 1.
        to_sun: the direction of the sun: x to the right, y up, z ahead; of length 1.
        visibility: the distance beyond which only haze is seen, metres.
        wet: the strength of the road's reflections, 0 to 1.
        lit: the share of windows with a light in them, 0 to 1.
    """

    zenith: Colour
    haze: Colour
    sun: Colour
    ambient: Colour
    cloud: Colour
    cover: float
    to_sun: tuple[float, float, float]
    visibility: float
    wet: float
    lit: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """A random kind of weather, and the light of one moment in it."""
        chances = np.array([weather.chance for weather in _WEATHERS])
        weather = _WEATHERS[rng.choice(len(_WEATHERS), p=chances / chances.sum())]

        def about(colour: tuple[float, float, float]) -> Colour:
            tint = rng.uniform(0.92, 1.08) * (1 + rng.normal(0, 0.025, 3))
            return (np.array(colour) * tint).astype(np.float32)

        azimuth = rng.uniform(0, 2 * np.pi)
        elevation = np.radians(rng.uniform(*weather.elevation))
        flat = np.cos(elevation)
        to_sun = (flat * np.sin(azimuth), np.sin(elevation), flat * np.cos(azimuth))
        return cls(
            zenith=about(weather.zenith),
            haze=about(weather.haze),
            sun=about(weather.sun),
            ambient=about(weather.ambient),
            cloud=about(weather.cloud),
            cover=rng.uniform(*weather.cover),
            to_sun=(float(to_sun[0]), float(to_sun[1]), float(to_sun[2])),
            visibility=rng.uniform(*weather.visibility),
            wet=rng.uniform(*weather.wet),
            lit=rng.uniform(*weather.lit),
        )

    def light(self) -> Colour:
        """The light on surfaces by their `Facing`, (4, 3)."""
        x, y, z = self.to_sun
        towards = {Facing.CAMERA: -z, Facing.UP: y, Facing.LEFT: -x, Facing.RIGHT: x}
        # Upright walls see half of the sky; every side gets a little reflected direct light.
        sky = {Facing.CAMERA: 0.85, Facing.UP: 1.0, Facing.LEFT: 0.8, Facing.RIGHT: 0.8}
        rows = [
            sky[facing] * self.ambient + (0.12 + 0.88 * max(0.0, towards[facing])) * self.sun
            for facing in Facing
        ]
        return np.array(rows, np.float32)

    def shadow(self) -> float:
        """The share of the light on the ground that a full shadow takes away, 0 to 1."""
        direct = float((self.sun * max(self.to_sun[1], 0.12)).mean())
        return direct / (direct + float(self.ambient.mean()))
