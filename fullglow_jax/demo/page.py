"""The page: its parts and their requests."""

from pathlib import Path
from typing import Any

import gradio as gr

from fullglow_jax.data.pair import Pair
from fullglow_jax.demo.answers import Answers
from fullglow_jax.demo.canvas import Painted
from fullglow_jax.demo.object_answers import ObjectAnswers
from fullglow_jax.demo.objects_tab import objects_tab
from fullglow_jax.demo.parts import (
    KINDS,
    ONE_AT_A_TIME,
    picture,
    shows_uploads,
    temperature_slider,
)
from fullglow_jax.demo.studio import DRAW, MEASURE, TRANSFER, Studio
from fullglow_jax.model_registry import FAMILIES

MOST_PHOTOS = 16
"""Most photos of one request."""

LARGEST_BRUSH = 15
"""In pixels of the condition."""

CSS = """
img, canvas { image-rendering: pixelated; }
#classes .wrap { gap: 4px; }
#classes label { padding: 2px 8px; }
#photos .thumbnail-item { aspect-ratio: auto; }
.picture img { width: 100%; height: auto; max-height: 60vh; object-fit: contain; }
"""


def title(model: str, workdir: Path, step: int) -> str:
    """The page's title, "demo: Full-Glow, step 875", say; `model` is `config.model.name`."""
    return f"{workdir.resolve().name}: {FAMILIES[model].in_words}, step {step}"


def build_page(studio: Studio, title: str) -> gr.Blocks:
    """The page of a model: a canvas, if it reads conditions, a choice of class, if it reads one.

    Beside them, there is a tab for each thing that it can do.
    """
    answers = Answers(studio)
    first = studio.names[0] if studio.names else None
    start = studio.pair(first) if first else None
    with gr.Blocks(title=title, analytics_enabled=False, delete_cache=(300, 1800)) as page:
        gr.Markdown(f"# {title}")
        _compiling(page, answers)
        if studio.missing:
            gr.Markdown(f"There are no examples to choose from: {studio.missing}")
        # Placeholders for a page without the canvas.
        condition: list[Any] = [gr.State(None), gr.State(None)]
        instances = gr.State(studio.instances_of(start) if start else None)
        with gr.Row():
            if studio.reads_conditions:
                with gr.Column(scale=3):
                    chosen, *condition = _canvas(studio, answers, start, instances)
            with gr.Column(scale=4):
                label = _classes(studio, "Class", start)
                with gr.Tabs():
                    with gr.Tab("Photos"):
                        _photos(studio, answers, condition, label, instances)
                    if objects := studio.objects:
                        with gr.Tab("Objects"):
                            of_objects = ObjectAnswers(studio, objects, answers)
                            given = [*condition, label, instances]
                            objects_tab(studio, of_objects, answers, given)
                    if studio.transfers:
                        with gr.Tab("Transfer"):
                            _transfer(studio, answers, condition, label, instances)
                    with gr.Tab("Bits per dimension" if studio.headline else "True image"):
                        photo = _photo(studio, answers, condition, label, instances, start)
        if studio.reads_conditions:
            shown = [*condition, photo, label, instances]
            chosen.input(answers.choose, chosen, shown, api_name="choose")
    return page


def _classes(studio: Studio, title: str, start: Pair | None) -> Any:
    """A choice of class; a placeholder, if the model reads none."""
    if not studio.classes:
        return gr.State(None)
    first = studio.class_of(start) if start else studio.classes[0]
    return gr.Dropdown(list(studio.classes), value=first, label=title)


def _compiling(page: gr.Blocks, answers: Answers) -> None:
    """Says what is compiled still, as long as anything is."""
    said, clock = gr.Markdown(), gr.Timer(1)

    def tick() -> tuple[str, gr.Timer]:
        text = answers.compiling()
        return text, gr.Timer(active=bool(text))

    gr.on(
        [page.load, clock.tick],
        tick,
        outputs=[said, clock],
        show_progress="hidden",
        api_visibility="private",
    )


def _canvas(
    studio: Studio, answers: Answers, start: Pair | None, instances: gr.State
) -> tuple[Any, Any, Any]:
    """The parts (choice of a pair, editor of its condition, its boundary map)."""
    with_map = studio.reads_boundaries
    begin = Painted(start["condition"], start.get("boundary")) if start else studio.blank()
    height, width = studio.canvas.size
    with gr.Row():
        chosen = gr.Dropdown(
            studio.names,
            value=studio.names[0] if studio.names else None,
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
        brush=_brush(studio, studio.palette.names[0], _usual_brush(studio)),
        buttons=["download"],
    )
    classes = gr.Radio(
        list(studio.palette.names),
        value=studio.palette.names[0],
        label="Paint with",
        elem_id="classes",
    )
    with gr.Row():
        size = gr.Slider(
            1,
            LARGEST_BRUSH,
            _usual_brush(studio),
            step=1,
            label="Width of the brush, in pixels",
            elem_id="size",
            scale=3,
        )
        clear = gr.Button("Clear", elem_id="clear")
    boundary = picture("Its boundary map", begin.boundary, visible=with_map)
    upload_boundary = gr.UploadButton("Upload its boundary map", file_types=KINDS, visible=with_map)
    gr.on(
        [classes.input, size.release],
        lambda name, width: gr.ImageEditor(brush=_brush(studio, name, width)),
        [classes, size],
        editor,
        api_visibility="private",
    )
    clear.click(answers.cleared, None, [editor, boundary, instances], api_name="clear")
    on_canvas = [editor, instances]
    upload.upload(answers.fitted_to_canvas, upload, on_canvas, api_name="upload_condition")
    shows_uploads(answers, upload_boundary, boundary, "boundary")
    return chosen, editor, boundary


