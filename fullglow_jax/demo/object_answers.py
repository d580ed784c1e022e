"""Answers to the requests of the page's tab of objects."""

from typing import Any

import gradio as gr
import numpy as np

from fullglow_jax.demo.answers import Answers, Editor, Image, given, told
from fullglow_jax.demo.objects import Objects, Scene
from fullglow_jax.demo.studio import REDRAW, Studio
from fullglow_jax.errors import UserError
from fullglow_jax.sampling.instances import Instance
from fullglow_jax.sampling.restyling import CANDIDATES

Shown = tuple[Image, Image, Scene]
"""A photo, the same with the chosen object marked, and what stands for it between requests."""


class ObjectAnswers:
    """A method for each request.

    An object is chosen by its name, "26001 car" say, or its id.
    """

    def __init__(self, studio: Studio, objects: Objects, answers: Answers) -> None:
        self._studio, self._objects, self._answers = studio, objects, answers

    @told()
    def draw(
        self,
        editor: Editor | None,
        boundary: Image | None,
        label: str | None,
        instances: np.ndarray | None,
        temperature: float | None,
        seed: float | None,
    ) -> tuple[Image, Image, Scene, Any]:
        """A photo of the editor's condition, and the objects to choose from."""
        painted = self._answers.painted(editor, boundary, label, instances)
        warmth, whole = given(temperature, "temperature"), int(given(seed, "seed"))
        self._studio.warm_up.wait_for(REDRAW)
        scene = self._objects.draw(painted, warmth, whole)
        (first,) = scene.instances.largest(1)
        names = [each.name for each in scene.instances.all]
        choice = gr.Dropdown(names, value=first.name)
        return *self._shown(scene, first), choice

    @told()
    def choose(self, scene: Scene | None, name: str | None) -> Image:
        """The photo with an object marked."""
        scene = _there(scene)
        return self._objects.marked(scene, _chosen(scene, name))

    @told()
    def choose_at(self, scene: Scene | None, column: int, row: int) -> tuple[str, Image]:
        """The name of the object at a pixel, and the photo with it marked."""
        scene = _there(scene)
        instance = scene.instances.at(row, column, "The pixel")
        return instance.name, self._objects.marked(scene, instance)

    @told()
    def redraw(self, scene: Scene | None, name: str | None) -> Shown:
        """The photo with an object drawn anew."""
        scene = _there(scene)
        instance = _chosen(scene, name)
        self._studio.warm_up.wait_for(REDRAW)
        return self._shown(self._objects.redraw(scene, instance), instance)

    @told()
    def restyle(
        self,
        scene: Scene | None,
        name: str | None,
        photo: Image | None,
        condition: Image | None,
        instances: np.ndarray | None,
    ) -> tuple[Image, Image, Scene, str]:
        """The photo with an object in the style of its like in another photo, and what was done."""
        scene = _there(scene)
        instance = _chosen(scene, name)
        other, own = given(photo, "other photo"), given(condition, "label map of the other photo")
        self._studio.warm_up.wait_for(REDRAW)
        # Of a label map that was uploaded, the instances are found.
        there = self._studio.instances_in(own) if instances is None else instances
        painted = self._studio.blank()._replace(condition=own, instances=there)
        scene, like, by_encoder = self._objects.restyle(scene, instance, painted, other)
        how = (
            "read by the model's encoder"
            if by_encoder
            else f"looked for among {CANDIDATES} random ones, by mean colour and deviation"
        )
        return *self._shown(scene, instance), f"The style of {like.name}, {how}."

    @told()
    def choose_reference(self, name: str) -> tuple[Image, Image, np.ndarray | None]:
        """A pair's photo, its condition and its instances."""
        pair = self._studio.pair(name)
        return pair["target"], pair["condition"], self._studio.instances_of(pair)

    def _shown(self, scene: Scene, instance: Instance) -> Shown:
        return scene.image, self._objects.marked(scene, instance), scene


def _there(scene: Scene | None) -> Scene:
    return given(scene, "photo, or not any more")


def _chosen(scene: Scene, name: str | None) -> Instance:
    text = given(name, "object chosen").split(" ")[0]
    if not text.lstrip("-").isdecimal():
        raise UserError(f"{name!r} is no object: its id was expected first, as in '26001 car'.")
    return scene.instances.find(int(text), "The object")
