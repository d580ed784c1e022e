"""Learning: bits/dim over the first 600 steps on real pairs, by seed, beside the original's.

python -m benchmarks.learning --pairs FOLDER [--original PATH] [--seeds 0 1 2]

FOLDER holds train/ and val/, each image a photo and, to its right, its label map, as pix2pix's
facades have them. Labels are the condition; both are squeezed to 64×64. 4,4,4 steps, LU, batch 1,
Adam 1e-4, λ = 1e-4, no augmentation. Each epoch shuffles the pairs; the original, where it is at
hand, sees the same pairs in the same order.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import jax
import numpy as np
from PIL import Image

from benchmarks.common import full_glow_model, parser, quick_init, report
from benchmarks.originals import OriginalProcess
from fullglow_jax.flows.architecture import FullGlowArchitecture
from fullglow_jax.models.batch import Batch

SIZE = (64, 64)
STEPS = (4, 4, 4)
ARCHITECTURE = FullGlowArchitecture(SIZE, STEPS, memory_mode="store")
MEASURED_AT = (1, 10, 50, 100, 200, 400, 600)


class Learner(Protocol):
    """What learns a pair at a time, and can be asked how well it did."""

    def train_step(self, condition: np.ndarray, target: np.ndarray) -> object:
        """One step of Adam on a pair, (1, H, W, 3) uint8 each."""

    def bits_per_dim(self, condition: np.ndarray, target: np.ndarray) -> float:
        """Mean conditional bits/dim of (B, H, W, 3) uint8 pairs."""


class Ours:
    """This project's Full-Glow, started from the first pair."""

    def __init__(self, first: Batch, seed: int) -> None:
        model = full_glow_model(ARCHITECTURE)
        self._key = jax.random.key(seed)
        self._state = quick_init(model, first, seed)
        self._train_step = jax.jit(model.train_step, donate_argnums=0)
        self._score = jax.jit(model.bits_per_dim)

    def train_step(self, condition: np.ndarray, target: np.ndarray) -> None:
        """See `Learner`."""
        self._state, _ = self._train_step(self._state, Batch(condition, target), self._key)

    def bits_per_dim(self, condition: np.ndarray, target: np.ndarray) -> float:
        """See `Learner`."""
        keys = jax.random.split(jax.random.key(0), len(target))
        scores = self._score(self._state.variables, Batch(condition, target), keys)
        return float(scores["conditional"].mean())


def read_pairs(folder: Path, size: tuple[int, int] = SIZE) -> Batch:
    """All pairs of a folder, in the order of their names, (H, W) being their size."""
    photos, labels = [], []
    for path in sorted(folder.iterdir()):
        with Image.open(path) as image:
            rgb = image.convert("RGB")
        width, height = rgb.size
        halves = (rgb.crop((0, 0, width // 2, height)), rgb.crop((width // 2, 0, width, height)))
        photo, label = (np.asarray(half.resize(size[::-1])) for half in halves)
        photos.append(photo)
        labels.append(label)
    return Batch(np.stack(labels), np.stack(photos))


def order(count: int, seed: int) -> Iterator[int]:
    """Places of the pairs to learn from, without end: each epoch a permutation."""
    rng = np.random.default_rng(seed)
    while True:
        yield from rng.permutation(count)


def curve(learner: Learner, name: str, train: Batch, val: Batch, seed: int) -> list[dict[str, Any]]:
    """Conditional bits/dim over ten training pairs and all validation pairs."""
    rows: list[dict[str, Any]] = []
    places = order(len(train.target), seed)
    for step in range(1, MEASURED_AT[-1] + 1):
        place = next(places)
        learner.train_step(train.condition[place, None], train.target[place, None])
        if step in MEASURED_AT:
            of_train = learner.bits_per_dim(train.condition[:10], train.target[:10])
            of_val = learner.bits_per_dim(val.condition, val.target)
            rows.append(
                {"model": name, "seed": seed, "step": step, "train": of_train, "validation": of_val}
            )
            print(rows[-1], flush=True)
    return rows


def means(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Over the seeds, by model and step."""
    found = []
    for model in dict.fromkeys(row["model"] for row in rows):
        for step in MEASURED_AT:
            at = [row for row in rows if row["model"] == model and row["step"] == step]
            of = {
                split: float(np.mean([r[split] for r in at])) for split in ("train", "validation")
            }
            found.append({"model": model, "seed": "mean", "step": step, **of})
    return found


def main() -> None:
    """Trains once a seed."""
    options = parser(__doc__)
    options.add_argument("--pairs", type=Path, required=True)
    options.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options.add_argument("--original", type=Path, help="checkout of the original, to learn beside")
    args = options.parse_args()
    train, val = read_pairs(args.pairs / "train"), read_pairs(args.pairs / "val")
    rows: list[dict[str, Any]] = []
    for seed in args.seeds:
        first = next(order(len(train.target), seed))
        pair = Batch(train.condition[first, None], train.target[first, None])
        rows += curve(Ours(pair, seed), "ours", train, val, seed)
        if args.original:
            original = OriginalProcess("full_glow", args.original, ARCHITECTURE, seed)
            rows += curve(original, "original", train, val, seed)
    report(args, "learning", rows + means(rows))


if __name__ == "__main__":
    main()