def _photos(
    studio: Studio, answers: Answers, condition: list[Any], label: Any, instances: Any
) -> None:
    with gr.Row():
        count = gr.Slider(1, MOST_PHOTOS, 4, step=1, label="How many")
        temperature = temperature_slider(studio)
        seed = gr.Number(0, label="Seed", precision=0, minimum=0, maximum=2**31 - 1)
    draw = gr.Button(DRAW, variant="primary", elem_id="draw")
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
    given = [*condition, count, temperature, seed, label, instances]
    draw.click(answers.draw, given, photos, api_name="draw", **ONE_AT_A_TIME)


def _transfer(
    studio: Studio, answers: Answers, condition: list[Any], label: Any, instances: Any
) -> None:
    with_map, reads = studio.reads_boundaries, studio.reads_conditions
    onto = "condition on the left" if reads else "class above"
    gr.Markdown(f"The content of this image, under the {onto}.")
    with gr.Row():
        chosen = gr.Dropdown(studio.names, value=None, label="Choose content", elem_id="content")
        upload_photo = gr.UploadButton("Upload its image", file_types=KINDS)
        upload_map = gr.UploadButton("Upload its condition", file_types=KINDS, visible=reads)
        upload_boundary = gr.UploadButton(
            "Upload its boundary map", file_types=KINDS, visible=with_map
        )
    with gr.Row():
        photo = picture("Content", elem_id="content_photo")
        own_map = picture("Its condition", visible=reads)
        boundary = picture("Its boundary map", visible=with_map)
    own_label = _classes(studio, "Its class", None)
    move = gr.Button(TRANSFER, variant="primary", elem_id="transfer")
    moved = picture("Result", elem_id="moved")
    content = [photo, own_map, boundary]
    shown = [*content, own_label]
    chosen.input(answers.choose_content, chosen, shown, api_name="choose_content")
    uploads = {"target": upload_photo, "condition": upload_map, "boundary": upload_boundary}
    for (role, button), part in zip(uploads.items(), content, strict=True):
        shows_uploads(answers, button, part, role)
    given = [*condition, *content, label, own_label, instances]
    move.click(answers.transfer, given, moved, api_name="transfer", **ONE_AT_A_TIME)


def _photo(
    studio: Studio,
    answers: Answers,
    condition: list[Any],
    label: Any,
    instances: Any,
    start: Pair | None,
) -> gr.Image:
    """A true image, which is scored if the model can do that; returns the part that shows it."""
    read = ["condition"] * studio.reads_conditions + ["class"] * bool(studio.classes)
    given = f", given the {' and the '.join(read)}" if read else ""
    if studio.headline:
        gr.Markdown(f"How well the model predicts an image{given}.")
    else:
        gr.Markdown("A true image, beside those that are drawn.")
    upload = gr.UploadButton("Upload an image", file_types=KINDS, elem_id="upload_photo")
    photo = picture("Image", start["target"] if start else None, elem_id="photo")
    shows_uploads(answers, upload, photo, "target")
    if studio.headline:
        measure = gr.Button(MEASURE, variant="primary", elem_id="measure")
        bits = gr.Textbox(label="Bits per dimension", elem_id="bits")
        scores = [*condition, photo, label, instances]
        measure.click(answers.bits_per_dim, scores, bits, api_name="bits_per_dim", **ONE_AT_A_TIME)
    return photo


def class_colours(studio: Studio) -> str:
    """CSS that shows each class's colour beside its name."""
    rules = [CSS]
    for i, name in enumerate(studio.palette.names, start=1):
        colour = studio.palette.hexadecimal(name)
        rules.append(
            f"#classes label:nth-of-type({i})::before {{ content: ''; width: 1em; height: 1em; "
            f"border: 1px solid #888; background: {colour}; }}"
        )
    return "\n".join(rules)


def _brush(studio: Studio, name: str, width: int) -> gr.Brush:
    """A brush in a class's colour, so many pixels of the condition wide."""
    colour, radius = studio.palette.hexadecimal(name), round(width * studio.canvas.zoom / 2)
    return gr.Brush(radius, colors=[colour], default_color=colour, color_mode="fixed")


def _usual_brush(studio: Studio) -> int:
    """A width to begin with, for objects of an image of its height."""
    height = studio.canvas.size[0] // studio.canvas.zoom
    return min(LARGEST_BRUSH, max(1, height // 6))
