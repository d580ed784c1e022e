"""What README.md and CONTRIBUTING.md say of the code, held against the code."""

import re
from pathlib import Path

from fullglow_jax.evaluation.metrics.metric import ImageMetric, Metric

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "fullglow_jax"


def layout():
    """The README's picture of the package."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.search(r"\nfullglow_jax/\n(.*?)\nbenchmarks/", readme, re.S)[1]


def test_the_readme_has_every_module():
    named = set(re.findall(r"(?:^|\s)(\w+(?:\.py|/))(?=\s|$)", layout()))
    there = {path.name for path in PACKAGE.glob("*.py")} - {"__init__.py"}
    there |= {f"{path.parent.name}/" for path in PACKAGE.glob("*/__init__.py")}
    assert named == there


def test_the_optimiser_is_where_the_readme_says():
    lines = re.sub(r"\n {10,}", " ", layout()).splitlines()
    (where,) = (line.split()[0] for line in lines if "optimiser" in line)
    assert list((PACKAGE / where).glob("optimizer.py"))


def test_contributing_has_what_a_metric_has():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (told,) = (part for part in text.split("\n- ") if part.startswith("**A metric**"))
    declared = {name for of in (Metric, ImageMetric) for name in vars(of) if name[0] != "_"}
    declared |= Metric.__annotations__.keys()
    assert declared <= set(re.findall(r"`(\w+)`", told))


def test_paths_that_contributing_names_are_there():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for path in re.findall(r"`([\w/]+(?:\.py|/))`", text):
        assert (ROOT / path).exists() or (PACKAGE / path).exists(), path
