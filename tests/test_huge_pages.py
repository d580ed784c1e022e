"""The start of a command with huge pages, as a process of its own."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import os, sys
from pathlib import Path
from fullglow_jax import huge_pages
huge_pages.SYSTEM = Path(sys.argv[1])
if len(sys.argv) > 3:
    sys.modules["jax"] = None
print("begun", flush=True)
huge_pages.begin_with_huge_pages()
print(os.environ.get("GLIBC_TUNABLES"), *sys.argv[2:])
"""

ASKED = "glibc.malloc.hugetlb=1"


def printed(tmp_path, system, *words, tunables=None):
    """What the program prints where the system's file has this text."""
    enabled, program = tmp_path / "enabled", tmp_path / "program.py"
    program.write_text(PROGRAM)
    if system is not None:
        enabled.write_text(system)
    environment = {name: v for name, v in os.environ.items() if name != "GLIBC_TUNABLES"}
    environment |= {"GLIBC_TUNABLES": tunables} if tunables is not None else {}
    command = [sys.executable, program, enabled, "a b", *words]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return found.stdout.splitlines()


def test_it_begins_once_more_with_the_same_words(tmp_path):
    found = printed(tmp_path, "always [madvise] never\n")
    assert found == ["begun", "begun", f"{ASKED} a b"]


@pytest.mark.parametrize("system", ["[always] madvise never\n", "always madvise [never]\n", None])
def test_it_goes_on_where_the_system_has_decided(tmp_path, system):
    assert printed(tmp_path, system) == ["begun", "None a b"]


def test_the_users_own_settings_stay(tmp_path):
    other = "glibc.malloc.arena_max=2"
    found = printed(tmp_path, "always [madvise] never\n", tunables=other)
    assert found == ["begun", "begun", f"{other}:{ASKED} a b"]
    off = "glibc.malloc.hugetlb=0"
    assert printed(tmp_path, "always [madvise] never\n", tunables=off) == ["begun", f"{off} a b"]


def test_it_goes_on_once_jax_is_there(tmp_path):
    assert printed(tmp_path, "always [madvise] never\n", "c") == ["begun", "None a b c"]
