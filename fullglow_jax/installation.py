"""Where this code is, in a checkout or installed, and how the user calls its commands there."""

import re
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent

CHECKOUT = PACKAGE.parent if (PACKAGE.parent / "train.py").is_file() else None
"""The checkout's folder; None if the package is installed without one."""

CONFIGS = (CHECKOUT or PACKAGE) / "configs"
"""The folder of the configs that come with this code; setup.py says how they get there."""

_SCRIPTS = {r"(?:python )?\b(train|sample|eval)\.py\b": r"fullglow-\1"}
"""What a checkout has, and what installed packages have instead."""

_MODULES = {
    r"python -m fullglow_jax\.demo\b": "fullglow-demo",
    r"python -m fullglow_jax\.studies\b": "fullglow-study",
    r"python -m fullglow_jax\.data\.(check|prepare|instances)\b": r"fullglow-data \1",
}
"""What any environment has, and what those who use the installed commands know instead."""


def as_called(text: str) -> str:
    """One of our texts, with its commands as this user calls them.

    "python train.py" stays in a checkout, and is "fullglow-train" for those who have none, or have
    started an installed command.
    """
    installed = Path(sys.argv[0]).name.startswith("fullglow-")
    scripts = _SCRIPTS if installed or CHECKOUT is None else {}
    modules = _MODULES if installed else {}
    for pattern, call in (scripts | modules).items():
        text = re.sub(pattern, call, text)
    return text
