"""Tries the commands in the documents, with tiny models and data.

python -m website.try_commands [--list] [--page docs/data.md]

They run in the order of their reading, in a folder of their own that looks as a fresh checkout; a
command finds there what those before it have left. `REASONS` says which cannot run here.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from website.command_lines import ROOT, CommandLine, command_lines, pages

SCENES = {"train": 8, "val": 6, "height": 32, "width": 64}

TRAINING = {
    **{f"data.street_scenes.{key}": value for key, value in SCENES.items()},
    "optimizer.warmup_steps": 0,  # longer than so short a run
    "train.batch_size": 2,
    "train.steps": 2,
    "train.log_every": 1,
    "train.validate_every": 2,
    "train.sample_every": 2,
    "train.checkpoint_every": 2,
}

FLOW = {
    "data.image_size": "10,20",
    "model.steps": "(1,)",
    "model.coupling_width": 8,
    "model.spatial_width": 8,
}

JUDGE = {"data.image_size": "32,64", "model.blocks": "1,1,1,1", "model.width": 4}

GAN = {
    "data.image_size": "16,32",
    "model.downs": 3,
    "model.width": 4,
    "model.discriminator_width": 4,
}

INADE = {
    "data.image_size": "32,64",
    "model.width": 2,
    "model.encoder_width": 4,
    "model.discriminator_width": 4,
}

NUMBERS = {"pspnet": JUDGE, "pix2pix": GAN, "inade": INADE}
"""By the beginning of a config's name; of all others, those of a flow."""

DATA_HERE = ("street_scenes", "cityscapes_256", "pix2pix_cityscapes")
"""Ends of the names of configs whose data is made here."""

STAND_INS = {"/path/to/cityscapes": "cityscapes"}
"""Folders that the documents name, and folders here with street scenes in the same layout."""

REASONS = (
    (r"^(srun|gcloud|tensorboard)\b", "another program"),
    (r"^pip\b", "installs"),
    (r"^make\b|^\.ci/", "sets up an environment, or takes minutes"),
    (r"benchmarks", "takes minutes to hours"),
    (r"(^|[\s/=,:])[A-Z][A-Z_]{2,}\b|\bN\.pt\b", "has a placeholder"),
    (r"\bruns/a\b", "an example"),
    (r"\bconfigs/(dlim|pix2pix)_(facades|maps)\b", "data that is not made here"),
    (r"\bpt_inception", "there is no Inception"),
    (r"--pair 23\b", "a scene that is not made here"),
    (r"^python (\w+\.py|-m [\w.]+)$|^fullglow-data check$", "a name of a command"),
    (r"^python (sample|eval)\.py (?!.*--(workdir|compare|help)\b)", "a part of a command"),
    (r"^python train\.py (?!.*--config\b)", "a part of a command"),
)
"""Patterns of commands that cannot run here, and why."""

FILE = re.compile(r"[\w/.]+\.(npz|pth)")


def reason(text: str, folder: Path) -> str:
    """Why a command cannot run in the folder as it is; empty if it can."""
    for pattern, why in REASONS:
        if re.search(pattern, text):
            return why
    made = re.findall(r"--(?:out|save_statistics) (\S+)", text)
    for word in text.split():
        if FILE.fullmatch(word) and word not in made and not (folder / word).exists():
            return f"there is no {word}"
    return ""


def tiny(words: list[str]) -> list[str]:
    """A command's words, with a tiny model and little data if it trains, and on any port."""
    words = [_with_stand_ins(word) for word in words]
    words = [path for word in words for path in _matches(word) or [word]]
    if {"train.py", "fullglow_jax.studies"} & set(words):
        config = Path(words[words.index("--config") + 1]).stem
        if not config.endswith(DATA_HERE):
            raise ValueError(f"{' '.join(words)}: no data is made here for {config}.")
        numbers = TRAINING | NUMBERS.get(config.partition("_")[0], FLOW)
        words += [f"--config.{key}={value}" for key, value in numbers.items()]
    if "fullglow_jax.demo" in words:
        words += ["--port", "0"]
    return words


def _matches(word: str) -> list[str]:
    """The files of the repository that a pattern matches, as a shell would find them."""
    if "*" not in word:
        return []
    return sorted(str(path.relative_to(ROOT)) for path in ROOT.glob(word))


def _with_stand_ins(word: str) -> str:
    for name, stand_in in STAND_INS.items():
        word = word.replace(name, stand_in)
    return word


@contextmanager
def checkout() -> Iterator[Path]:
    """A folder that looks as a fresh checkout, with street scenes as `cityscapes` in it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tracked = subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).split("\n")
        for top in {path.split("/")[0] for path in tracked if path}:
            (folder / top).symlink_to(ROOT / top)
        scenes = [f"--{key}={SCENES[key]}" for key in ("train", "val")]
        size = f"--size={SCENES['height']}x{SCENES['width']}"
        make = ["-m", "fullglow_jax.street_scenes", "--root=cityscapes", *scenes, size]
        subprocess.run([sys.executable, *make], cwd=folder, env=environment(folder), check=True)
        yield folder


def environment(folder: Path) -> dict[str, str]:
    """Compiling is most of the work: little optimised, and once for all commands."""
    return {
        "JAX_COMPILATION_CACHE_DIR": str(folder / ".jax"),
        **os.environ,
        "JAX_PLATFORMS": "cpu",
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "PYTHONPATH": str(ROOT),
        "XLA_FLAGS": "--xla_backend_optimization_level=0",
    }


def run(words: Sequence[str], folder: Path) -> tuple[int, str]:
    """Runs Python in the folder: (exit code, what it printed). A page is served, and then ended."""
    with subprocess.Popen(
        [sys.executable, *words],
        cwd=folder,
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        printed = ""
        assert process.stdout is not None
        for line in process.stdout:
            printed += line
            if line.startswith("open http"):
                process.send_signal(signal.SIGINT)
    return process.returncode, printed


def main(argv: Sequence[str]) -> int:
    """Tries the commands; the exit code is 0 if all went well."""
    parser = argparse.ArgumentParser(prog="python -m website.try_commands")
    parser.add_argument("--list", action="store_true", help="only say what would be run")
    parser.add_argument("--page", help="only this document's commands")
    options = parser.parse_args(argv)
    # Whoever starts this in the background may ignore Ctrl-C, which ends pages; commands must not.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    chosen = [page for page in pages() if options.page in (None, str(page.relative_to(ROOT)))]
    if not chosen:
        parser.error(f"--page {options.page}: there is no such document, README.md for example")
    lines: dict[str, CommandLine] = {}
    for line in (line for page in chosen for line in command_lines(page)):
        lines.setdefault(line.text, line)
    with checkout() as folder:
        results = [_tried(line, folder, options.list) for line in lines.values()]
    failed = results.count(False)
    print(f"{len(results)} commands, {results.count(True)} run, {failed} failed")
    return 1 if failed else 0


def _tried(line: CommandLine, folder: Path, only_list: bool) -> bool | None:
    """Whether a command went well; None if it was not run."""
    if why := reason(line.text, folder):
        print(f"{line.page}: {line.text}\n    not run: {why}", flush=True)
        return None
    words = tiny(line.python)
    print(f"{line.page}: {line.text}\n    {' '.join(['python', *words])}", flush=True)
    if only_list:
        return None
    began = time.monotonic()
    code, printed = run(words, folder)
    how = f"exit code {code}\n{printed}" if code else "well"
    print(f"    {how}, {time.monotonic() - began:.1f} s", flush=True)
    return code == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
