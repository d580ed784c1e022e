"""Runs the three commands as a user would, and reads what they leave behind."""

import hashlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import jax
import numpy as np
import orbax.checkpoint as ocp

from fullglow_jax.huge_pages import TUNABLE, TUNABLES
from tests.commands.fork_server import ForkServer
from tests.in_process import Result, ran

ROOT = Path(__file__).resolve().parents[2]
STREET_SCENES = ROOT / "configs" / "street_scenes.py"
STEPS = 8
ZOOM = 8  # of the tiny images in grids

# A model of 14,000 parameters on six pairs of 10×20 pixels: of those that read their condition, the
# one that is traced and compiled soonest.
TINY = {
    "model.name": "c_flow",
    "data.image_size": "(10,20)",
    "data.street_scenes.train": 6,
    "data.street_scenes.val": 3,
    "data.street_scenes.height": 16,
    "data.street_scenes.width": 32,
    "model.steps": "(2,)",
    "model.coupling_width": 8,
    # So few steps would be no more than a warm-up.
    "model.actnorm_floor": 0.0,
    "model.coupling_floor": 0.0,
    "optimizer.learning_rate": 1e-3,
    "optimizer.constant_epochs": 4.0,
    "optimizer.decay_epochs": 3.0,
    "optimizer.warmup_steps": 0,
    "optimizer.average_decay": 0.0,
    "train.batch_size": 2,
    "train.steps": STEPS,
    "train.sample_at_start": False,
    "train.log_every": 1,
    "train.validate_every": 3,
    "train.sample_every": 3,
    "train.checkpoint_every": 2,
}


class Server(NamedTuple):
    address: str
    process: subprocess.Popen


