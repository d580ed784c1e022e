"""What `import fullglow_jax` costs: nothing that a script would not want to wait for."""

import subprocess
import sys

HEAVY = {"jax", "flax", "optax", "orbax", "tensorflow_datasets", "gradio", "matplotlib", "PIL"}


def test_import_loads_nothing_heavy():
    program = "import sys, fullglow_jax; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not HEAVY & set(done.stdout.split())
