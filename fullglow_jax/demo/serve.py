"""Serving the page, on this machine only."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event

from ml_collections import ConfigDict
from PIL import Image

from fullglow_jax.demo.surroundings import ADDRESS, free_port, on_a_free_port, on_its_own
from fullglow_jax.errors import LeaveAtOnce

LARGEST_FILE = "16mb"
"""The largest file that can be uploaded."""

MOST_PIXELS = 2**25
"""Pixels of the largest image that can be uploaded."""

MOST_WAITING = 64
"""Requests in the queue."""

LONGEST_ANSWER = 60.0
"""Seconds that the end waits for an answer that is being computed."""

MOST_SESSIONS = 64
"""Visitors that Gradio remembers, a quarter of a megabyte for each, and a photo whose objects can
change; older ones are forgotten."""


def serve(config: ConfigDict, workdir: Path, checkpoint: str, split: str, port: int) -> None:
    """Serves the page of a workdir's model until Ctrl-C.

    Args:
        config: The checkpoint's config.
        workdir: Folder of a training run.
        checkpoint: "latest", "best" or a step.
        split: The split that conditions are chosen from.
        port: Where it is served; 0 for any free port.

    Raises:
        UserError: If the port is not free, or the model cannot be loaded.
    """
    free_port(port)  # now, not when the model has been loaded
    with on_its_own(), _uploads_of_at_most(MOST_PIXELS):
        _serve(config, workdir, checkpoint, split, port)


@contextmanager
def _uploads_of_at_most(pixels: int) -> Iterator[None]:
    """Limits the pixels that Pillow decodes, with which Gradio reads uploads."""
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = pixels
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _serve(config: ConfigDict, workdir: Path, checkpoint: str, split: str, port: int) -> None:
    import gradio as gr

    from fullglow_jax.demo.page import build_page, class_colours, title
    from fullglow_jax.demo.studio import Studio
    from fullglow_jax.parallel.devices import Devices
    from fullglow_jax.runs.trained import load_trained
    from fullglow_jax.sampling.operations import Operations

    devices = Devices(config.parallel)
    trained = load_trained(config, workdir, checkpoint, devices)
    # One image at a time, so that each shape is compiled once, for any number of images.
    operations = Operations(trained, config.model.name, devices, batch_size=1)
    studio = Studio(config, operations, split)
    page = build_page(studio, title(config.model.name, workdir, trained.step))
    page.queue(max_size=MOST_WAITING)
    theme = gr.themes.Default(
        font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]
    )

    def launch(free: int) -> str:
        _, address, _ = page.launch(
            server_name=ADDRESS,
            server_port=free,
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

    address = on_a_free_port(launch, port)
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