@dataclass(frozen=True)
class Commands:
    """The commands, in an environment where all runs share what XLA has compiled.

    Attributes:
        scenes: The data folder of all tiny runs.
        cache: Where compiled programs are kept.
    """

    scenes: Path
    cache: Path

    def __call__(
        self, script: str, *arguments: object, cwd: Path, devices: int = 1, processes: int = 1
    ) -> Result:
        """Runs a command, in so many processes of so many devices each."""
        command, environment = _command(script, arguments), self._environment(devices)
        if processes == 1:
            with TemporaryDirectory() as folder:
                out, err = Path(folder) / "out", Path(folder) / "err"
                self._server.start(command, cwd, environment, out, err)
                return Result(self._server.wait(), out.read_text(), err.read_text())
        launch = ["-m", "fullglow_jax.launch", f"--processes={processes}", "--"]
        done = subprocess.run(
            [sys.executable, *launch, *command],
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def here(self, script: str, *arguments: object, cwd: Path) -> Result:
        """Runs a command in this process, where it is no matter what becomes of the process."""
        return ran(script, [str(argument) for argument in arguments], cwd)

    @cached_property
    def _server(self) -> ForkServer:
        return ForkServer(self._environment(1), ROOT)

    def until(
        self, line: str, number: signal.Signals, script: str, *arguments: object, cwd: Path
    ) -> Result:
        """Sends a signal as soon as the command has printed the line."""
        command, environment = _command(script, arguments), self._environment(1)
        with TemporaryDirectory() as folder:
            pipe = Path(folder) / "pipe"
            os.mkfifo(pipe)
            process = self._server.start(command, cwd, environment, pipe, pipe)
            printed = []
            with pipe.open() as lines:
                for text in lines:
                    printed.append(text)
                    if line in text:
                        os.kill(process, number)
            code = self._server.wait()
        assert any(line in text for text in printed), "".join(printed)
        return Result(code, "".join(printed), "")

    @contextmanager
    def serving(self, *arguments: object, cwd: Path) -> Iterator[Server]:
        """Runs `python -m` something that says «open ADDRESS» once it serves, until it is done.

        On a machine with a proxy that does not answer, certificates that are not there, and another
        user's file where Gradio would keep its own. No file is left.
        """
        temporary = cwd / "tmp"
        temporary.mkdir()
        (temporary / "gradio").touch()
        nowhere = "127.0.0.1:9"
        machine = {
            "TMPDIR": str(temporary),
            "http_proxy": f"http://{nowhere}",
            "all_proxy": f"socks5://{nowhere}",
            "SSL_CERT_FILE": str(cwd / "nowhere.pem"),
        }
        others = ("NO_PROXY", "no_proxy", "GRADIO_TEMP_DIR")
        own = {name: v for name, v in self._environment(1).items() if name not in others}
        with subprocess.Popen(
            [sys.executable, "-m", *map(str, arguments)],
            cwd=cwd,
            env=own | machine,
            stdout=subprocess.PIPE,
            stderr=(cwd / "stderr").open("w"),
            text=True,
        ) as process:
            assert process.stdout is not None
            try:
                said = []
                for line in process.stdout:
                    said.append(line)
                    if address := re.match(r"open (\S+)", line):
                        yield Server(address[1], process)
                        break
                else:
                    raise AssertionError("".join(said) + (cwd / "stderr").read_text())
            finally:
                process.send_signal(signal.SIGINT)
        left = list(temporary.glob("fullglow_jax-*/**"))
        assert left == [], left

    def with_fault(
        self, fault: str, script: str, *arguments: object, cwd: Path, processes: int = 1
    ) -> Result:
        """Runs a command with one of the faults of `faulty.py` in its way."""
        faulty = ("tests/commands/faulty.py", fault, ROOT / script)
        return self(*faulty, *arguments, cwd=cwd, processes=processes)

    def tiny(self, workdir: Path | None = None, **changes: object) -> list[str]:
        """train.py's arguments for a tiny run.

        Changes are written with __ for the dots; a key that is None there is left to the config.
        """
        values = {"data.root": self.scenes, **TINY}
        values |= {key.replace("__", "."): value for key, value in changes.items()}
        return [
            "--config",
            str(STREET_SCENES),
            *([] if workdir is None else [f"--workdir={workdir}"]),
            *(f"--config.{key}={value}" for key, value in values.items() if value is not None),
        ]

    def _environment(self, devices: int) -> dict[str, str]:
        flags = os.environ.get("XLA_FLAGS", "")
        return {
            **os.environ,
            "JAX_PLATFORMS": "cpu",
            TUNABLES: f"{TUNABLE}=1",  # so that no command begins twice
            # Compiling is most of the work here: once for all runs.
            "JAX_COMPILATION_CACHE_DIR": str(self.cache),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "XLA_FLAGS": f"{flags} --xla_force_host_platform_device_count={devices}",
        }


def _command(script: str | Path, arguments: Sequence[object]) -> list[str]:
    return [str(ROOT / script), *map(str, arguments)]


def steps_saved(workdir: Path) -> list[int]:
    return sorted(int(path.name) for path in (workdir / "checkpoints").iterdir())


def saved_state(workdir: Path, step: int) -> dict[str, np.ndarray]:
    """Every array of a checkpoint's variables and optimiser, by its path."""
    folder = (workdir / "checkpoints" / str(step)).resolve()
    with ocp.Checkpointer(ocp.PyTreeCheckpointHandler()) as reader:

        def whole(item):
            """As NumPy arrays, wherever the devices were that they lay on."""
            tree = reader.metadata(folder / item).item_metadata.tree
            as_numpy = jax.tree.map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), tree)
            return reader.restore(
                folder / item, ocp.args.PyTreeRestore(item=tree, restore_args=as_numpy)
            )

        items = [i for i in ("variables", "optimizer", "average") if (folder / i).is_dir()]
        trees = {item: whole(item) for item in items}
    leaves = jax.tree_util.tree_leaves_with_path(trees)
    return {jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in leaves}


def grid_shape(rows: int, columns: int) -> tuple[int, int, int]:
    """Of a grid of tiny images: titles, and four pixels around each image."""
    return 16 + rows * (10 * ZOOM + 4) + 4, columns * (20 * ZOOM + 4) + 4, 3


def digests(folder: Path) -> dict[str, str]:
    """A digest of each file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
