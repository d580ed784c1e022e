"""Learning: bits/dim over the first 600 steps on real pairs, by seed.

python -m benchmarks.learning --pairs FOLDER

FOLDER holds train/ and val/, each image a photo and, to its right, its label map, as pix2pix's
facades have them. Labels are the condition; both are squeezed to 64×64. 4,4,4 steps, LU, batch 1,
Adam 1e-4, λ = 1e-4, no augmentation, pairs in the order of their names again and again. In which
order the original's curve in docs/performance.md saw them is not recorded.
"""

from pathlib import Path
from typing import Any

import jax
import numpy as np
from PIL import Image

from benchmarks.common import full_glow, parser, quick_init, report
from fullglow_jax.models.architecture import Architecture
from fullglow_jax.models.interface import Batch

SIZE = (64, 64)
MEASURED_AT = (1, 10, 50, 100, 200, 400, 600)


def read_pairs(folder: Path) -> Batch:
    """All pairs of a folder, in the order of their names."""
    photos, labels = [], []
    for path in sorted(folder.iterdir()):
        with Image.open(path) as image:
            rgb = image.convert("RGB")
        width, height = rgb.size
        halves = (rgb.crop((0, 0, width // 2, height)), rgb.crop((width // 2, 0, width, height)))
        photo, label = (np.asarray(half.resize(SIZE[::-1])) for half in halves)
        photos.append(photo)
        labels.append(label)
    return Batch(np.stack(labels), np.stack(photos))


def curve(train: Batch, val: Batch, seed: int) -> list[dict[str, Any]]:
    """Conditional bits/dim over ten training pairs and all validation pairs."""
    model = full_glow(Architecture(SIZE, (4, 4, 4), memory_mode="store"))
    key = jax.random.key(seed)
    train_step, score = jax.jit(model.train_step, donate_argnums=0), jax.jit(model.bits_per_dim)

    def mean(variables: Any, pairs: Batch) -> float:
        keys = jax.random.split(jax.random.key(0), len(pairs.target))
        return float(score(variables, pairs, keys)["conditional"].mean())

    def chosen(places: slice) -> Batch:
        return Batch(train.condition[places], train.target[places])

    rows: list[dict[str, Any]] = []
    state = quick_init(model, chosen(slice(1)), seed)
    for step in range(1, MEASURED_AT[-1] + 1):
        place = (step - 1) % len(train.target)
        state, _ = train_step(state, chosen(slice(place, place + 1)), key)
        if step in MEASURED_AT:
            of_train, of_val = mean(state.variables, chosen(slice(10))), mean(state.variables, val)
            rows.append({"seed": seed, "step": step, "train": of_train, "validation": of_val})
            print(rows[-1], flush=True)
    return rows


def main() -> None:
    """Trains once a seed."""
    options = parser(__doc__)
    options.add_argument("--pairs", type=Path, required=True)
    options.add_argument("--seeds", type=int, default=3)
    args = options.parse_args()
    train, val = read_pairs(args.pairs / "train"), read_pairs(args.pairs / "val")
    rows = [row for seed in range(args.seeds) for row in curve(train, val, seed)]
    for step in MEASURED_AT:
        at = [row for row in rows if row["step"] == step]
        means = {
            split: float(np.mean([row[split] for row in at])) for split in ("train", "validation")
        }
        rows.append({"seed": "mean", "step": step, **means})
    report(args, "learning", rows)


if __name__ == "__main__":
    main()
