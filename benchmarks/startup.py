"""Start-up: from the command to the first finished training step, cold and with a warm cache.

python -m benchmarks.startup [--config configs/cityscapes_512.py]

Runs train.py on generated scenes, twice with one compilation cache that starts empty.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.common import parser, report

ROOT = Path(__file__).resolve().parent.parent
SCENES = {
    "data.name": "street_scenes",
    "data.street_scenes.train": 2,
    "data.street_scenes.val": 1,
    "train.log_every": 1,
}
COMPILED = re.compile(r"Finished XLA compilation of (\S+) in ([\d.]+) sec")


def start(config: Path, scenes: Path, cache: Path) -> dict[str, float]:
    """Seconds from the command to the metrics of step 1, and of compilation among them."""
    with tempfile.TemporaryDirectory() as folder:
        workdir, log = Path(folder) / "run", Path(folder) / "log"
        settings = {**SCENES, "data.root": scenes}
        command = [
            sys.executable,
            ROOT / "train.py",
            f"--config={config}",
            f"--workdir={workdir}",
            *(f"--config.{key}={value}" for key, value in settings.items()),
        ]
        environment = {
            **os.environ,
            "JAX_COMPILATION_CACHE_DIR": str(cache),
            "JAX_LOG_COMPILES": "1",
        }
        begun = time.monotonic()
        with log.open("w", encoding="utf-8") as output:
            training = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
            try:
                while not _stepped(workdir):
                    if training.poll() is not None:
                        raise SystemExit(log.read_text(encoding="utf-8"))
                    time.sleep(0.05)
                seconds = time.monotonic() - begun
            finally:
                training.send_signal(signal.SIGKILL)
                training.wait()
        compiled = [float(match[2]) for match in COMPILED.finditer(log.read_text(encoding="utf-8"))]
    return {"first step, s": seconds, "of it compiling, s": sum(compiled)}


def _stepped(workdir: Path) -> bool:
    metrics = workdir / "metrics.jsonl"
    return metrics.exists() and '"step": 1' in metrics.read_text(encoding="utf-8")


def main() -> None:
    """Measures one config."""
    options = parser(__doc__)
    options.add_argument("--config", type=Path, default=ROOT / "configs" / "cityscapes_512.py")
    args = options.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        scenes, cache = Path(folder) / "scenes", Path(folder) / "cache"
        for name in ("cold", "warm"):
            rows.append(
                {"config": args.config.stem, "cache": name, **start(args.config, scenes, cache)}
            )
    report(args, "startup", rows)


if __name__ == "__main__":
    main()
