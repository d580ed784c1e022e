"""What the page asks of a model: pictures in, pictures out, nothing of how they are shown."""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
from ml_collections import ConfigDict

from fullglow_jax.data.pair import Pair
from fullglow_jax.demo.canvas import Canvas, Painted
from fullglow_jax.demo.palette import Palette, palette_of
from fullglow_jax.errors import UserError
from fullglow_jax.models.interface import Batch
from fullglow_jax.sampling.conditions import fitted
from fullglow_jax.sampling.examples import Example, Examples
from fullglow_jax.sampling.grid import as_uint8
from fullglow_jax.sampling.operations import Operations

LOOKED_AT = 8
"""Conditions that the palette is found in."""


class Studio:
    """A trained model with pairs to start from and a canvas to paint on.

    All images are uint8 (H, W, 3) of the model's size.

    Attributes:
        missing: Why there are no pairs, where their data cannot be read.
        reads_boundaries: Whether boundary maps go with conditions.
        palette: What conditions are painted in.
        canvas: What they are painted on.

    Raises:
        UserError: The model reads no conditions.
    """

    def __init__(self, config: ConfigDict, operations: Operations, split: str) -> None:
        if not operations.reads_conditions:
            raise UserError(
                f"the page paints conditions, and this model, a {config.model.name}, reads none. "
                "python sample.py --workdir DIR draws from it."
            )
        architecture = operations.trained.architecture
        self._config, self._operations = config, operations
        self._spare = np.zeros((*architecture.image_size, architecture.channels), np.uint8)
        self.reads_boundaries = architecture.boundary
        self._examples = Examples(config, split, architecture)
        self.missing = ""
        looked_at: list[Example] = []
        try:
            looked_at = self._examples.first(LOOKED_AT)
        except UserError as error:
            self.missing = str(error)
        self.palette: Palette = palette_of([example.pair["condition"] for example in looked_at])
        self.canvas = Canvas(architecture.image_size, self.palette)

    @cached_property
    def names(self) -> list[str]:
        """Of the split's pairs."""
        return [] if self.missing else self._examples.names

    def pair(self, name: str) -> Pair:
        """A pair of the split.

        Raises:
            UserError: There is none of this name.
        """
        if name not in self.names:
            raise UserError(f"There is no pair {name!r} in the split.")
        return self._examples.at(self.names.index(name)).pair

    def blank(self) -> Painted:
        """A condition all in the palette's first colour."""
        condition = np.broadcast_to(self.palette.colours[0], self._spare.shape)
        return Painted(condition.astype(np.uint8), self._spare if self.reads_boundaries else None)

    def fitted(self, file: str) -> np.ndarray:
        """An image file at the model's size.

        Raises:
            UserError: It is no image that can be read.
        """
        try:
            return fitted(Path(file), self._config)
        except UserError as error:  # whoever uploaded it knows its name, not where it lies here
            raise UserError(str(error).replace(file, Path(file).name)) from error

    def warm_up(self) -> None:
        """Compiles all that the page will ask for."""
        blank = self.blank()
        list(self.photos(blank, 1, 0.0, 0))
        self.transfer(blank, self._spare, blank)
        self.bits_per_dim(blank, self._spare)

    def photos(
        self, painted: Painted, count: int, temperature: float, seed: int
    ) -> Iterator[np.ndarray]:
        """Images drawn under a condition, one by one; sample.py's for the same seed."""
        drawn = self._operations.draw(self._as_batch(painted), count, temperature, seed)
        for _, _, image in drawn:
            yield as_uint8(image)

    def transfer(self, of_content: Painted, content: np.ndarray, onto: Painted) -> np.ndarray:
        """The content of an image with its condition, under another condition."""
        images = self._operations.transfer(
            self._as_batch(of_content, content), self._as_batch(onto)
        )
        return as_uint8(images[0])

    def bits_per_dim(self, painted: Painted, image: np.ndarray, seed: int = 0) -> float:
        """Of an image given its condition."""
        bits = self._operations.bits_per_dim(self._as_batch(painted, image), seed)
        return float(bits["conditional"][0])

    def _as_batch(self, painted: Painted, image: np.ndarray | None = None) -> Batch:
        for picture in (*filter(lambda part: part is not None, painted), image):
            if picture is not None and picture.shape != self._spare.shape:
                raise UserError(
                    f"An image has the shape {picture.shape} where the model takes "
                    f"{self._spare.shape}. Upload it again: uploads are fitted."
                )
        target = self._spare if image is None else image
        pair: Pair = {"condition": painted.condition, "target": target, "name": ""}
        if painted.boundary is not None:
            pair["boundary"] = painted.boundary
        return self._examples.batch([Example(pair)])
