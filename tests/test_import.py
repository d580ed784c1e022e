"""What `import fullglow_jax` costs: nothing that a script would not want to wait for."""

import subprocess
import sys

import pytest

HEAVY = {
    "jax",
    "flax",
    "optax",
    "tensorflow_datasets",
    "gradio",
    "matplotlib",
    "PIL",
    "orbax",
    "grain",
    "dm_pix",
}


@pytest.mark.parametrize(
    ("module", "needed"),
    [
        ("fullglow_jax", set()),
        # Which --help waits for.
        ("fullglow_jax.commands.train", set()),
        ("fullglow_jax.commands.sample", {"PIL"}),
        ("fullglow_jax.commands.evaluate", {"PIL"}),
        ("fullglow_jax.commands.demo", set()),
        ("fullglow_jax.commands.check", set()),
        ("fullglow_jax.commands.prepare", set()),
        ("fullglow_jax.commands.instances", set()),
        ("fullglow_jax.commands.data", set()),
    ],
)
def test_import_loads_nothing_heavy(module, needed):
    program = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert HEAVY & set(done.stdout.split()) == needed
