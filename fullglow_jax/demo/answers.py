"""What the page answers to its requests, which anybody may send who reaches it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

import gradio as gr
import numpy as np
from gradio.components.image_editor import EditorValue

from fullglow_jax.demo.canvas import Painted
from fullglow_jax.demo.studio import Studio
from fullglow_jax.errors import UserError

Image = np.ndarray
Editor = EditorValue
"""An image editor's background, layers above it, and both together."""

P = ParamSpec("P")
T = TypeVar("T")


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except UserError as error:
        raise gr.Error(str(error), print_exception=False) from error


def told(function: Callable[P, T]) -> Callable[P, T]:
    """The function; what a user can mend is shown on the page, as a message."""

    @wraps(function)
    def answer(*args: P.args, **kwargs: P.kwargs) -> T:
        with _told():
            return function(*args, **kwargs)

    return answer


def told_as_it_goes(function: Callable[P, Iterator[T]]) -> Callable[P, Iterator[T]]:
    """Likewise, of a function whose answer comes piece by piece."""

    @wraps(function)
    def answer(*args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        with _told():
            yield from function(*args, **kwargs)

    return answer


class Answers:
    """One method a request.

    Pictures are uint8 (H, W, 3) of the model's size, but for the editor's, which are enlarged.
    Boundary maps are None for models that do not read them.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def on_canvas(self, condition: Image) -> Editor:
        """A condition to paint on."""
        enlarged = self._studio.canvas.enlarged(condition)
        return {"background": enlarged, "layers": [], "composite": enlarged}

    @told
    def choose(self, name: str) -> tuple[Editor, Image | None, Image]:
        """A pair's condition to paint on, its boundary map, and its target."""
        pair = self._studio.pair(name)
        return self.on_canvas(pair["condition"]), pair.get("boundary"), pair["target"]

    @told
    def choose_content(self, name: str) -> tuple[Image, Image, Image | None]:
        """A pair's target, condition and boundary map."""
        pair = self._studio.pair(name)
        return pair["target"], pair["condition"], pair.get("boundary")

    @told
    def fitted(self, file: str) -> Image:
        """An uploaded image."""
        return self._studio.fitted(file)

    @told
    def fitted_to_canvas(self, file: str) -> Editor:
        """An uploaded condition, to paint on."""
        return self.on_canvas(self._studio.fitted(file))

    @told_as_it_goes
    def draw(
        self,
        editor: Editor | None,
        boundary: Image | None,
        count: float | None,
        temperature: float | None,
        seed: float | None,
    ) -> Iterator[list[tuple[Image, str]]]:
        """Photos and what to write below them; all there are so far, as each is done."""
        painted = self._painted(editor, boundary)
        photos, warmth = int(_given(count, "number of photos")), _given(temperature, "temperature")
        whole = int(_given(seed, "seed"))
        drawn: list[tuple[Image, str]] = []
        for image in self._studio.photos(painted, photos, warmth, whole):
            caption = f"seed {whole}, temperature {warmth:g}, {len(drawn) + 1}"
            drawn.append((image, caption))
            yield drawn

    @told
    def transfer(
        self,
        editor: Editor | None,
        boundary: Image | None,
        content: Image | None,
        condition: Image | None,
        content_boundary: Image | None,
    ) -> Image:
        """The content of an image with its condition, under the editor's condition."""
        onto = self._painted(editor, boundary)
        image, own = _given(content, "content"), _given(condition, "condition of the content")
        own_boundary = self._boundary(content_boundary, "boundary map of the content")
        return self._studio.transfer(Painted(own, own_boundary), image, onto)

    @told
    def bits_per_dim(
        self, editor: Editor | None, boundary: Image | None, image: Image | None
    ) -> str:
        """Of an image, given the editor's condition."""
        painted = self._painted(editor, boundary)
        return f"{self._studio.bits_per_dim(painted, _given(image, 'image')):.4f}"

    def _painted(self, editor: Editor | None, boundary: Image | None) -> Painted:
        background = np.asarray(_given(editor and editor["background"], "condition"))
        strokes = list(map(np.asarray, editor["layers"])) if editor else []
        own = self._boundary(boundary, "boundary map of the condition")
        return self._studio.canvas.read(background, strokes, own)

    def _boundary(self, boundary: Image | None, name: str) -> Image | None:
        return _given(boundary, name) if self._studio.reads_boundaries else None


def _given(image: T | None, name: str) -> T:
    if image is None:
        raise UserError(f"There is no {name} yet: give one, or choose a pair.")
    return image
