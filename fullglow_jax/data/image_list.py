"""Lists of images: CSV files with a row for each."""

import csv
import difflib
from pathlib import Path
from typing import Any, NamedTuple

from fullglow_jax.data.names import canonical
from fullglow_jax.errors import UserError, first_line

NAME = "name"
"""The column of the images' paths."""

SPLIT = "SPLIT"
"""Stands for the split's name in `config.data.csv`."""


class Listed(NamedTuple):
    """A row of a list.

    Attributes:
        where: File and line, for messages.
        name: The image's path as it is written.
        label: Its class; None if no column of classes was asked for.
    """

    where: str
    name: str
    label: str | None


def read_image_list(path: Path, labels: str = "") -> list[Listed]:
    """The rows of a CSV file with a header, in order.

    Args:
        path: The file, in UTF-8.
        labels: The column of classes; empty for none.

    Raises:
        UserError: If the file is missing, empty or no CSV, or lacks a column.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            header = [column.strip() for column in reader.fieldnames or ()]
            reader.fieldnames = header
            for column in filter(None, (NAME, labels)):
                _check_column(path, column, header)
            rows = [_listed(f"{path}, line {reader.line_num}", row, labels) for row in reader]
    except FileNotFoundError as error:
        raise UserError(
            f"there is no file {path}, which is to name the images, as config.data.csv says. "
            f"Expected a CSV with a column {NAME!r}, and {SPLIT} in its path for the split's name."
        ) from error
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise UserError(
            f"{path} is no CSV file in UTF-8: {first_line(error)}. Save it anew as one."
        ) from error
    if not rows:
        raise UserError(f"{path} names no image: it has a header and no row below it.")
    return rows


def _listed(where: str, row: dict[str | None, Any], labels: str) -> Listed:
    if None in row:  # where the fields stand that are too many
        raise UserError(
            f"{where} has more fields than the header. Put a text with a comma in it into quotes."
        )
    label = canonical((row[labels] or "").strip()) if labels else None
    return Listed(where, (row[NAME] or "").strip(), label)


def _check_column(path: Path, column: str, header: list[str]) -> None:
    if not any(header):
        raise UserError(
            f"{path} is empty. Expected a header with a column {NAME!r}, and a row for each image."
        )
    if header.count(column) > 1:
        raise UserError(f"{path} has {header.count(column)} columns {column!r}. Keep one of them.")
    if column not in header:
        key = "" if column == NAME else f" (config.data.labels={column!r})"
        raise UserError(
            f"{path} has no column {column!r}{key}. Its columns are: "
            f"{', '.join(map(repr, header))}{_hint(column, header)}"
        )


def _hint(column: str, header: list[str]) -> str:
    if len(header) == 1 and ";" in header[0]:
        return ". Save it with commas between its fields, in place of semicolons."
    if not (near := difflib.get_close_matches(column, header, n=1)):
        return "."
    wanted = f" It must be called {column!r}." if column == NAME else ""
    return f"; did you mean {near[0]!r}?{wanted}"
