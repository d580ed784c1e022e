"""What the sample command is asked for."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class SampleRequest:
    """What to draw.

    Attributes:
        workdir: Folder of the training run.
        checkpoint: "latest", "best" or a step.
        mode: One of `modes.MODES`.
        split: Where conditions and pairs come from, unless `conditions` or `pairs` name them.
        count: How many of the split; images, where there are no conditions to read.
        conditions: Image files.
        boundaries: Boundary maps of those, for models that read them.
        pairs: CONTENT:STRUCTURE, or single pairs for "reconstruct"; see `Examples.find`.
        samples: Images for each condition; None for 4, or for 1 where the model reads none.
        rounds: Images for each condition of a "set".
        limit: Only the first so many conditions of a "set"; None for all.
        frames: Images from one end of an interpolation to the other.
        temperatures: Factors of the noise's deviation.
        seed: Of the noise.
        batch_size: Images drawn at once.
        out: Folder for the images; inside the workdir if None.
    """

    workdir: Path
    checkpoint: str
    mode: str
    split: str
    count: int = 4
    conditions: tuple[Path, ...] = ()
    boundaries: tuple[Path, ...] = ()
    pairs: tuple[str, ...] = ()
    samples: int | None = None
    rounds: int = 3
    limit: int | None = None
    frames: int = 7
    temperatures: tuple[float, ...]
    seed: int
    batch_size: int
    out: Path | None = None
