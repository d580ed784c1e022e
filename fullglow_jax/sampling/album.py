"""A folder of pictures: a PNG each, a grid of them and a page to look at them."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from fullglow_jax.errors import UserError
from fullglow_jax.parallel.distributed import is_first
from fullglow_jax.sampling.gallery import Row, gallery
from fullglow_jax.sampling.grid import as_uint8, image_grid

GRID, PAGE = "grid.png", "index.html"


class Album:
    """Pictures on their way into a folder; only the first process of a run writes.

    Files are written beside their place and moved there, so that they are whole or not there.

    Args:
        folder: Where to; made if it is not there.

    Attributes:
        folder: The folder.
        overflowed: How many pictures had pixels that are not numbers, drawn black.

    Raises:
        UserError: The folder cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.overflowed = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"--out {folder} cannot be made: {error.strerror}.") from None

    def save(self, file: str, image: np.ndarray) -> str:
        """Writes a picture.

        Args:
            file: Its name, with folders if it is to lie in some.
            image: (H, W, 3), uint8 or float in [0, 1].

        Returns:
            The file's name again.

        Raises:
            UserError: It cannot be written.
        """
        self.overflowed += bool(np.isnan(image).any())
        if is_first():
            png = io.BytesIO()
            Image.fromarray(as_uint8(image)).save(png, "png")
            self._write(file, png.getvalue())
        return file

    def save_text(self, file: str, text: str) -> None:
        """Writes a text.

        Raises:
            UserError: It cannot be written.
        """
        if is_first():
            self._write(file, text.encode())

    def _write(self, file: str, content: bytes) -> None:
        path = self.folder / file
        scratch = path.with_name(f".{path.name}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                scratch.write_bytes(content)
                scratch.replace(path)
            finally:
                scratch.unlink(missing_ok=True)  # interrupted, say
        except OSError as error:
            raise UserError(
                f"{path} cannot be written: {error.strerror or error}. Make room, make the folder "
                "writable, or name another --out."
            ) from error

    def has(self, file: str, size: tuple[int, int]) -> bool:
        """Whether there is such a picture, whole and of that size, (H, W)."""
        try:
            with Image.open(self.folder / file) as picture:
                picture.verify()  # every chunk's checksum, up to the last
                return (picture.height, picture.width) == size
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
        """Writes the grid and the page of all that was saved.

        Args:
            title: Of the page.
            columns: A title for each picture of a row.
            rows: What was saved.
            value: What the rows' values are, where they have any.
            most_in_grid: How many rows the grid shows; None for all.

        Returns:
            The grid's path.
        """
        if is_first():
            cells = [[self._read(file) for file in row.files] for row in rows[:most_in_grid]]
            png = io.BytesIO()
            Image.fromarray(image_grid(cells, columns)).save(png, "png")
            self._write(GRID, png.getvalue())
            page = gallery(self.folder, title, columns, rows, value)
            self._write(PAGE, page.encode())
        return self.folder / GRID

    def _read(self, file: str | None) -> np.ndarray | None:
        return None if file is None else np.asarray(Image.open(self.folder / file))
