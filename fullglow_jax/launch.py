"""Several processes of one run on one machine, for development and tests.

python -m fullglow_jax.launch --processes 2 -- train.py --config configs/street_scenes.py …
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from types import FrameType

from fullglow_jax.parallel.launchers import COUNT, INDEX

SECONDS_TO_END = 45.0
"""What the others are given to end by themselves once one has failed."""

SECONDS_BETWEEN_LOOKS = 0.1


def launch(command: Sequence[str], count: int) -> int:
    """Runs a Python command in so many processes, which find each other.

    Ctrl-C and SIGTERM are passed on to all of them. Where one fails, the others are given some
    time to say so and end; then they are killed.

    Returns:
        0 if all ended well, else the exit code of the first that did not, 128 + n for signal n.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    processes = []
    for index in range(count):
        of_this = {COUNT: str(count), INDEX: str(index), "JAX_COORDINATOR_ADDRESS": address}
        processes.append(
            subprocess.Popen([sys.executable, *command], env={**os.environ, **of_this})
        )

    def pass_on(number: int, frame: FrameType | None) -> None:
        for process in processes:
            process.send_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, pass_on)
    return _wait(processes)


def _wait(processes: list[subprocess.Popen[bytes]]) -> int:
    failed, until = 0, 0.0
    while any(process.poll() is None for process in processes):
        time.sleep(SECONDS_BETWEEN_LOOKS)
        if not failed and (failed := _failure(processes)):
            until = time.monotonic() + SECONDS_TO_END
        if failed and time.monotonic() > until:
            for process in processes:
                process.kill()
    return failed or _failure(processes)


def _failure(processes: list[subprocess.Popen[bytes]]) -> int:
    """Exit code of the process that failed, told of; 0 where none did.

    Of several, one that was ended by a signal, for which the others may have ended.
    """
    codes = {index: process.poll() for index, process in enumerate(processes)}
    failed = {index: code for index, code in codes.items() if code}
    if not failed:
        return 0
    index, code = min(failed.items(), key=lambda of: (of[1] > 0, of[0]))
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"
    print(f"launch: process {index} of {len(processes)} {how}", file=sys.stderr)
    return 128 - code if code < 0 else code


def main() -> None:
    """Parses flags and launches."""
    parser = argparse.ArgumentParser(
        prog="python -m fullglow_jax.launch", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("--processes", type=int, default=2, help="how many")
    parser.add_argument("command", nargs="+", help="after --: a Python file and its arguments")
    arguments = parser.parse_args()
    if arguments.processes < 1:
        parser.error(f"--processes {arguments.processes} must be 1 or more")
    sys.exit(launch(arguments.command, arguments.processes))


if __name__ == "__main__":
    main()
