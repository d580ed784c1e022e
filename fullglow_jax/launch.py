"""Several processes of one run on one machine, for development and tests.

python -m fullglow_jax.launch --processes 2 -- train.py --config street_scenes …
python -m fullglow_jax.launch --processes 2 -- fullglow-train --config street_scenes …
"""

import argparse
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from fullglow_jax.parallel.launchers import COUNT, INDEX

SECONDS_TO_END = 45.0
"""Time for the other processes to end by themselves after one has failed."""

SECONDS_BETWEEN_LOOKS = 0.1

OUR_COMMANDS = sysconfig.get_path("scripts")
"""Where this Python's installed commands are; they need not be on the PATH."""

PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_SET_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of Linux."""

Process = subprocess.Popen[bytes]


def launch(command: Sequence[str], count: int) -> int:
    """Runs a command, a Python file or an installed one, in `count` processes that find each other.

    Ctrl-C, SIGTERM and SIGHUP are passed on to all of them, each once. If one fails, the others
    get some time to report it and end; then they are killed. No process is left over: on Linux,
    they get SIGTERM if this process is killed.

    Returns:
        0 if all ended well, else the exit code of the first that did not, 128 + n for signal n.

    Raises:
        OSError: If one cannot be started; the others have been ended.
    """
    processes: list[Process] = []
    with _asked_to_stop() as asked, _port() as port:
        try:
            for index in range(count):
                own = {COUNT: str(count), INDEX: str(index)}
                own["JAX_COORDINATOR_ADDRESS"] = f"127.0.0.1:{port}"
                processes.append(_started(command, {**os.environ, **own}))
            return _wait(processes, asked)
        finally:
            for process in processes:
                process.kill()  # does nothing if it has ended
                process.wait()


@contextmanager
def _asked_to_stop() -> Iterator[list[int]]:
    """A list to which signals are added as they come; none is lost, even between two starts."""
    asked: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        asked.append(number)

    # Not SIGHUP if it is ignored, as under `nohup`.
    heard = [n for n in PASSED_ON if n != signal.SIGHUP or signal.getsignal(n) != signal.SIG_IGN]
    before = {number: signal.signal(number, note) for number in heard}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _port() -> Iterator[int]:
    """A free port that no other program can take, and that JAX's coordinator can.

    A socket that does not listen holds it. The coordinator, a gRPC server, shares ports, as this
    socket does; other programs cannot use it, and the system gives it to none.
    """
    both = socket.has_dualstack_ipv6()
    with socket.socket(socket.AF_INET6 if both else socket.AF_INET) as held:
        if both:
            held.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind(("", 0))
        yield held.getsockname()[1]


def _started(command: Sequence[str], environment: dict[str, str]) -> Process:
    """A process in a new group, so that a terminal's Ctrl-C reaches it once, through us."""
    return subprocess.Popen(
        _with_program(command),
        env=environment,
        stdin=subprocess.DEVNULL,  # another group cannot read the terminal
        process_group=0,
        preexec_fn=_end_with_parent(),
    )


def _with_program(command: Sequence[str]) -> list[str]:
    """The command with the program that runs it: its own, if it is an installed one, or Python."""
    name, *words = command
    installed = shutil.which(name, path=f"{OUR_COMMANDS}{os.pathsep}{os.environ.get('PATH', '')}")
    if installed and not Path(name).is_file():
        return [installed, *words]
    return [sys.executable, *command]


def _end_with_parent() -> Callable[[], None] | None:
    """The first call in a new process, so that it gets SIGTERM when its parent is gone."""
    if sys.platform != "linux":
        return None
    system, parent = ctypes.CDLL(None), os.getpid()

    def ask() -> None:
        system.prctl(_SET_DEATH_SIGNAL, signal.SIGTERM)
        if os.getppid() != parent:  # gone already
            os._exit(128 + signal.SIGTERM)

    return ask


def _wait(processes: list[Process], asked: list[int]) -> int:
    failed, until = 0, 0.0
    while any(process.poll() is None for process in processes):
        while asked:
            number = asked.pop(0)
            for process in processes:
                process.send_signal(number)
        time.sleep(SECONDS_BETWEEN_LOOKS)
        if not failed and (failed := _failure(processes)):
            until = time.monotonic() + SECONDS_TO_END
        if failed and time.monotonic() > until:
            for process in processes:
                process.kill()
    return failed or _failure(processes)


def _failure(processes: list[Process]) -> int:
    """The exit code of the process that failed, which is reported; 0 if none did.

    Of several, it is one that was ended by a signal: the others may have failed because of it.
    """
    failed = {index: code for index, process in enumerate(processes) if (code := process.poll())}
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
    parser.add_argument(
        "command", nargs="+", help="after --: a Python file or an installed command, with arguments"
    )
    arguments = parser.parse_args()
    if arguments.processes < 1:
        parser.error(f"--processes {arguments.processes} must be 1 or more")
    try:
        code = launch(arguments.command, arguments.processes)
    except OSError as error:
        code = 1
        print(
            f"launch: no {arguments.processes} processes can be started: {error}", file=sys.stderr
        )
    sys.exit(code)


if __name__ == "__main__":
    main()
