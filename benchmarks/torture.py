"""Kills training again and again, at random moments and while it saves, and looks at what is left.

python -m benchmarks.torture [--kills 20] [--saving 6] [--seed 0]

Three runs of one tiny config: one that is left alone; one that is killed so many times, always on
one device; one that is killed as often, each time on another number of devices, at last in two
processes. Every restart is the same command. What is shown: the newest whole checkpoint at each
kill is where, or behind where, the next start goes on; and how far the final states are from that
of the run that was left alone.
"""

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax
import psutil

from benchmarks.common import parser, report
from fullglow_jax.model_registry import build_model
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.runs.checkpoints import Checkpoints
from fullglow_jax.runs.trained import abstract_state

ROOT = Path(__file__).resolve().parent.parent
CONFIG = {
    "data.image_size": "(10,20)",
    "data.street_scenes.train": 6,
    "data.street_scenes.val": 1,
    "data.street_scenes.height": 16,
    "data.street_scenes.width": 32,
    "model.steps": "(2,)",
    "model.coupling_width": 8,
    "model.spatial_width": 8,
    "optimizer.learning_rate": 1e-4,
    "optimizer.constant_epochs": 1e6,  # longer than any run
    "optimizer.average_decay": 0.9,
    "train.batch_size": 4,
    "train.validate_at_start": False,
    "train.validate_every": 1_000_000,
    "train.sample_every": 1_000_000,
    "train.sample_conditions": 1,
    "train.samples_per_condition": 1,
    "train.validation_examples": 1,
    "train.checkpoint_every": 1,
}
UNFINISHED = "*.orbax-checkpoint-tmp*"
SECONDS_BETWEEN_LOOKS = 0.002
IN_TWO_PROCESSES = 3
"""Of a run's kills; these starts are slow, because JAX keeps a CPU's programs for one process."""


@dataclass(frozen=True)
class Layout:
    """What a run is started on."""

    devices: int = 1
    processes: int = 1

    def __str__(self) -> str:
        return f"{self.processes}×{self.devices}"


@dataclass(eq=False)
class Run:
    """One workdir, and what became of the processes that worked on it."""

    folder: Path
    steps: int
    kills: int = 0
    while_saving: int = 0
    layouts: set[str] = field(default_factory=set)
    lost: int = 0

    @property
    def workdir(self) -> Path:
        """Where checkpoints are."""
        return self.folder / "run"

    def start(self, layout: Layout) -> subprocess.Popen[bytes]:
        """The one command, in a process group of its own; what it says goes to `log`."""
        self.layouts.add(str(layout))
        settings = {
            **CONFIG,
            "data.root": self.folder.parent / "scenes",
            "train.steps": self.steps,
        }
        launcher = ["-m", "fullglow_jax.launch", "--processes", str(layout.processes), "--"]
        command = [
            sys.executable,
            *(launcher if layout.processes > 1 else []),
            str(ROOT / "train.py"),
            f"--config={ROOT / 'configs' / 'street_scenes.py'}",
            f"--workdir={self.workdir}",
            *(f"--config.{key}={value}" for key, value in settings.items()),
        ]
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "JAX_PLATFORMS": "cpu",
            "JAX_COMPILATION_CACHE_DIR": str(self.folder.parent / "cache"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "XLA_FLAGS": "--xla_backend_optimization_level=0 "
            f"--xla_force_host_platform_device_count={layout.devices}",
        }
        self.folder.mkdir(exist_ok=True)
        with self.log.open("w", encoding="utf-8") as output:
            return subprocess.Popen(
                command, env=environment, stdout=output, stderr=output, start_new_session=True
            )

    @property
    def log(self) -> Path:
        """What the latest process said."""
        return self.folder / "log"

    def saved(self) -> int:
        """The newest whole checkpoint's step, or 0."""
        names = (path.name for path in (self.workdir / "checkpoints").glob("*"))
        return max((int(name) for name in names if name.isdigit()), default=0)

    def unfinished(self) -> set[Path]:
        """Checkpoints that are being written."""
        return set((self.workdir / "checkpoints").glob(UNFINISHED))

    def finish(self, layout: Layout) -> float:
        """Lets it run to its end; returns the seconds that took."""
        begun, whole = time.monotonic(), self.saved()
        if self.start(layout).wait():
            raise SystemExit(self.log.read_text(encoding="utf-8"))
        self._count_lost(whole)
        return time.monotonic() - begun

    def kill(self, layout: Layout, rng: random.Random, seconds: float, saving: bool) -> None:
        """Starts it and kills it: after so long, or while it writes one of its next checkpoints."""
        whole = self.saved()
        before = self.unfinished()
        process = self.start(layout)
        until = time.monotonic() + seconds
        seen: set[Path] = set()
        at = rng.randint(1, 4)
        while process.poll() is None:
            if saving:
                seen |= self.unfinished() - before
                if len(seen) >= at:
                    time.sleep(rng.uniform(0.0, 0.05))
                    break
            elif time.monotonic() > until:
                break
            time.sleep(SECONDS_BETWEEN_LOOKS)
        if process.poll() is not None:
            raise SystemExit(
                f"it ended by itself, --steps were too few?\n{self.log.read_text(encoding='utf-8')}"
            )
        # The launcher's processes are in groups of their own.
        for each in (*psutil.Process(process.pid).children(recursive=True), process):
            each.kill()
        process.wait()
        self.kills += 1
        self.while_saving += bool(self.unfinished() - before)
        self._count_lost(whole)

    def _count_lost(self, whole: int) -> None:
        """Whether the latest start went on from where it could, if it came that far."""
        if said := re.search(r"going on from step (\d+)", self.log.read_text(encoding="utf-8")):
            self.lost = max(self.lost, whole - int(said[1]))

    def state(self) -> Any:
        """The final parameters, moments and averages."""
        checkpoints = Checkpoints.of(self.workdir)
        config = checkpoints.config(self.steps)
        like = abstract_state(
            build_model(config, optax.constant_schedule(0.0)),
            Devices(),
            config.optimizer.average_decay,
        )
        return jax.device_get(checkpoints.restore(self.steps, like).state)


