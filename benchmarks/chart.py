"""Draws docs/images/memory.png from what `python -m benchmarks.memory` wrote.

python -m benchmarks.chart [RESULTS [PICTURE]]
"""

import json
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

COLOURS = {"store": "#b8b8b8", "remat": "#4c78a8", "invert": "#f58518"}


def main() -> None:
    """One group of bars an image size and depth, one bar a memory mode."""
    results, picture = (
        Path(given)
        for given in (
            *sys.argv[1:],
            *("benchmarks/results", "docs/images/memory.png")[len(sys.argv) - 1 :],
        )
    )
    rows = json.loads((results / "memory.json").read_text(encoding="utf-8"))["rows"]
    cases = list(dict.fromkeys((row["image"], row["steps"]) for row in rows))
    figure, axes = plt.subplots(figsize=(8, 3.6), layout="constrained")
    for place, (mode, colour) in enumerate(COLOURS.items()):
        found = {(r["image"], r["steps"]): r["temporary, MiB"] for r in rows if r["mode"] == mode}
        x = np.array([cases.index(case) for case in found]) + 0.28 * (place - 1)
        bars = axes.bar(x, list(found.values()), 0.26, color=colour, label=mode)
        axes.bar_label(bars, fmt="{:,.0f}", fontsize=8)
    axes.set_yscale("log")
    axes.set_xticks(range(len(cases)), [f"{image}\n{steps}" for image, steps in cases])
    axes.set_ylabel("temporary memory, MiB")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(title="memory_mode", frameon=False)
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture, dpi=130)
    print(picture)


if __name__ == "__main__":
    main()
