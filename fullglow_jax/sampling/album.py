"""Folders of pictures: a PNG for each, a grid of them and a page to look at them."""

import io
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from fullglow_jax.errors import mended
from fullglow_jax.files.drafts import PREFIX, SUFFIX, draft, sweep
from fullglow_jax.files.folders import make_writable
from fullglow_jax.parallel.distributed import is_first
from fullglow_jax.pictures.gallery import Row, gallery
from fullglow_jax.pictures.grid import as_uint8, image_grid
from fullglow_jax.text_output import in_utf8

GRID, PAGE = "grid.png", "index.html"

MADE_OF = "made of"
"""The PNG text that holds a picture's digest."""


class Album:
    """Writes pictures into a folder; only the first process of a run writes.

    Files are whole or not there; runs that draw into one folder at the same time have their own
    drafts.

    Args:
        folder: The folder, which is made if it does not exist.
        bits: Bits per channel of the model's images.

    Attributes:
        folder: The folder.
        overflowed: Number of pictures with pixels that are not numbers, drawn black.

    Raises:
        UserError: If the folder cannot be made or written to.
    """

    def __init__(self, folder: Path, bits: int = 8) -> None:
        self.folder = folder
        self._bits = bits
        self.overflowed = 0
        self._started = time.time()
        make_writable(folder, "--out")

    def save(self, file: str, image: np.ndarray, made_of: str = "") -> str:
        """Writes a picture, (H, W, 3), uint8 or float in [0, 1], and returns the file's name again.

        `made_of` is a digest of all that its pixels depend on. It is stored in the file itself, so
        it moves and is replaced together with the picture.

        Raises:
            UserError: If it cannot be written.
        """
        self.overflowed += bool(np.isnan(image).any())
        if is_first():
            png = io.BytesIO()
            about = PngInfo()
            if made_of:
                about.add_text(MADE_OF, made_of)
            Image.fromarray(as_uint8(image, self._bits)).save(png, "png", pnginfo=about)
            self._write(file, png.getvalue())
        return file

    def save_text(self, file: str, text: str) -> None:
        """Writes a text.

        Raises:
            UserError: If it cannot be written.
        """
        if is_first():
            self._write(file, in_utf8(text))

    def _write(self, file: str, content: bytes) -> None:
        path = self.folder / file
        how = "Make room, make the folder writable, or name another --out."
        with mended(f"{path} cannot be written", how):
            path.parent.mkdir(parents=True, exist_ok=True)
            with draft(path, durable=False) as scratch:
                scratch.write_bytes(content)

    def has(self, file: str, size: tuple[int, int], made_of: str | None = None) -> bool:
        """Whether there is an undamaged picture of this (H, W), and digest if one is given."""
        try:
            with Image.open(self.folder / file) as picture:
                picture.verify()  # the checksums of all chunks
                right = (picture.height, picture.width) == size
                return right and made_of in (None, picture.info.get(MADE_OF))
        except (OSError, SyntaxError, ValueError):
            return False

    def finish(
        self,
        title: str,
        columns: Sequence[str],
        rows: Sequence[Row],
        value: str = "",
        most_in_grid: int | None = None,
    ) -> Path:
        """Writes the grid and the page of all saved pictures, and sweeps drafts of killed runs.

        Args:
            title: Title of the page.
            columns: A title for each picture of a row.
            rows: The saved pictures.
            value: Name of the rows' values, if they have some.
            most_in_grid: Number of rows in the grid; None for all.

        Returns:
            The grid's path.
        """
        if is_first():
            cells = [[self._read(file) for file in row.files] for row in rows[:most_in_grid]]
            png = io.BytesIO()
            Image.fromarray(image_grid(cells, columns)).save(png, "png")
            self._write(GRID, png.getvalue())
            self.save_text(PAGE, gallery(self.folder, title, columns, rows, value))
            folders = {(self.folder / file).parent for row in rows for file in row.files if file}
            for folder in folders | {self.folder}:
                sweep(folder.glob(f"{PREFIX}*{SUFFIX}"), self._started)
        return self.folder / GRID

    def _read(self, file: str | None) -> np.ndarray | None:
        return None if file is None else np.asarray(Image.open(self.folder / file))
