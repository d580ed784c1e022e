"""The model behind the page: pictures in, pictures out, without their display."""

from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
from ml_collections import ConfigDict

from fullglow_jax.data.classes import class_index
from fullglow_jax.data.pair import Pair
from fullglow_jax.demo.canvas import Canvas, Painted
from fullglow_jax.demo.objects import Objects
from fullglow_jax.demo.paints import palette_of
from fullglow_jax.demo.warm_up import WarmUp
from fullglow_jax.errors import UserError
from fullglow_jax.models.batch import Batch
from fullglow_jax.models.interface import InstanceModel, InvertibleModel, LikelihoodModel
from fullglow_jax.pictures.grid import as_uint8
from fullglow_jax.sampling.conditions import fitted
from fullglow_jax.sampling.examples import Example, Examples
from fullglow_jax.sampling.file_names import readable
from fullglow_jax.sampling.instance_maps import connected_instances
from fullglow_jax.sampling.operations import Operations
from fullglow_jax.sampling.palettes import Palette, model_palette

DRAW, TRANSFER, MEASURE, REDRAW = "Draw", "Transfer", "Measure", "Redraw it"
"""Names of the operations, as the page's buttons have them."""

LOOKED_AT = 8
"""Number of conditions from which the palette is found."""


class Studio:
    """A trained model with pairs to start from and a canvas to paint on.

    All images are uint8 (H, W, 3) of the model's size.

    Attributes:
        missing: The reason why there are no pairs, if their data cannot be read.
        reads_conditions: Whether there are conditions to paint.
        reads_boundaries: Whether conditions have boundary maps.
        classes: Names of the classes to choose from; () if the model reads none.
        transfers: Whether content can be transferred from one condition, or class, to another.
        temperature: The temperature of images to begin with.
        headline: Name of the images' bits per dimension; None if the model has none.
        palette: The colours to paint with.
        canvas: The canvas to paint on.
        objects: Photos whose instances can be drawn anew; None if the model draws no styles of
            them.
        warm_up: The compilation of `DRAW`, `TRANSFER`, `MEASURE` and `REDRAW`, for a page to
            start.
    """

    def __init__(self, config: ConfigDict, operations: Operations, split: str) -> None:
        shapes, model = operations.shapes, operations.trained.model
        self._config, self._operations = config, operations
        self._spare = np.zeros(shapes.image, np.uint8)
        self.temperature: float = config.train.temperature
        self.reads_conditions = model.reads_conditions
        self.reads_boundaries = shapes.boundary
        self.classes: tuple[str, ...] = (
            tuple(config.data.classes) if shapes.annotations.label else ()
        )
        reads = bool(model.reads_conditions or self.classes)
        self.transfers = reads and isinstance(model, InvertibleModel)
        self.headline = model.headline if isinstance(model, LikelihoodModel) else None
        self._examples = Examples(config, split, shapes)
        self.missing = ""
        looked_at: list[Example] = []
        try:
            looked_at = self._examples.first(LOOKED_AT)
        except UserError as error:
            self.missing = str(error)
        own = model_palette(config)
        self.palette: Palette = own or palette_of([e.pair["condition"] for e in looked_at])
        self.canvas = Canvas(shapes.image_size, self.palette, mixes=own is None)
        self._most_instances = shapes.annotations.instances
        styled = isinstance(model, InstanceModel) and model.reads_conditions
        self.objects = Objects(operations, self._as_batch, self.palette) if styled else None
        self.warm_up = self._warm_up()

    @cached_property
    def names(self) -> list[str]:
        """Names of the split's pairs, as a page can show them."""
        return [] if self.missing else list(map(readable, self._examples.names))

    def pair(self, name: str) -> Pair:
        """A pair of the split.

        Raises:
            UserError: If there is no pair of this name.
        """
        shown = readable(name)
        if shown not in self.names:
            raise UserError(f"There is no pair {name!r} in the split.")
        return self._examples.at(self.names.index(shown)).pair

    def class_of(self, pair: Pair) -> str | None:
        """The name of a pair's class; None if the model reads none."""
        return self.classes[pair["label"]] if self.classes else None

    def blank(self) -> Painted:
        """A condition in the palette's first colour, of the first class; black, if none is read."""
        label = self.classes[0] if self.classes else None
        if not self.reads_conditions:
            return Painted(self._spare, None, label)
        condition = np.broadcast_to(self.palette.colours[0], self._spare.shape)
        boundary = self._spare if self.reads_boundaries else None
        painted = condition.astype(np.uint8)
        return Painted(painted, boundary, label, self.instances_in(painted))

    def instances_in(self, condition: np.ndarray) -> np.ndarray | None:
        """The instances of a condition without an instance map; None if the model reads none."""
        most = self._most_instances
        return connected_instances(condition, self.palette, most) if most else None

    def instances_of(self, pair: Pair) -> np.ndarray | None:
        """The instances of a pair; None if the model reads none."""
        return pair["instances"].astype(np.int32) if self._most_instances else None

    def fitted(self, file: str, role: str = "condition") -> np.ndarray:
        """An image file at the model's size, as "condition", "target" or other.

        Raises:
            UserError: If it cannot be read as an image.
        """
        try:
            return fitted(Path(file), self._config, role)
        except UserError as error:  # the visitor knows the file's name, not its folder here
            raise UserError(str(error).replace(file, Path(file).name)) from error

    def _warm_up(self) -> WarmUp:
        blank = self.blank()
        calls: dict[str, Callable[[], object]] = {DRAW: lambda: list(self.photos(blank, 1, 0.0, 0))}
        if self.transfers:
            calls[TRANSFER] = lambda: self.transfer(blank, self._spare, blank)
        if self.headline:
            calls[MEASURE] = lambda: self.bits_per_dim(blank, self._spare)
        if objects := self.objects:
            calls[REDRAW] = lambda: objects.draw(blank, 0.0, 0)
        return WarmUp(calls)

    def photos(
        self, painted: Painted, count: int, temperature: float, seed: int
    ) -> Iterator[np.ndarray]:
        """Images drawn under a condition, one by one; the same as sample.py's for the same seed."""
        drawn = self._operations.draw(self._as_batch(painted), count, temperature, seed)
        for _, _, image in drawn:
            yield as_uint8(image)

    def transfer(self, source: Painted, content: np.ndarray, onto: Painted) -> np.ndarray:
        """The content of an image with its condition, under another condition or class."""
        images = self._operations.transfer(self._as_batch(source, content), self._as_batch(onto))
        return as_uint8(images[0])

    def bits_per_dim(self, painted: Painted, image: np.ndarray, seed: int = 0) -> float:
        """Bits per dimension of an image, given its condition.

        Raises:
            UserError: If the model has no likelihood of images.
        """
        bits = self._operations.bits_per_dim(self._as_batch(painted, image), seed)
        return float(bits[self.headline or ""][0])

    def _as_batch(self, painted: Painted, image: np.ndarray | None = None) -> Batch:
        for picture in (painted.condition, painted.boundary, image):
            if picture is not None and picture.shape != self._spare.shape:
                raise UserError(
                    f"An image has the shape {picture.shape} where the model takes "
                    f"{self._spare.shape}. Upload it again: uploads are fitted."
                )
        if painted.instances is not None:
            there, most = len(np.unique(painted.instances)), self._most_instances
            if there > most:
                raise UserError(
                    f"There are {there} objects with those painted, and the model takes {most} "
                    "(config.model.instances). Undo some strokes, or clear the canvas."
                )
        target = self._spare if image is None else image
        pair: Pair = {"condition": painted.condition, "target": target, "name": ""}
        if painted.boundary is not None:
            pair["boundary"] = painted.boundary
        if painted.instances is not None:
            pair["instances"] = painted.instances
        if self.classes:
            pair["label"] = class_index(painted.label or "", self.classes, "The class")
        return self._examples.batch([Example(pair)])
