"""The command that serves a page to play with a trained model, on this machine only.

python -m fullglow_jax.demo [--workdir DIR] [--port 7860]
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event

from ml_collections import ConfigDict
from PIL import Image

from fullglow_jax import cli
from fullglow_jax.demo.surroundings import ADDRESS, free_port, on_a_free_port, on_its_own
from fullglow_jax.errors import LeaveAtOnce
from fullglow_jax.settings import rules

WORKDIR = cli.flag(
    "workdir",
    Path("street_scenes"),
    rules.path(),
    "Folder of a training run; or a model of the package, as street_scenes is.",
)
CHECKPOINT = cli.flag("checkpoint", "latest", rules.checkpoint(), '"latest", "best" or a step.')
SPLIT = cli.flag("split", "val", rules.name_of_split(), "Split that conditions are chosen from.")
PORT = cli.flag(
    "port", 7860, rules.integer(0, 65535), "Where the page is served; 0 for any free port."
)

LARGEST_FILE = "16mb"
"""The largest file that can be uploaded."""

MOST_PIXELS = 2**25
"""Pixels of the largest image that can be uploaded."""

MOST_WAITING = 64
"""Requests in the queue."""

LONGEST_ANSWER = 60.0
"""Seconds that the end waits for an answer that is being computed."""

MOST_SESSIONS = 64
"""Visitors that Gradio remembers, a quarter of a megabyte for each; older ones are forgotten."""


def main(argv: Sequence[str]) -> None:
    """Parses flags and serves until Ctrl-C."""
    # Each process computes the answers to its own requests, so it joins no others.
    overrides = cli.parse_flags(argv)
    config = cli.workdir_config(WORKDIR.value, CHECKPOINT.value, overrides, alone=True)
    free_port(PORT.value)  # now, not when the model has been loaded
    with on_its_own(), _uploads_of_at_most(MOST_PIXELS):
        _serve(config)


@contextmanager
def _uploads_of_at_most(pixels: int) -> Iterator[None]:
    """Limits the pixels that Pillow decodes, with which Gradio reads uploads."""
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = pixels
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _serve(config: ConfigDict) -> None:
    """Serves until Ctrl-C."""
    import gradio as gr

    from fullglow_jax.demo.page import build_page, class_colours, title
    from fullglow_jax.demo.studio import Studio
    from fullglow_jax.parallel.devices import Devices
    from fullglow_jax.runs.trained import load_trained
    from fullglow_jax.sampling.operations import Operations

    workdir = WORKDIR.value
    devices = Devices(config.parallel)
    trained = load_trained(config, workdir, CHECKPOINT.value, devices)
    # One image at a time, so that each shape is compiled once, for any number of images.
    operations = Operations(trained, config.model.name, devices, batch_size=1)
    studio = Studio(config, operations, SPLIT.value)
    page = build_page(studio, title(config.model.name, workdir, trained.step))
    page.queue(max_size=MOST_WAITING)
    theme = gr.themes.Default(
        font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]
    )

    def launch(port: int) -> str:
        _, address, _ = page.launch(
            server_name=ADDRESS,
            server_port=port,
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
        return str(address)

    address = on_a_free_port(launch, PORT.value)
    studio.warm_up.start()
    with suppress(KeyboardInterrupt):
        print(f"open {address} in a browser; Ctrl-C ends", flush=True)
        Event().wait()
    # What is being computed is done before the page's files are deleted, and writes none after.
    page.server.config.timeout_graceful_shutdown = 1
    page.close(verbose=False)
    page.server.thread.join(LONGEST_ANSWER)
    if studio.warm_up.unfinished:
        raise LeaveAtOnce


if __name__ == "__main__":
    cli.run(main)
