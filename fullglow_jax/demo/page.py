"""The page: what is on it, and what asks for what."""

from typing import Any

import gradio as gr
import numpy as np

from fullglow_jax.demo.answers import Answers
from fullglow_jax.demo.canvas import Painted
from fullglow_jax.demo.studio import Studio

KINDS = [".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"]
"""Of files that can be uploaded."""

MOST_PHOTOS = 16
"""Of one request."""

MODEL = "model"
"""What asks for it waits in one queue, whichever button was clicked."""

CSS = """
img, canvas { image-rendering: pixelated; }
#classes .wrap { gap: 4px; }
#classes label { padding: 2px 8px; }
#photos .thumbnail-item { aspect-ratio: auto; }
.picture img { width: 100%; height: auto; max-height: 60vh; object-fit: contain; }
"""


def build_page(studio: Studio, title: str) -> gr.Blocks:
    """The page of a model."""
    answers = Answers(studio)
    of_maps = studio.reads_boundaries
    first = studio.names[0] if studio.names else None
    start = studio.pair(first) if first else None
    begin = Painted(start["condition"], start.get("boundary")) if start else studio.blank()
    height, width = studio.canvas.size

    with gr.Blocks(title=title, analytics_enabled=False, delete_cache=(300, 1800)) as page:
        gr.Markdown(f"# {title}")
        if studio.missing:
            gr.Markdown(f"There are no examples to choose from: {studio.missing}")
        with gr.Row():
            with gr.Column(scale=3):
                with gr.Row():
                    chosen = gr.Dropdown(
                        studio.names,
                        value=first,
                        label="Choose a condition",
                        elem_id="chosen",
                        scale=3,
                    )
                    upload = gr.UploadButton("Upload one", file_types=KINDS, elem_id="upload")
                editor = gr.ImageEditor(
                    answers.on_canvas(begin.condition),
                    label="Condition: paint on it",
                    elem_id="editor",
                    sources=(),
                    transforms=(),
                    layers=False,
                    format="png",
                    canvas_size=(width, height),
                    brush=_brush(studio, studio.palette.names[0]),
                    buttons=["download"],
                )
                classes = gr.Radio(
                    list(studio.palette.names),
                    value=studio.palette.names[0],
                    label="Paint with",
                    elem_id="classes",
                )
                boundary = _picture("Its boundary map", begin.boundary, visible=of_maps)
                upload_boundary = gr.UploadButton(
                    "Upload its boundary map", file_types=KINDS, visible=of_maps
                )
            with gr.Column(scale=4), gr.Tabs():
                with gr.Tab("Photos"):
                    with gr.Row():
                        count = gr.Slider(1, MOST_PHOTOS, 4, step=1, label="How many")
                        temperature = gr.Slider(0, 1, 0.7, step=0.05, label="Temperature")
                        seed = gr.Number(0, label="Seed", precision=0, minimum=0, maximum=2**31 - 1)
                    draw = gr.Button("Draw", variant="primary", elem_id="draw")
                    photos = gr.Gallery(
                        label="Photos",
                        elem_id="photos",
                        format="png",
                        columns=2,
                        height="auto",
                        object_fit="contain",
                        interactive=False,
                        buttons=["download", "download_all", "fullscreen"],
                    )
                with gr.Tab("Transfer"):
                    gr.Markdown("The content of this image, under the condition on the left.")
                    with gr.Row():
                        content = gr.Dropdown(
                            studio.names, value=None, label="Choose content", elem_id="content"
                        )
                        upload_photo = gr.UploadButton("Upload its image", file_types=KINDS)
                        upload_map = gr.UploadButton("Upload its condition", file_types=KINDS)
                        upload_map_boundary = gr.UploadButton(
                            "Upload its boundary map", file_types=KINDS, visible=of_maps
                        )
                    with gr.Row():
                        content_photo = _picture("Content", elem_id="content_photo")
                        content_map = _picture("Its condition")
                        content_boundary = _picture("Its boundary map", visible=of_maps)
                    move = gr.Button("Transfer", variant="primary", elem_id="transfer")
                    moved = _picture("Result", elem_id="moved")
                with gr.Tab("Bits per dimension"):
                    gr.Markdown("How well the model predicts an image, given the condition.")
                    upload_scored = gr.UploadButton(
                        "Upload an image", file_types=KINDS, elem_id="upload_scored"
                    )
                    scored = _picture("Image", start["target"] if start else None)
                    measure = gr.Button("Measure", variant="primary", elem_id="measure")
                    bits = gr.Textbox(label="Bits per dimension", elem_id="bits")

        # ---- what happens ------------------------------------------------------------------------
        condition = [editor, boundary]
        of_content = [content_photo, content_map, content_boundary]
        classes.input(
            lambda name: gr.ImageEditor(brush=_brush(studio, name)),
            classes,
            editor,
            api_visibility="private",
        )
        chosen.input(answers.choose, chosen, [editor, boundary, scored], api_name="choose")
        content.input(answers.choose_content, content, of_content, api_name="choose_content")
        upload.upload(answers.fitted_to_canvas, upload, editor, api_name="upload_condition")
        for button, shown in (
            (upload_boundary, boundary),
            (upload_photo, content_photo),
            (upload_map, content_map),
            (upload_map_boundary, content_boundary),
            (upload_scored, scored),
        ):
            button.upload(answers.fitted, button, shown, api_visibility="private")
        draw.click(
            answers.draw,
            [*condition, count, temperature, seed],
            photos,
            api_name="draw",
            concurrency_limit=1,
            concurrency_id=MODEL,
        )
        move.click(
            answers.transfer,
            [*condition, *of_content],
            moved,
            api_name="transfer",
            concurrency_limit=1,
            concurrency_id=MODEL,
        )
        measure.click(
            answers.bits_per_dim,
            [*condition, scored],
            bits,
            api_name="bits_per_dim",
            concurrency_limit=1,
            concurrency_id=MODEL,
        )
    return page


def class_colours(studio: Studio) -> str:
    """CSS that shows beside each class's name its colour."""
    rules = [CSS]
    for i, name in enumerate(studio.palette.names, start=1):
        colour = studio.palette.hexadecimal(name)
        rules.append(
            f"#classes label:nth-of-type({i})::before {{ content: ''; width: 1em; height: 1em; "
            f"border: 1px solid #888; background: {colour}; }}"
        )
    return "\n".join(rules)


def _picture(label: str, value: np.ndarray | None = None, **how: Any) -> gr.Image:
    return gr.Image(
        value,
        label=label,
        format="png",
        image_mode="RGB",
        interactive=False,
        buttons=["download"],
        elem_classes="picture",
        **how,
    )


def _brush(studio: Studio, name: str) -> gr.Brush:
    colour = studio.palette.hexadecimal(name)
    size = max(4, studio.canvas.size[0] // 12)
    return gr.Brush(size, colors=[colour], default_color=colour, color_mode="fixed")
