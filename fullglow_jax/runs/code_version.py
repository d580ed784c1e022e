"""The version of the code that wrote a checkpoint."""

import subprocess
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import fullglow_jax

PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint")


@cache
def code_version() -> dict[str, str]:
    """Versions by package, and the commit if the code is a git checkout."""
    versions = {"fullglow-jax": fullglow_jax.__version__}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    folder = Path(__file__).resolve().parents[2]
    if (folder / ".git").exists():
        describe = ["git", "describe", "--always", "--dirty", "--abbrev=40"]
        with suppress(OSError, subprocess.CalledProcessError):
            commit = subprocess.check_output(describe, cwd=folder, stderr=subprocess.DEVNULL)
            versions["commit"] = commit.decode().strip()
    return versions
