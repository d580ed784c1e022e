"""One of the commands, with a fault in its way: python faulty.py FAULT SCRIPT ARGUMENTS…"""

import os
import resource
import runpy
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

LARGEST_FILE = 80_000
"""Bytes: less than a checkpoint's arrays, more than anything else of a tiny run."""


def sigterm_in_a_step() -> None:
    """SIGTERM while it computes."""
    _in_step(1, lambda: os.kill(os.getpid(), signal.SIGTERM))


def first_process_dies_in_the_third_step() -> None:
    """SIGKILL of the one that the others met at."""
    _dies_in_the_third_step(0)


def second_process_dies_in_the_third_step() -> None:
    """SIGKILL of one of several."""
    _dies_in_the_third_step(1)


def _dies_in_the_third_step(process: int) -> None:
    def die() -> None:
        import jax

        if jax.process_index() == process:
            os.kill(os.getpid(), signal.SIGKILL)

    _in_step(3, die)


def sigterm_in_a_save() -> None:
    """SIGTERM while a checkpoint is being written."""
    from fullglow_jax.runs.checkpoints import Checkpoints

    save = Checkpoints.save

    def with_fault(self: Checkpoints, *arguments: Any) -> None:
        save(self, *arguments)
        os.kill(os.getpid(), signal.SIGTERM)

    Checkpoints.save = with_fault


def disk_full_from_the_second_save_on() -> None:
    """No file may grow as large as a checkpoint's arrays."""
    from fullglow_jax.runs.checkpoints import Checkpoints

    save, saves = Checkpoints.save, []

    def with_fault(self: Checkpoints, *arguments: Any) -> None:
        saves.append(1)
        if len(saves) == 2:
            self.wait()
            resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
        save(self, *arguments)

    Checkpoints.save = with_fault


def no_room_for_metrics() -> None:
    """metrics.jsonl has reached the largest size that a file may have."""
    from fullglow_jax.runs.metrics import Metrics

    scalars = Metrics.scalars

    def with_fault(self: Metrics, step: int, values: dict[str, float]) -> None:
        if step == 3:
            size = (self.workdir / "metrics.jsonl").stat().st_size
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        scalars(self, step, values)

    Metrics.scalars = with_fault


def killed_after_the_second_finding() -> None:
    """SIGKILL as soon as an evaluation has kept two of its findings."""
    _killed_after_findings(2)


def killed_after_the_fourth_finding() -> None:
    """SIGKILL as soon as an evaluation has kept four."""
    _killed_after_findings(4)


def _killed_after_findings(count: int) -> None:
    from fullglow_jax.evaluation.unfinished import Unfinished

    add, findings = Unfinished.add, []

    def with_fault(self: Unfinished, key: str, finding: Any) -> None:
        add(self, key, finding)
        findings.append(key)
        if len(findings) == count:
            os.kill(os.getpid(), signal.SIGKILL)

    Unfinished.add = with_fault


def _in_step(number: int, fault: Callable[[], None]) -> None:
    """In a process's first, second … step."""
    from fullglow_jax.training.compilation import CompiledStep

    get = CompiledStep.get

    def with_fault(self: CompiledStep, unless: Callable[[], bool]) -> Any:
        step, calls = get(self, unless), []

        def stepping(*arguments: Any) -> Any:
            calls.append(1)
            if len(calls) == number:
                fault()
            return step(*arguments)

        stepping.memory_analysis = step.memory_analysis
        return stepping

    CompiledStep.get = with_fault


if __name__ == "__main__":
    _, name, *sys.argv = sys.argv
    sys.path.insert(0, str(Path(sys.argv[0]).parent))
    globals()[name]()
    runpy.run_path(sys.argv[0], run_name="__main__")
