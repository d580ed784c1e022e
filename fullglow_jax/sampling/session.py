"""The session that every mode of the sample command works with."""

from collections.abc import Sequence
from dataclasses import dataclass

from ml_collections import ConfigDict

from fullglow_jax.data.classes import class_index
from fullglow_jax.errors import UserError, with_article
from fullglow_jax.models.shapes import Shapes
from fullglow_jax.parallel.distributed import is_first
from fullglow_jax.pictures.gallery import Row
from fullglow_jax.progress import ProgressLine
from fullglow_jax.sampling.album import PAGE, Album
from fullglow_jax.sampling.examples import FILES, Example, Examples
from fullglow_jax.sampling.file_names import readable
from fullglow_jax.sampling.operations import Operations
from fullglow_jax.sampling.request import SampleRequest


@dataclass(frozen=True)
class Session:
    """A trained model's operations, the config, which names the data, and the flags."""

    config: ConfigDict
    request: SampleRequest
    operations: Operations

    @property
    def temperatures(self) -> tuple[float, ...]:
        """The temperatures of the images: those that are asked for, or the model's own."""
        return self.request.temperatures_or(self.config.train.temperature)

    @property
    def shapes(self) -> Shapes:
        """The shapes of the model's images."""
        return self.operations.shapes

    @property
    def checkpoint_name(self) -> str:
        """Checkpoint and seed, for a folder's name."""
        return f"step_{self.operations.trained.step:07d}_seed_{self.request.seed}"

    @property
    def name(self) -> str:
        """Mode, checkpoint and seed, for a folder's name; a mode adds its other flags."""
        return f"{self.request.mode}_{self.checkpoint_name}"

    def album(self, name: str | None = None) -> Album:
        """Makes the folder for the pictures; call it after all checks.

        If there is no --out, it is in the workdir, under this name.
        """
        inside = self.request.workdir / "samples" / (name or self.name)
        return Album(self.request.out or inside, self.config.data.bits)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes that the model reads; () if it reads none."""
        return tuple(self.config.data.classes) if self.shapes.annotations.label else ()

    @property
    def labels(self) -> tuple[int, ...]:
        """The classes that --label names.

        Raises:
            UserError: If the model reads no class, or training has never seen one of these.
        """
        if self.request.label and not self.classes:
            raise UserError(
                f"--label {self.request.label[0]}: this model, "
                f"{with_article(self.config.model.name)} trained "
                "without config.data.labels, reads no class. Leave the flag out."
            )
        return tuple(class_index(name, self.classes, "--label") for name in self.request.label)

    @property
    def one_label(self) -> int | None:
        """The class that --label names, for modes that take one; None without the flag.

        Raises:
            UserError: As `labels`, and if there are several.
        """
        if len(self.labels) > 1:
            raise UserError(f"--mode {self.request.mode} takes one --label, for all of its pairs.")
        return self.labels[0] if self.labels else None

    def examples(self, label: int | None = None) -> Examples:
        """Pairs of the split, and of files; all of one class if it is given."""
        return Examples(
            self.config,
            self.request.split,
            self.shapes,
            reads_conditions=self.operations.reads_conditions,
            label=label,
        )

    def need_targets(self, examples: Sequence[Example]) -> None:
        """Checks that all examples have a target.

        Raises:
            UserError: If one has none.
        """
        for example in examples:
            if not example.has_target:
                raise UserError(
                    f"--pair {example.name}: --mode {self.request.mode} encodes an image, and here "
                    f"is a condition alone. Name the image too: {FILES}."
                )

    def progress(self, total: int, what: str = "sampling") -> ProgressLine:
        """A progress line; silent in all but the first process."""
        return ProgressLine(what, total, quiet=not is_first())

    def say_if_alike(self, progress: ProgressLine, count: int) -> None:
        """Says that all of `count` images of a condition are the same, if they are."""
        if count > 1 and (reason := self.shapes.without_noise):
            progress.say(f"note: all images of a condition are the same: {reason}")

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
        """Writes the album's grid and page (see `Album.finish`), and prints where they are.

        `total` is the number of drawn pictures.
        """
        title = f"{self.request.mode}: {readable(self.request.workdir.name)}, step "
        title += f"{self.operations.trained.step}, seed {self.request.seed}"
        grid = album.finish(title, columns, rows, value, most_in_grid)
        progress.say(f"{total} images in {album.folder}\ngrid: {grid}\npage: {album.folder / PAGE}")
        if album.overflowed:
            progress.say(
                f"{album.overflowed} of them overflowed in part, drawn black there: "
                "the model is barely trained; train on, or lower --temperature."
            )
