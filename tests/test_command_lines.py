"""Commands, flags and keys that the documents name are there."""

import re
import tomllib
from dataclasses import fields
from functools import cache

import pytest

import website.command_lines
from fullglow_jax.config.keys import keys
from fullglow_jax.config.overrides import split_words
from fullglow_jax.evaluation.request import ComparisonRequest, EvaluationRequest
from fullglow_jax.model_registry import FAMILIES
from fullglow_jax.sampling.request import SampleRequest
from fullglow_jax.studies.request import StudyRequest
from tests.in_process import command
from website.command_lines import ROOT, command_lines, pages, prose
from website.try_commands import REASONS, reason, tiny

SECTIONS = {key.rpartition(".")[0] for key in keys()} | {"data", "model"}

INSTALLED = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "scripts"
]
"""An installed package's commands, as MODULE:FUNCTION."""

LINES = {line.text: line for page in pages() for line in command_lines(page)}
TEXTS = {page.name: page.read_text(encoding="utf-8") for page in pages()}

PLACEHOLDER = re.compile(r"[A-Z][A-Z_]*")


def python_words(line):
    """What Python is called with, by this command or within it."""
    words = line.words
    if words[0] == "fullglow-data":
        return ["-m", f"fullglow_jax.commands.{words[1]}", *words[2:]]
    if words[0].startswith("fullglow-"):
        return ["-m", INSTALLED[words[0]].partition(":")[0], *words[1:]]
    return line.python


def source_of(words):
    """(the file that is run, the words after it)."""
    if words[0] == "-m":
        path = ROOT.joinpath(*words[1].split("."))
        file = path / "__main__.py" if path.is_dir() else path.with_suffix(".py")
        return file, words[2:]
    return ROOT / words[0], words[1:]


def check(words):
    """Raises a UserError or AssertionError if there is no such program, flag, key or value."""
    file, rest = source_of(words)
    assert file.is_file(), file
    if "--" in rest:
        check(rest[rest.index("--") + 1 :])
        rest = rest[: rest.index("--")]
    name = str(file.relative_to(ROOT))
    if module := command_in(name):
        parse(module, rest)
    else:
        given = {word.partition("=")[0] for word in split_words(rest).rest if word[:2] == "--"}
        assert given <= flags_in_text(name) | {"--help", "--config"}, words


def command_in(name):
    """The module that a file starts or is, among `fullglow_jax.commands`; None for another one."""
    text = name.replace("/", ".") + (ROOT / name).read_text(encoding="utf-8")
    found = re.search(r"fullglow_jax\.commands\.(\w+)", text)
    return command(found[1]) if found else None


def parse(module, words):
    """Parses the words as the command itself does."""
    words = ["street_scenes" if word == "FILE" else word for word in words if word != "--help"]
    if "--config" in words:
        module.COMMAND.parse_config(words, alone=True)
    else:
        module.COMMAND.parse(words)


@cache
def flags_in_text(name):
    """The flags of a command that is not among `fullglow_jax.commands`."""
    text = (ROOT / name).read_text(encoding="utf-8")
    if name.startswith("benchmarks/"):
        text += (ROOT / "benchmarks" / "common.py").read_text(encoding="utf-8")
    names = re.findall(r'(?:add_argument\(\s*"--|COMMAND\.flag\(\s*")([\w-]+)"', text)
    return {f"--{name}" for name in names}


@pytest.mark.parametrize("text", LINES)
def test_a_command(text):
    line = LINES[text]
    words = line.words
    if python := python_words(line):
        # Values that stand for any: a flag of such a value is there, at least.
        check([word for word in python if word != "…"])
    elif words[0] == "make":
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
        assert words[1] in targets
    elif words[:3] == ["pip", "install", "-r"]:
        assert (ROOT / words[3]).is_file()


@pytest.mark.parametrize("page", TEXTS)
def test_keys_in_running_text(page):
    for match in prose(TEXTS[page]):
        if named := re.fullmatch(r"config\.([a-z_.]+?)(=.*)?", match["text"], re.S):
            assert named[1] in keys() or named[1] in SECTIONS, match["text"]


@pytest.mark.parametrize("page", TEXTS)
def test_flags_in_running_text(page):
    known = all_flags()
    for match in prose(TEXTS[page]):
        words = match["text"].split()
        if not words[0].startswith("--"):
            continue
        overrides = [word for word in words if word.startswith("--config.") and "KEY" not in word]
        for key, value in split_words(overrides).overrides.items():
            if not PLACEHOLDER.fullmatch(value):
                rules = [keys(family)[key].rule for family in FAMILIES if key in keys(family)]
                assert any(rule.takes(value) for rule in rules), f"{page}: {match['text']}"
        names = {word.partition("=")[0] for word in words if word.startswith("--")}
        names = {name for name in names if not name.startswith("--config.")}
        assert names <= known, f"{page}: {match['text']}"


@cache
def all_flags():
    """The flags of all commands."""
    files = [*ROOT.glob("benchmarks/*.py"), *ROOT.glob("fullglow_jax/**/*.py")]
    known = {"--help", "--config"}
    for file in files:
        known |= flags_in_text(str(file.relative_to(ROOT)))
    for request in (SampleRequest, EvaluationRequest, ComparisonRequest, StudyRequest):
        known |= {f"--{field.name}" for field in fields(request)}
    return known


def test_commands_are_found():
    """In blocks and in text, over several lines, and within other programs' commands."""
    found = {line.text for line in LINES.values() if line.page == "docs/scaling.md"}
    assert "python -m benchmarks.torture" in found
    (pod,) = (LINES[text] for text in found if text.startswith("gcloud"))
    assert pod.python[0] == "train.py"
    assert pod.python[-1] == "--config.model.precision=bfloat16"
    (slurm,) = (text for text in found if text.startswith("srun"))
    assert slurm.endswith("--config.train.batch_size=32 --config.parallel.fsdp=8")


def test_what_is_run_has_data():
    """A command that trains names a config whose data the trial makes."""
    runs = [line for text, line in LINES.items() if not reason(text, ROOT)]
    assert len(runs) > 20
    for line in runs:
        assert tiny(line.python)


@pytest.mark.parametrize("pattern", [pattern for pattern, _ in REASONS])
def test_every_reason_is_needed(pattern):
    assert any(re.search(pattern, text) for text in LINES)


def test_a_line_that_is_no_command(tmp_path, monkeypatch):
    monkeypatch.setattr(website.command_lines, "ROOT", tmp_path)
    page = tmp_path / "page.md"
    lines = ("```bash", "A=1 python a.py \\", "  --b 2  # c", "pyhton a.py", "```", "")
    page.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(ValueError, match=r"'pyhton a\.py' in a bash block is no command"):
        command_lines(page)


def test_every_config_is_told_of():
    there = {path.name for path in (ROOT / "configs").glob("*.py")} - {"__init__.py"}
    assert there == set(re.findall(r"`configs/(\w+\.py)`", TEXTS["training.md"]))
