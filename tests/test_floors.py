"""Nobody imports upward: each room of the package uses only what lies on its floor or below."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "fullglow_jax"

FLOORS = (
    ("commands",),
    ("studies",),
    ("box", "loaded_model"),
    ("training",),
    ("evaluation", "demo"),
    ("sampling", "interop"),
    ("request_flags",),
    ("cli",),
    ("runs",),
    ("config",),
    ("model_registry",),
    ("segmentation", "flows", "gans"),
    ("data",),
    ("parallel", "street_scenes"),
    ("optimization", "bijections", "perception"),
    ("models", "layers", "pictures", "settings"),
    ("files", "palette", "readings", "digests", "progress", "workers"),
    ("compilation_cache", "compiler_options"),
    ("errors", "text_output", "user_cache", "installation"),
    ("huge_pages", "lapack_threads", "lost_interrupts"),
)
"""From the top. Of the rooms on one floor, none imports another."""

HEIGHT = {room: -floor for floor, rooms in enumerate(FLOORS) for room in rooms}


def modules():
    """Each module's dotted name below the package, and its syntax tree."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        yield name, ast.parse(path.read_text(encoding="utf-8"))


def imported(tree):
    """Names below the package of what a module imports, wherever in it that stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fullglow_jax"):
            below = node.module.removeprefix("fullglow_jax").removeprefix(".")
            for alias in node.names:
                yield f"{below}.{alias.name}".removeprefix(".")


def is_command(tree):
    """Whether a module is run by `python -m`: then no other may import it."""
    return any(isinstance(node, ast.If) and "__main__" in ast.dump(node.test) for node in tree.body)


TREES = dict(modules())
COMMANDS = {name for name, tree in TREES.items() if is_command(tree)}


def room(name):
    """Which room a module, or something in it, belongs to."""
    return "commands" if name in COMMANDS else name.split(".")[0]


def edges():
    """(module, what it imports) wherever that leads into another room."""
    for name, tree in TREES.items():
        if not name:  # the package itself, which offers `load`
            continue
        for other in imported(tree):
            if room(name) != room(other):
                yield name, other


def test_every_room_is_on_a_floor():
    rooms = {room(name) for name in TREES if name} | {"commands"}
    assert rooms == set(HEIGHT)


def test_nobody_imports_upward():
    upward = [
        f"{name} imports {other}"
        for name, other in edges()
        if HEIGHT[room(other)] >= HEIGHT[room(name)]
    ]
    assert not upward
