"""Parts of the page that several of its tabs have."""

from typing import Any

import gradio as gr
import numpy as np

from fullglow_jax.data.image_kinds import image_suffixes
from fullglow_jax.demo.answers import Answers
from fullglow_jax.demo.studio import Studio

KINDS = sorted(image_suffixes())
"""Suffixes of files that can be uploaded."""

ONE_AT_A_TIME: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "model"}
"""All requests to the model wait in one queue."""


def picture(label: str, value: np.ndarray | None = None, **how: Any) -> gr.Image:
    """A picture to look at and to save; `how` are further arguments of `gr.Image`."""
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


def temperature_slider(studio: Studio) -> gr.Slider:
    """A choice of temperature, from the model's own on."""
    own = studio.temperature
    return gr.Slider(0, max(1, own), own, step=0.05, label="Temperature")


def shows_uploads(answers: Answers, button: gr.UploadButton, shown: gr.Image, role: str) -> None:
    """Shows what a button uploads, at the model's size, as "condition", "target" or other."""

    def fitted(file: str) -> np.ndarray:
        return answers.fitted(file, role)

    button.upload(fitted, button, shown, api_visibility="private")
