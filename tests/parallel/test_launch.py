"""Several processes on one machine: who is blamed, who is told, and that none is left over."""

import signal
import subprocess
import sys
from textwrap import dedent
from types import SimpleNamespace

import pytest

from fullglow_jax.launch import _failure


@pytest.mark.parametrize(
    ("codes", "blamed", "told"),
    [
        ([None, None], 0, ""),
        ([0, None], 0, ""),
        ([None, 2, 3], 2, "process 1 of 3 exited with 2"),
        # The first one ended because it had lost the second, and was seen to end before it.
        ([1, -signal.SIGKILL], 128 + signal.SIGKILL, "process 1 of 2 was ended by SIGKILL"),
        ([-signal.SIGTERM, 1], 128 + signal.SIGTERM, "process 0 of 2 was ended by SIGTERM"),
    ],
)
def test_the_one_that_failed(codes, blamed, told, capsys):
    processes = [SimpleNamespace(poll=lambda code=code: code) for code in codes]
    assert _failure(processes) == blamed
    assert capsys.readouterr().err.strip() == (f"launch: {told}" if told else "")


SECONDS = 60
"""In which all must have ended that hold the launcher's output open: it, and what it started."""

WAITS = """
    import os, signal
    signal.alarm(600)
    os.write(1, b"started\\n")  # in one piece: the other writes to the same pipe
    signal.pause()
"""
"""A process that ends where somebody ends it, in time at least."""


@pytest.fixture
def launching(tmp_path):
    """Starts a launcher of two processes; what is left of them is ended."""
    launchers = []

    def start(program, fault=""):
        file = tmp_path / "program.py"
        file.write_text(dedent(program), encoding="utf-8")
        own = (
            f"import os, signal, subprocess, sys\n{dedent(fault)}\n"
            f"sys.argv[1:] = ['--', {str(file)!r}]\n"
            "from fullglow_jax import launch\nlaunch.main()"
        )
        pipe = subprocess.PIPE
        launchers.append(subprocess.Popen([sys.executable, "-c", own], stdout=pipe, stderr=pipe))
        return launchers[-1]

    yield start
    for launcher in launchers:
        launcher.kill()
        for stream in (launcher.stdout, launcher.stderr):
            stream.close()
        launcher.wait()


def ended(launcher):
    """Its exit code and what was said, once nobody is left who could say more."""
    out, err = launcher.communicate(timeout=SECONDS)
    return launcher.returncode, out.decode(), err.decode()


def test_nobody_else_can_take_the_port(launching):
    code, out, err = ended(
        launching(
            """
            import os, socket
            port = int(os.environ["JAX_COORDINATOR_ADDRESS"].split(":")[1])
            for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "")):
                with socket.socket(family) as other:
                    other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    try:
                        other.bind((address, port))
                        os.write(1, b"taken\\n")
                    except OSError:
                        os.write(1, b"held\\n")
            """
        )
    )
    assert (code, err) == (0, "")
    assert out.split() == ["held"] * 4


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_between_two_starts(launching, number):
    fault = f"""
        class Started(subprocess.Popen):
            def __init__(self, *arguments, **how):
                super().__init__(*arguments, **how)
                os.kill(os.getpid(), {int(number)})
        subprocess.Popen = Started
    """
    code, _, err = ended(launching(WAITS, fault))
    assert code == 128 + number
    assert f"was ended by {number.name}" in err


def test_killed(launching):
    launcher = launching(WAITS)
    for _ in range(2):
        assert launcher.stdout.readline().startswith(b"started")
    launcher.kill()
    assert ended(launcher)[0] == -signal.SIGKILL


def test_the_second_cannot_be_started(launching):
    fault = """
        class Second(subprocess.Popen):
            started = 0
            def __init__(self, *arguments, **how):
                Second.started += 1
                if Second.started == 2:
                    raise BlockingIOError(11, "Resource temporarily unavailable")
                super().__init__(*arguments, **how)
        subprocess.Popen = Second
    """
    code, _, err = ended(launching(WAITS, fault))
    assert code == 1
    assert err == (
        "launch: no 2 processes can be started: [Errno 11] Resource temporarily unavailable\n"
    )


def test_a_terminal_interrupts_each_process_once(launching):
    # It interrupts all of its group: them, if they are in it, as well as the launcher, which
    # passes it on.
    code, out, _ = ended(
        launching(r"import os; os.write(1, b'%d\n' % (os.getpgrp() == os.getpid()))")
    )
    assert code == 0
    assert out.split() == ["1", "1"]
