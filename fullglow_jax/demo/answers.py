"""Answers to the page's requests, which may come from anybody who reaches it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import gradio as gr
import numpy as np
import PIL.Image
from gradio.components.image_editor import EditorValue

from fullglow_jax.demo.canvas import Painted
from fullglow_jax.demo.studio import DRAW, MEASURE, TRANSFER, Studio
from fullglow_jax.errors import UserError

Image = np.ndarray
Editor = EditorValue
"""An image editor's background, layers above it, and both together."""

T = TypeVar("T")


@contextmanager
def told() -> Iterator[None]:
    """Shows `UserError`s on the page as messages; for a function, or inside of a generator."""
    try:
        yield
    except UserError as error:
        raise gr.Error(str(error), print_exception=False) from error


class Answers:
    """A method for each request.

    Pictures are uint8 (H, W, 3) of the model's size; only the editor's are enlarged.
    Boundary maps are None for models that do not read them, and so are classes, `label`, and ids of
    instances, int32 (H, W).
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def on_canvas(self, condition: Image) -> Editor:
        """A condition to paint on."""
        enlarged = self._studio.canvas.enlarged(condition)
        return {"background": enlarged, "layers": [], "composite": enlarged}

    def compiling(self) -> str:
        """What the page says while operations are compiled; nothing when all are."""
        unfinished = self._studio.warm_up.unfinished
        return f"Compiling, once: {', '.join(unfinished)} …" if unfinished else ""

    def cleared(self) -> tuple[Editor, Image | None, np.ndarray | None]:
        """A condition in one colour to paint on, its boundary map, and its instances."""
        blank = self._studio.blank()
        return self.on_canvas(blank.condition), blank.boundary, blank.instances

    @told()
    def choose(
        self, name: str
    ) -> tuple[Editor, Image | None, Image, str | None, np.ndarray | None]:
        """A pair's condition to paint on, its boundary map, target, class and instances."""
        pair = self._studio.pair(name)
        editor, label = self.on_canvas(pair["condition"]), self._studio.class_of(pair)
        instances = self._studio.instances_of(pair)
        return editor, pair.get("boundary"), pair["target"], label, instances

    @told()
    def choose_content(self, name: str) -> tuple[Image, Image, Image | None, str | None]:
        """A pair's target, condition, boundary map and class."""
        pair = self._studio.pair(name)
        label = self._studio.class_of(pair)
        return pair["target"], pair["condition"], pair.get("boundary"), label

    @told()
    def fitted(self, file: str, role: str) -> Image:
        """An uploaded image, as "condition", "target" or other."""
        return self._studio.fitted(file, role)

    @told()
    def fitted_to_canvas(self, file: str) -> tuple[Editor, np.ndarray | None]:
        """An uploaded condition, to paint on, and the instances that are found in it."""
        condition = self._studio.fitted(file)
        return self.on_canvas(condition), self._studio.instances_in(condition)

    def draw(
        self,
        editor: Editor | None,
        boundary: Image | None,
        count: float | None,
        temperature: float | None,
        seed: float | None,
        label: str | None = None,
        instances: np.ndarray | None = None,
    ) -> Iterator[list[tuple[Path, str]]]:
        """Files of photos and their captions; after each photo, all that are done so far.

        Gradio copies a file once, where it would write an array's again and again, also while a
        browser reads it.
        """
        drawn: list[tuple[Path, str]] = []
        with told(), TemporaryDirectory() as folder:
            painted = self.painted(editor, boundary, label, instances)
            photos = int(given(count, "number of photos"))
            warmth, whole = given(temperature, "temperature"), int(given(seed, "seed"))
            self._studio.warm_up.wait_for(DRAW)
            for image in self._studio.photos(painted, photos, warmth, whole):
                caption = f"seed {whole}, temperature {warmth:g}, {len(drawn) + 1}"
                file = Path(folder, f"{caption}.png".replace(", ", "_").replace(" ", "_"))
                PIL.Image.fromarray(image).save(file)
                drawn.append((file, caption))
                yield drawn

    @told()
    def transfer(
        self,
        editor: Editor | None,
        boundary: Image | None,
        content: Image | None,
        condition: Image | None,
        content_boundary: Image | None,
        label: str | None = None,
        content_label: str | None = None,
        instances: np.ndarray | None = None,
    ) -> Image:
        """The content of an image with its condition, under the editor's condition and a class."""
        onto = self.painted(editor, boundary, label, instances)
        image, source = given(content, "content"), self._studio.blank()
        if self._studio.reads_conditions:
            own = given(condition, "condition of the content")
            own_boundary = self._boundary(content_boundary, "boundary map of the content")
            source = Painted(own, own_boundary)
        source = source._replace(label=self._label(content_label, "class of the content"))
        self._studio.warm_up.wait_for(TRANSFER)
        return self._studio.transfer(source, image, onto)

    @told()
    def bits_per_dim(
        self,
        editor: Editor | None,
        boundary: Image | None,
        image: Image | None,
        label: str | None = None,
        instances: np.ndarray | None = None,
    ) -> str:
        """Bits per dimension of an image, given the editor's condition and a class."""
        painted, scored = self.painted(editor, boundary, label, instances), given(image, "image")
        self._studio.warm_up.wait_for(MEASURE)
        return f"{self._studio.bits_per_dim(painted, scored):.4f}"

    def painted(
        self,
        editor: Editor | None,
        boundary: Image | None,
        label: str | None,
        instances: np.ndarray | None,
    ) -> Painted:
        """The condition on the editor, and what belongs to it."""
        label = self._label(label, "class")
        if not self._studio.reads_conditions:
            return self._studio.blank()._replace(label=label)
        background = np.asarray(given(editor and editor["background"], "condition"))
        strokes = list(map(np.asarray, editor["layers"])) if editor else []
        own = self._boundary(boundary, "boundary map of the condition")
        canvas = self._studio.canvas
        if instances is None:  # nobody knows those of this condition
            instances = self._studio.instances_in(canvas.read(background, []).condition)
        return canvas.read(background, strokes, own, instances)._replace(label=label)

    def _boundary(self, boundary: Image | None, name: str) -> Image | None:
        return given(boundary, name) if self._studio.reads_boundaries else None

    def _label(self, label: str | None, name: str) -> str | None:
        return given(label, name) if self._studio.classes else None


def given(image: T | None, name: str) -> T:
    """What was given.

    Raises:
        UserError: If nothing was.
    """
    if image is None:
        raise UserError(f"There is no {name} yet: give one, or choose a pair.")
    return image
