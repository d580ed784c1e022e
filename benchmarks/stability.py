"""Stability: the demo's model at a rate of 1e-2, with the stability switches on.

python -m benchmarks.stability [--seeds 0 1 2 3 4] [--steps 1000] [--plain]

Trains once a seed through train.py, as `make demo` does but for the learning rate, and tells how
each run ended. --plain leaves the switches off, for comparison.
"""

import math
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.common import parser, report
from fullglow_jax.runs.metrics import read_metrics

ROOT = Path(__file__).resolve().parent.parent
LEARNING_RATE = 1e-2
"""A hundred times the paper's."""

SWITCHES = {
    "optimizer.warmup_steps": 100,
    "optimizer.clip_norm": 1.0,
    "optimizer.clip_spikes": 3.0,
    "optimizer.average_decay": 0.99,
    "model.actnorm_floor": 0.01,
    "model.coupling_floor": 0.01,
}
OFF = {
    "optimizer.warmup_steps": 0,
    "optimizer.clip_norm": "none",
    "optimizer.clip_spikes": "none",
    "optimizer.average_decay": 0.0,
    "model.actnorm_floor": 0.0,
    "model.coupling_floor": 0.0,
}


def trained(workdir: Path, seed: int, steps: int, switches: dict[str, Any]) -> dict[str, Any]:
    """One run's end."""
    settings = {
        "seed": seed,
        "optimizer.learning_rate": LEARNING_RATE,
        "optimizer.constant_epochs": steps,  # epochs: longer than the run
        "train.steps": steps,
        "train.validate_every": steps,
        "train.validate_at_start": False,
        "train.sample_every": steps,
        "train.checkpoint_every": steps,
        **switches,
    }
    command = [
        sys.executable,
        str(ROOT / "train.py"),
        f"--config={ROOT / 'configs' / 'street_scenes.py'}",
        f"--workdir={workdir}",
        *(f"--config.{key}={value}" for key, value in settings.items()),
    ]
    ended = subprocess.run(command, check=False)
    name = "bits_per_dim/conditional"
    records = read_metrics(workdir)
    of = {
        split: [r[f"{split}/{name}"] for r in records if f"{split}/{name}" in r]
        for split in ("train", "validation")
    }
    bits = of["validation"][-1] if of["validation"] else math.nan
    return {
        "seed": seed,
        "learning rate": LEARNING_RATE,
        "switches": "on" if switches is SWITCHES else "off",
        "steps": max((r["step"] for r in records), default=0),
        "steps not taken": int(max((r.get("train/bad_steps", 0) for r in records), default=0)),
        "last training bits/dim": of["train"][-1] if of["train"] else math.nan,
        "validation bits/dim": bits,
        "ended well": ended.returncode == 0 and math.isfinite(bits),
    }


def main() -> None:
    """Trains once a seed."""
    options = parser(__doc__)
    options.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    options.add_argument("--steps", type=int, default=1000)
    options.add_argument("--plain", action="store_true", help="without the switches")
    args = options.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in args.seeds:
            switches = OFF if args.plain else SWITCHES
            rows.append(trained(Path(folder) / str(seed), seed, args.steps, switches))
            print(rows[-1], flush=True)
    report(args, "stability_plain" if args.plain else "stability", rows)


if __name__ == "__main__":
    main()