def differences(state: Any, expected: Any) -> dict[str, Any]:
    """How far a final state is from the one it should be."""
    pairs = list(zip(jax.tree.leaves(state), jax.tree.leaves(expected), strict=True))
    ours, theirs = (jax.tree.leaves(s.variables["params"]) for s in (state, expected))
    apart = [a - b for a, b in zip(ours, theirs, strict=True)]
    return {
        "whole state bit for bit": all(a.tobytes() == b.tobytes() for a, b in pairs),
        "parameters differ by": max(float(np.abs(d).max()) for d in apart),
        "by norm, relative": float(optax.global_norm(apart) / optax.global_norm(theirs)),
    }


def torture(run: Run, args: argparse.Namespace, layouts: list[Layout], seconds: float) -> float:
    """Kills it as often as asked, then lets it finish; returns the seconds that took."""
    rng = random.Random(args.seed)
    begun = time.monotonic()
    while run.kills < args.kills or run.while_saving < args.saving:
        layout = layouts[min(run.kills, len(layouts) - 1)]
        saving = rng.random() < 1.2 * args.saving / args.kills or run.kills >= args.kills
        run.kill(layout, rng, rng.uniform(0.0, seconds), saving)
        print(f"{run.folder.name}: kill {run.kills}, on {layout}, checkpoint {run.saved()}")
    run.finish(layouts[0])
    return time.monotonic() - begun


def main() -> None:
    """Runs the three and compares."""
    options = parser(__doc__)
    options.add_argument("--kills", type=int, default=20, help="of each of the two runs")
    options.add_argument("--saving", type=int, default=6, help="of them while it saves, at least")
    options.add_argument("--steps", type=int, default=150)
    options.add_argument("--seed", type=int, default=0)
    args = options.parse_args()
    rows: list[dict[str, Any]] = []
    rng = random.Random(args.seed)
    changing = [Layout(rng.choice((1, 2, 4))) for _ in range(args.kills - IN_TWO_PROCESSES)]
    changing += [Layout(rng.choice((1, 2)), processes=2) for _ in range(IN_TWO_PROCESSES)]
    with tempfile.TemporaryDirectory() as folder:
        alone, one, many = (
            Run(Path(folder) / name, args.steps)
            for name in ("left alone", "killed, one device", "killed, devices changing")
        )
        # Once to fill the cache, so that a second run's length is what starts take from then on.
        Run(Path(folder) / "first", 3).finish(Layout())
        a_start = Run(Path(folder) / "second", 10).finish(Layout())
        seconds = {
            alone: alone.finish(Layout()),
            one: torture(one, args, [Layout()], a_start),
            many: torture(many, args, changing, a_start),
        }
        expected = alone.state()
        for run, took in seconds.items():
            rows.append(
                {
                    "run": run.folder.name,
                    "kills": run.kills,
                    "while saving": run.while_saving,
                    "processes × devices": " ".join(sorted(run.layouts)),
                    "steps lost": run.lost,
                    **differences(run.state(), expected),
                    "seconds": round(took),
                }
            )
    report(args, "torture", rows)


if __name__ == "__main__":
    main()
