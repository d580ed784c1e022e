"""The sample command: a PNG for every image drawn, and a grid of all of them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ml_collections import ConfigDict
from PIL import Image

from fullglow_jax.data.source import build_source
from fullglow_jax.errors import UserError
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.parallel.distributed import is_first
from fullglow_jax.progress import ProgressLine
from fullglow_jax.sampling.conditions import Conditions, from_files, from_source, without
from fullglow_jax.sampling.grid import as_uint8, samples_grid
from fullglow_jax.sampling.operations import Operations
from fullglow_jax.training.trained import Trained, load_trained


@dataclass(frozen=True)
class SampleRequest:
    """What to draw.

    Attributes:
        workdir: Folder of the training run.
        checkpoint: "latest", "best" or a step.
        split: Where conditions come from, unless `conditions` names files.
        count: How many conditions of the split; images, where the model reads no conditions.
        conditions: Image files.
        boundaries: Boundary maps of those, for models that read them.
        samples: Images for each condition; None for 4, or for 1 where the model reads none.
        temperatures: Factors of the noise's deviation.
        seed: Of the noise.
        batch_size: Images drawn at once.
        out: Folder for the images; inside the workdir if None.
    """

    workdir: Path
    checkpoint: str
    split: str
    count: int
    conditions: tuple[Path, ...]
    boundaries: tuple[Path, ...]
    samples: int | None
    temperatures: tuple[float, ...]
    seed: int
    batch_size: int
    out: Path | None


def sample(config: ConfigDict, request: SampleRequest) -> Path:
    """Draws what is asked for and returns the grid's path.

    Raises:
        UserError: Where the checkpoint or a condition cannot be read, or `out` cannot be made.
    """
    devices = Devices()
    trained = load_trained(config, request.workdir, request.checkpoint, devices)
    conditions = _conditions(config, request, trained)
    samples = request.samples or (4 if conditions.matter else 1)
    out = request.out or (
        request.workdir / "samples" / f"step_{trained.step:07d}_seed_{request.seed}"
    )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--out {out} cannot be made: {error.strerror}.") from None
    operations = Operations(trained, config.model.name, devices, request.batch_size)
    rows: list[list[np.ndarray]] = [[] for _ in conditions.names]
    total = len(rows) * len(request.temperatures) * samples
    done = overflowed = 0
    with ProgressLine("sampling", total, quiet=not is_first()) as progress:
        for temperature in request.temperatures:
            drawn = operations.draw(conditions.batch, samples, temperature, request.seed)
            for place, number, image in drawn:
                # Names may have the folders of a data set in them.
                named = f"{place:03d}_{conditions.names[place]}".replace("/", "_")
                name = f"{named}__T{temperature:g}__{number:03d}.png"
                if is_first():
                    Image.fromarray(as_uint8(image)).save(out / name)
                rows[place].append(image)
                done += 1
                overflowed += bool(np.isnan(image).any())
                progress.update(done)
        path = out / "grid.png"
        if is_first():
            Image.fromarray(samples_grid(conditions, rows, request.temperatures)).save(path)
        progress.say(f"{total} images in {out}\ngrid: {path}")
        if overflowed:
            progress.say(
                f"{overflowed} of them overflowed in part, drawn black there: "
                "the model is barely trained; train on, or lower --temperature."
            )
    return path


def _conditions(config: ConfigDict, request: SampleRequest, trained: Trained) -> Conditions:
    architecture = trained.architecture
    if not trained.model.reads_conditions:
        if request.conditions or request.boundaries:
            raise UserError(
                f"--condition and --boundary mean nothing to this model, a {config.model.name}, "
                "which reads no conditions. Leave them out; --count says how many images to draw."
            )
        return without(request.count, architecture)
    if request.conditions:
        return from_files(request.conditions, request.boundaries, architecture, config)
    source = build_source(config.data, request.split, boundary=architecture.boundary)
    return from_source(source, request.count, architecture)
