"""Serves a page to play with a trained model on, at this machine alone.

python -m fullglow_jax.demo --workdir DIR [--port 7860]
"""

import os
from collections.abc import Sequence
from pathlib import Path

from absl import flags

from fullglow_jax import cli
from fullglow_jax.errors import UserError

WORKDIR = flags.DEFINE_string("workdir", None, "Folder of a training run.")
CHECKPOINT = flags.DEFINE_string("checkpoint", "latest", '"latest", "best" or a step.')
SPLIT = flags.DEFINE_string("split", "val", "Split that conditions are chosen from.")
PORT = flags.DEFINE_integer("port", 7860, "Where the page is served; 0 for any free port.")

LARGEST_FILE = "16mb"
"""That can be uploaded."""

MOST_PIXELS = 2**25
"""Of an image that is uploaded."""

MOST_WAITING = 64
"""Requests in the queue."""

MOST_SESSIONS = 64
"""Of visitors, whom Gradio remembers a quarter of a megabyte of each; the oldest are forgotten."""


def main(argv: Sequence[str]) -> None:
    """Parses flags and serves until Ctrl-C."""
    from fullglow_jax.training.trained import stored_config

    config = cli.parse_workdir(argv, WORKDIR, lambda w: stored_config(w, CHECKPOINT.value))
    # Before Gradio is imported: the page asks nothing of the network.
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import gradio as gr
    from PIL import Image

    from fullglow_jax.demo.page import build_page, class_colours
    from fullglow_jax.demo.studio import Studio
    from fullglow_jax.parallel.devices import Devices
    from fullglow_jax.sampling.operations import Operations
    from fullglow_jax.training.trained import load_trained

    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    workdir = Path(str(WORKDIR.value))
    devices = Devices()
    trained = load_trained(config, workdir, CHECKPOINT.value, devices)
    # One at a time, so that each shape is compiled once however many are asked for.
    operations = Operations(trained, config.model.name, devices, batch_size=1)
    studio = Studio(config, operations, SPLIT.value)
    print("compiling …", flush=True)
    studio.warm_up()
    page = build_page(studio, f"Full-Glow: {workdir.name}, step {trained.step}")
    page.queue(max_size=MOST_WAITING)
    theme = gr.themes.Default(
        font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]
    )
    try:
        _, address, _ = page.launch(
            server_name="127.0.0.1",
            server_port=PORT.value or None,
            max_file_size=LARGEST_FILE,
            css=class_colours(studio),
            theme=theme,
            footer_links=["api"],
            state_session_capacity=MOST_SESSIONS,
            share=False,
            ssr_mode=False,
            show_error=True,
            quiet=True,
            prevent_thread_lock=True,
        )
    except OSError as error:
        raise UserError(
            f"--port {PORT.value} cannot be served on: {error} --port 0 takes any free one."
        ) from None
    print(f"open {address} in a browser; Ctrl-C ends", flush=True)
    page.block_thread()


if __name__ == "__main__":
    cli.run(main)
