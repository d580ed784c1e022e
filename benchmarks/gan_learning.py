"""Learning of a pix2pix on real pairs: how its photos come out, by seed, beside the original's.

python -m benchmarks.gan_learning --pairs FOLDER [--original PATH] [--seeds 0 1 2] [--steps 600]

FOLDER holds train/ and val/ as in `benchmarks.learning`. Label maps are the condition; both halves
are resized to 128×128. Batch 1, no augmentation, a constant learning rate. The original sees the
same pairs in the same order. Photos are drawn as they are tested: with dropout, each normalised by
itself. L1 is of values from 0 to 255; LPIPS needs the extra `lpips`.
"""

import itertools
from pathlib import Path
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
import optax
from PIL import Image

from benchmarks.common import parser, report
from benchmarks.learning import order, read_pairs
from benchmarks.originals import OriginalProcess
from fullglow_jax.config import default_config
from fullglow_jax.model_registry import build_model
from fullglow_jax.models.batch import Batch
from fullglow_jax.models.interface import Model
from fullglow_jax.perception.lpips import ALEX
from fullglow_jax.perception.lpips_package import package_folder, package_weights
from fullglow_jax.perception.network import Weights
from fullglow_jax.pictures.grid import image_grid

SIZE, DOWNS = (128, 128), 7


class Learner(Protocol):
    """What learns a pair at a time, and draws."""

    def train_step(self, condition: np.ndarray, target: np.ndarray) -> object:
        """One step on a pair, (1, H, W, 3) uint8 each."""

    def sample(self, condition: np.ndarray, count: int, temperature: float) -> np.ndarray:
        """Photos under one condition, (1, H, W, 3) uint8: (count, H, W, 3) uint8."""


class Ours:
    """This project's pix2pix."""

    def __init__(self, model: Model, first: Batch, seed: int) -> None:
        self._key = jax.random.key(seed)
        self._state = jax.jit(model.init)(self._key, first)
        self._train_step = jax.jit(model.train_step, donate_argnums=0)

        def drawn(variables: Any, batch: Batch, keys: jax.Array, temperature: float) -> jax.Array:
            read = model.read_conditions(variables, batch)
            return model.sample(variables, read, keys, jnp.asarray(temperature))

        self._drawn = jax.jit(drawn)

    def train_step(self, condition: np.ndarray, target: np.ndarray) -> None:
        """See `Learner`."""
        self._state, _ = self._train_step(self._state, Batch(condition, target), self._key)

    def sample(self, condition: np.ndarray, count: int, temperature: float) -> np.ndarray:
        """See `Learner`."""
        keys, batch = jax.random.split(self._key, count), Batch(condition, condition)
        images = self._drawn(self._state.variables, batch, keys, temperature)
        return np.asarray(jnp.round(255 * images)).astype(np.uint8)


def model_of(width: int) -> Model:
    """A pix2pix with the optimiser of its authors."""
    config = default_config("pix2pix")
    config.data.image_size = SIZE
    config.model.update(downs=DOWNS, width=width, discriminator_width=width)
    config.optimizer.beta_1 = 0.5
    return build_model(config, optax.constant_schedule(2e-4))


@jax.jit
def _lpips(weights: Weights, x: jax.Array, y: jax.Array) -> jax.Array:
    return ALEX(weights, x, y)


def distances(drawn: np.ndarray, true: np.ndarray) -> dict[str, float]:
    """Means of L1 and, where its weights are installed, of LPIPS with AlexNet."""
    found = {"L1": float(np.abs(drawn.astype(float) - true).mean())}
    if package_folder():
        weights = package_weights(ALEX.pretrained, "alexnet.ckpt")
        signed = (jnp.asarray(images / 127.5 - 1, jnp.float32) for images in (drawn, true))
        found["LPIPS"] = float(_lpips(weights, *signed).mean())
    return found


def learn(
    learner: Learner, name: str, splits: dict[str, Batch], seed: int, steps: int
) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    """Rows of figures by split, and the photos."""
    train = splits["train"]
    for place in itertools.islice(order(len(train.target), seed), steps):
        learner.train_step(train.condition[place, None], train.target[place, None])
    rows, photos = [], {}
    for split, pairs in splits.items():
        drawn = [learner.sample(condition[None], 1, 1.0) for condition in pairs.condition]
        photos[split] = np.concatenate(drawn)
        figures = distances(photos[split], pairs.target)
        rows.append({"model": name, "seed": seed, "steps": steps, "split": split, **figures})
        print(rows[-1], flush=True)
    return rows, photos


def means(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Over the seeds, by model and split."""
    found = []
    for model, split in dict.fromkeys((row["model"], row["split"]) for row in rows):
        at = [row for row in rows if (row["model"], row["split"]) == (model, split)]
        figures = {k: float(np.mean([row[k] for row in at])) for k in ("L1", "LPIPS") if k in at[0]}
        found.append({**at[0], "seed": "mean", **figures})
    return found


def main() -> None:
    """Trains once a seed, and saves a picture of the first one's photos."""
    options = parser(__doc__)
    options.add_argument("--pairs", type=Path, required=True)
    options.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options.add_argument("--steps", type=int, default=600)
    options.add_argument("--width", type=int, default=64, help="of both networks' first layers")
    options.add_argument("--original", type=Path, help="checkout of the original, to learn beside")
    args = options.parse_args()
    splits = {split: read_pairs(args.pairs / split, SIZE) for split in ("train", "val")}
    model = model_of(args.width)
    first = Batch(splits["train"].condition[:1], splits["train"].target[:1])
    rows: list[dict[str, Any]] = []
    shown: dict[str, dict[str, np.ndarray]] = {}
    for seed in args.seeds:
        learners: dict[str, Learner] = {"ours": Ours(model, first, seed)}
        if args.original:
            shapes = model.shapes
            learners["original"] = OriginalProcess("pix2pix", args.original, shapes, seed)
        for name, learner in learners.items():
            found, photos = learn(learner, name, splits, seed, args.steps)
            rows += found
            shown.setdefault(name, photos)
    report(args, "gan_learning", rows + means(rows))
    pairs = splits["train"]
    columns = pairs.condition, pairs.target, *(photos["train"] for photos in shown.values())
    path = args.out / "gan_learning.png"
    picture = image_grid(list(zip(*columns, strict=True))[:8], ["label map", "photo", *shown])
    Image.fromarray(picture).save(path)
    print(path)


if __name__ == "__main__":
    main()
