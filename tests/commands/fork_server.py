"""Runs scripts in processes forked from one that has imported what they import.

Importing is nearly half of a short command's time. A script is run as `python SCRIPT ARGUMENTS…`
would run it: with its own environment, folder and files, in a process of its own.
"""

import gc
import json
import os
import runpy
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from PIL import Image

IMPORTED = (
    "charset_normalizer",
    "fullglow_jax.config.config_file",
    "fullglow_jax.runs.board",
    "scipy.linalg.cython_lapack",
    "fullglow_jax.commands.train",
    "fullglow_jax.commands.sample",
    "fullglow_jax.commands.evaluate",
    "fullglow_jax.evaluation.example_scores",
    "fullglow_jax.flows.model",
    "fullglow_jax.sampling.sampler",
    "fullglow_jax.training.loop",
    "matplotlib.backends.backend_agg",
    "matplotlib.figure",
    "tensorboardX",
)


class ForkServer:
    """The process that is forked from.

    Args:
        environment: Its environment: what JAX reads of it when it is imported, no script changes.
        cwd: The folder that Python's modules are found from.
    """

    def __init__(self, environment: dict[str, str], cwd: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.commands.fork_server"],
            cwd=cwd,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(
        self, command: Sequence[str], cwd: Path, environment: dict[str, str], out: Path, err: Path
    ) -> int:
        """Starts a script with its arguments; the one before must have been waited for.

        Returns:
            Its process's number.
        """
        request = {
            "command": list(command),
            "cwd": str(cwd),
            "environment": environment,
            "files": [os.devnull, str(out), str(err)],
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def wait(self) -> int:
        """Waits until the script has ended.

        Returns:
            Its exit code; of one that was ended by a signal, minus the signal's number.
        """
        return self._answer()

    def _answer(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


def _serve() -> list[str] | None:
    """Answers requests until there are no more; returns in each forked process its command."""
    for line in sys.stdin:
        request = json.loads(line)
        if child := os.fork():
            print(child, flush=True)
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
            continue
        for number, path in enumerate(request["files"]):
            os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), number)
        sys.stdin, sys.stdout = open(0), open(1, "w")  # noqa: SIM115
        sys.stderr = open(2, "w", buffering=1, errors="backslashreplace")  # noqa: SIM115
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update(request["environment"])
        return list(request["command"])
    return None


if __name__ == "__main__":
    for name in IMPORTED:
        import_module(name)
    Image.init()
    gc.set_threshold(50_000, 20, 20)  # as in tests/conftest.py
    gc.freeze()
    if command := _serve():
        sys.argv = command
        sys.path[0] = str(Path(command[0]).parent)
        runpy.run_path(command[0], run_name="__main__")
