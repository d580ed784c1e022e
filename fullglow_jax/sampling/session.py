"""What every mode of the sample command works with."""

from collections.abc import Sequence
from dataclasses import dataclass

from ml_collections import ConfigDict

from fullglow_jax.errors import UserError
from fullglow_jax.models.pair_shapes import PairShapes
from fullglow_jax.parallel.distributed import is_first
from fullglow_jax.progress import ProgressLine
from fullglow_jax.sampling.album import PAGE, Album
from fullglow_jax.sampling.examples import FILES, Example, Examples
from fullglow_jax.sampling.gallery import Row
from fullglow_jax.sampling.operations import Operations
from fullglow_jax.sampling.request import SampleRequest


@dataclass(frozen=True)
class Session:
    """A trained model, and what is asked of it.

    Attributes:
        config: The config, with the data's place in it.
        request: What to draw.
        operations: What the model can do.
    """

    config: ConfigDict
    request: SampleRequest
    operations: Operations

    @property
    def architecture(self) -> PairShapes:
        """The model's numbers."""
        return self.operations.trained.architecture

    @property
    def name(self) -> str:
        """Mode, checkpoint and seed, for folders; a mode adds what else tells its pictures apart.

        Without the mode for "random", which was there first.
        """
        of_mode = "" if self.request.mode == "random" else f"{self.request.mode}_"
        return f"{of_mode}step_{self.operations.trained.step:07d}_seed_{self.request.seed}"

    def album(self, name: str | None = None) -> Album:
        """The folder for the pictures; to be asked for when all that can be refused has been.

        Args:
            name: Of the folder in the workdir, where --out names no other.
        """
        inside = self.request.workdir / "samples" / (name or self.name)
        return Album(self.request.out or inside)

    def examples(self) -> Examples:
        """Pairs of the split, and of files."""
        return Examples(self.config, self.request.split, self.architecture)

    def progress(self, total: int, what: str = "sampling") -> ProgressLine:
        """A progress line; silent in all but the first process."""
        return ProgressLine(what, total, quiet=not is_first())

    def finish(
        self,
        album: Album,
        progress: ProgressLine,
        columns: Sequence[str],
        rows: Sequence[Row],
        *,
        total: int,
        value: str = "",
        most_in_grid: int | None = None,
    ) -> None:
        """Writes the album's grid and page, and tells where they are.

        Args:
            album: Where the pictures are.
            progress: What to tell through.
            columns: A title for each picture of a row.
            rows: The pictures.
            total: How many of them were drawn.
            value: What the rows' values are.
            most_in_grid: How many rows the grid shows; None for all.
        """
        title = f"{self.request.mode}: {self.request.workdir.name}, step "
        title += f"{self.operations.trained.step}, seed {self.request.seed}"
        grid = album.finish(title, columns, rows, value, most_in_grid)
        progress.say(f"{total} images in {album.folder}\ngrid: {grid}\npage: {album.folder / PAGE}")
        if album.overflowed:
            progress.say(
                f"{album.overflowed} of them overflowed in part, drawn black there: "
                "the model is barely trained; train on, or lower --temperature."
            )


def file_stem(place: int, name: str) -> str:
    """What the files of a row are called; names may have the folders of a data set in them."""
    return f"{place:03d}_{name}".replace("/", "_")


def need_targets(examples: Sequence[Example], mode: str) -> None:
    """Returns where all of the examples have a target.

    Raises:
        UserError: Where one has none.
    """
    for example in examples:
        if not example.has_target:
            raise UserError(
                f"--pair {example.name}: --mode {mode} encodes an image, and here is a condition "
                f"alone. Name the image too: {FILES}."
            )
