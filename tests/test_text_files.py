"""Text is written and read as UTF-8, whatever the machine's own encoding is."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = sorted(
    path
    for place in (
        "*.py",
        "benchmarks/**/*.py",
        "configs/*.py",
        "fullglow_jax/**/*.py",
        "website/*.py",
    )
    for path in ROOT.glob(place)
)
PLACE = {"write_text": 1, "read_text": 0, "open": 3, "fdopen": 3}
"""Of the encoding among the arguments; for methods `open`, one less."""

BYTES = ("Image", "os", "gzip", "archive")
"""What has an `open` that is for bytes unless it is told otherwise."""


def leaves_it_to_the_machine(call):
    name = getattr(call.func, "attr", getattr(call.func, "id", None))
    module = getattr(getattr(call.func, "value", None), "id", None)
    if name not in PLACE or module in BYTES:
        return False
    mode = next((k.value for k in call.keywords if k.arg == "mode"), None)
    texts = [a.value for a in (*call.args, mode) if isinstance(a, ast.Constant)]
    binary = name == "open" and any("b" in str(t) for t in texts[-1:] if len(str(t)) <= 3)
    named = any(k.arg == "encoding" for k in call.keywords) or len(call.args) > PLACE[name]
    return not (binary or named)


def test_encodings_are_named():
    found = []
    for path in PROGRAMS:
        calls = [n for n in ast.walk(ast.parse(path.read_bytes())) if isinstance(n, ast.Call)]
        lines = [call.lineno for call in calls if leaves_it_to_the_machine(call)]
        found += [f"{path.relative_to(ROOT)}:{line}" for line in lines]
    assert len(PROGRAMS) > 100
    assert not found
