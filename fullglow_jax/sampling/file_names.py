"""What files are called that belong to a data set's pairs."""

from pathlib import PurePosixPath


class FileNames:
    """The names of pairs as those of files, asked for in the data set's order.

    A name that comes again gets a number.
    """

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def __call__(self, name: str) -> str:
        """The next pair's file name, without an ending."""
        # Folders of the data set are kept; ways out of the set's own are not.
        parts = [part for part in PurePosixPath(name).parts if part not in ("/", "..")]
        file = "/".join(parts)
        self._seen[file] = count = self._seen.get(file, 0) + 1
        return file if count == 1 else f"{file}__{count}"
