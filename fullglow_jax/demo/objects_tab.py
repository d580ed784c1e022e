"""The page's tab of objects: a drawn photo, of which single objects are drawn anew."""

from collections.abc import Sequence
from typing import Any

import gradio as gr
import numpy as np

from fullglow_jax.demo.answers import Answers
from fullglow_jax.demo.object_answers import ObjectAnswers
from fullglow_jax.demo.parts import (
    KINDS,
    ONE_AT_A_TIME,
    picture,
    shows_uploads,
    temperature_slider,
)
from fullglow_jax.demo.studio import DRAW, REDRAW, Studio

RESTYLE = "Give it its style"


def objects_tab(
    studio: Studio, answers: ObjectAnswers, of_page: Answers, condition: Sequence[Any]
) -> None:
    """The tab's parts and their requests.

    Args:
        studio: What the page shows.
        answers: The tab's answers.
        of_page: The page's.
        condition: The parts with the condition, its boundary map, its class and its instances.
    """
    gr.Markdown("Draw a photo, click on an object in it, and draw it anew: all else stays.")
    with gr.Row():
        temperature = temperature_slider(studio)
        seed = gr.Number(0, label="Seed", precision=0, minimum=0, maximum=2**31 - 1)
        draw = gr.Button(DRAW, variant="primary", elem_id="draw_scene")
    scene = gr.State(None)
    with gr.Row():
        photo = picture("Photo: click on an object", elem_id="scene")
        chosen = picture("The object", elem_id="object_marked")
    with gr.Row():
        name = gr.Dropdown([], label="Object", elem_id="object", allow_custom_value=True, scale=3)
        redraw = gr.Button(REDRAW, variant="primary", elem_id="redraw")
    shown = [photo, chosen, scene]
    draw.click(
        answers.draw,
        [*condition, temperature, seed],
        [*shown, name],
        api_name="draw_scene",
        **ONE_AT_A_TIME,
    )

    def clicked(there: Any, event: gr.SelectData) -> tuple[str, np.ndarray]:
        column, row = event.index
        return answers.choose_at(there, column, row)

    photo.select(clicked, scene, [name, chosen], api_visibility="private")
    name.input(answers.choose, [scene, name], chosen, api_name="choose_object")
    redraw.click(answers.redraw, [scene, name], shown, api_name="redraw_object", **ONE_AT_A_TIME)
    _restyling(studio.names, answers, of_page, [scene, name], shown)


def _restyling(
    names: Sequence[str],
    answers: ObjectAnswers,
    of_page: Answers,
    asked: Sequence[Any],
    shown: Sequence[Any],
) -> None:
    """A photo to take the object's style from."""
    gr.Markdown("Or its style comes from a photo, of the same kind of object, nearest in size.")
    with gr.Row():
        example = gr.Dropdown(list(names), value=None, label="Choose a photo", elem_id="example")
        upload_photo = gr.UploadButton("Upload one", file_types=KINDS)
        upload_map = gr.UploadButton("Upload its label map", file_types=KINDS)
    with gr.Row():
        photo = picture("Its photo", elem_id="example_photo")
        own_map = picture("Its label map")
    instances = gr.State(None)
    restyle = gr.Button(RESTYLE, variant="primary", elem_id="restyle")
    said = gr.Markdown(elem_id="restyled")
    example.input(
        answers.choose_reference,
        example,
        [photo, own_map, instances],
        api_name="choose_reference",
    )
    shows_uploads(of_page, upload_photo, photo, "target")
    shows_uploads(of_page, upload_map, own_map, "condition")
    # The instances were those of the map before.
    upload_map.upload(lambda: None, None, instances, api_visibility="private")
    restyle.click(
        answers.restyle,
        [*asked, photo, own_map, instances],
        [*shown, said],
        api_name="restyle_object",
        **ONE_AT_A_TIME,
    )
