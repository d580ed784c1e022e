"""Folders of images that are scored, or compared with, as they are."""

import re
from pathlib import Path

from fullglow_jax.data.faults import described
from fullglow_jax.data.image_files import find_images
from fullglow_jax.errors import UserError

ROUND = re.compile("round_[0-9]+")
"""Names of the folders of rounds, as `sample.py --mode set` draws them."""

PICTURES = tuple(f"eval_{of}.png" for of in ("samples", "bits_per_dim", "classes", "confusion"))
"""The pictures that `eval.py` writes into the folder that it scores."""


def images_below(folder: Path, flag: str) -> list[Path]:
    """All images in a folder and below it, in order, without the pictures of `eval.py` there.

    Args:
        folder: The folder.
        flag: The flag that named it, for messages.

    Raises:
        UserError: If there are files that cannot be looked at.
    """
    found = find_images(folder)
    if found.faults:
        raise UserError(f"{flag} {folder}: {described(found.faults)}")
    own = {folder / name for name in PICTURES}
    return [path for path in found.images if path not in own]


def check_no_set(folder: Path, flag: str) -> None:
    """Checks that a folder has no rounds of drawn images beside conditions and true ones.

    Raises:
        UserError: If it has some: all of these together are no set of images.
    """
    inside = sorted(path.name for path in folder.iterdir() if path.is_dir())
    rounds = [name for name in inside if ROUND.fullmatch(name)]
    if rounds:
        name = "ground_truth" if "ground_truth" in inside else rounds[0]
        raise UserError(
            f"{flag} {folder} has rounds of drawn images ({', '.join(rounds)}), and what lies "
            f"beside them. Name one folder of images, for example {folder / name}."
        )
