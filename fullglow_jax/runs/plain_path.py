"""Plain names of folders, which are neither patterns nor addresses."""

import re
import shutil
import tempfile
import weakref
from pathlib import Path

from fullglow_jax.errors import UserError


class PlainPath:
    r"""A folder under a name of letters, digits, and signs without a special meaning.

    Orbax looks for files by patterns that begin with the folder's whole path, and TensorStore
    reads paths as addresses: `[ ] * ? \` or `gs:` anywhere in the path have a meaning there. Such a
    folder gets a link in the system's temporary folder, for as long as this object lives.

    Args:
        folder: Absolute; it need not exist yet.

    Attributes:
        path: The folder's plain name.

    Raises:
        UserError: If the folder needs such a link, and the temporary folder's path is not plain.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder
        if _is_plain(folder):
            return
        try:
            links = Path(tempfile.mkdtemp(prefix="fullglow_jax_"))
            weakref.finalize(self, shutil.rmtree, links, ignore_errors=True)
            self.path = links / "checkpoints"
            self.path.symlink_to(folder)
        except OSError as error:
            raise UserError(
                f"{folder} needs a plain name to be used, and none can be made: {error}. Choose "
                "one of letters and digits, or let TMPDIR name a folder that can be written to."
            ) from error
        if not _is_plain(self.path):
            raise UserError(
                f"{folder} cannot be used: its name means something else to the library that "
                f"stores arrays, and so does that of the temporary folder, {links}. Choose a name "
                "of letters and digits for one of them."
            )


def _is_plain(path: Path) -> bool:
    return re.fullmatch(r"[\w/.~@+=, -]*", str(path)) is not None
