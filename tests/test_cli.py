"""Command lines, as far as they are words alone."""

import re
from pathlib import Path

import pytest

from fullglow_jax import cli
from fullglow_jax.config.config_file import read_config
from fullglow_jax.config.overrides import split_words
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.comparison import folders_of
from fullglow_jax.files.paths import user_path
from fullglow_jax.street_scenes.__main__ import main as street_scenes
from tests.in_process import ROOT, command

STREET_SCENES = f"--config={ROOT / 'configs' / 'street_scenes.py'}"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home folder, and another folder to work in."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "home"


@pytest.mark.parametrize(
    ("words", "overrides"),
    [
        (["--config.model.steps=1,1", "--config.model.steps=2"], {"model.steps": "2"}),
        (["--config.data.bits", "5", "--config.data.bits=6"], {"data.bits": "6"}),
        (["-config.data.bits", "5"], {"data.bits": "5"}),
        (["--config.train.temperature", "-1"], {"train.temperature": "-1"}),
        (["--config.parallel.distributed", "false"], {"parallel.distributed": "false"}),
        (["--config.parallel.distributed", "no"], {"parallel.distributed": "no"}),
        (["--config.data.flip", "--config.seed=1"], {"data.flip": "true", "seed": "1"}),
        (["--noconfig.data.flip"], {"data.flip": "false"}),
        (["--config.data.root=a=b"], {"data.root": "a=b"}),
    ],
)
def test_overrides(words, overrides):
    assert split_words(words) == ([], overrides)


def test_the_other_words_stay():
    words = ["--workdir", "x", "--config.data.flip", STREET_SCENES, "--", "y"]
    assert split_words(words).rest == ["--workdir", "x", STREET_SCENES, "--", "y"]


@pytest.mark.parametrize(
    ("word", "named"),
    [
        ("--config.train.bach_size=2", "did you mean 'batch_size'?"),
        ("--config.train.bits=2", "did you mean 'config.data.bits'?"),
        ("--config.parallel=2", "config.parallel.devices, config.parallel.fsdp"),
        ("--config.=2", "there are: config.seed, config.data, "),
        ("--config.seed", "is missing its value"),
        ("--noconfig.seed", "write --config.seed=VALUE"),
    ],
)
def test_words_that_are_no_override(word, named):
    with pytest.raises(UserError) as refused:
        split_words([word])
    assert str(refused.value).startswith(word)
    assert named in str(refused.value)


IMPOSSIBLE = {
    "train": ["--profile=-1", "--workdir=", "--profile=1.5", "--profle=1"],
    "sample": [
        *(f"--seed={n}" for n in ("12345678901234567890", "-1", "4294967296", "1.5", "")),
        *(f"--temperature={t}" for t in ("nan", "inf", "-0.5", "warm", "")),
        *(f"--{name}=0" for name in ("count", "samples", "rounds", "limit", "batch_size")),
        *("--instance=-1", "--instance=car", "--reference=", "--reference_instance=-1"),
        *("--frames=1", "--sweep=1", "--sweep=nan", "--count=2.5", "--count=99999999999"),
        *(
            "--mode=radnom",
            "--split=",
            "--split=../val",
            "--split=..",
            "--condition=",
            "--out=",
            "--pair=",
        ),
        *("--checkpoint=newest", "--checkpoint=-1", "--checkpoint=²", "--checkpoint=1.5"),
    ],
    "evaluate": [
        *("--metrics=bpd,", "--metrics=", "--metrics=,", "--compare=a,,b", "--judge=", "--images="),
        *("--temperature=nan", "--temperature=-1", "--seed=-1", "--draws=0", "--limit=0"),
        *("--skip_bad=maybe", "--batch_size=0", "--rounds=0", "--checkpoint=", "--split=a/b"),
    ],
    "demo": ["--port=-5", "--port=70000", "--port=http", "--split="],
    "check": ["--out="],
    "prepare": ["--workers=0", "--workers=1.5", "--verify=2"],
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_flags_that_mean_nothing(name):
    for word in IMPOSSIBLE[name]:
        with pytest.raises(UserError) as refused:
            command(name).main([word])
        assert word.strip("-").split("=")[0] in str(refused.value), word


def request_of(words, name="sample", flags="FLAGS"):
    """What a command is asked for by words."""
    asked = command(name)
    asked.COMMAND.parse(words)
    return getattr(asked, flags).request()


def test_repeated_flags_are_read_once():
    words = ["--temperature=0.5", "--temperature=1", "--seed=1", "--seed=2"]
    for _ in range(2):
        assert request_of(words).temperature == (0.5, 1.0)
        assert request_of(words).seed == 2
    assert request_of([]).temperatures_or(0.7) == (0.7,)
    assert request_of([]).temperatures_or(0.0, 1.0) == (0.0, 1.0)


def test_a_sweep_is_temperatures():
    assert request_of(["--sweep=3"]).temperatures_or(0.7) == (0, 0.5, 1)
    assert request_of(["--temperature=0.3"]).temperatures_or(0.7) == (0.3,)


@pytest.mark.parametrize(
    ("name", "words", "said"),
    [
        ("sample", "--rounds=3", "--rounds means nothing to --mode random, only to --mode set."),
        ("sample", "--mode=set --rounds=3 --limit=2 --temperature=0.5 --split=train", ""),
        ("sample", "--mode=set --sweep=3", "only to --mode random or temperatures or redraw or i"),
        ("sample", "--mode=transfer --temperature=1", "--temperature means nothing to --mode t"),
        ("sample", "--mode=transfer --pair=0:1 --split=train --seed=1", ""),
        ("sample", "--mode=transfer --pair=0:1 --count=2", "--count means nothing beside --pai"),
        ("sample", "--mode=interpolate --frames=3", ""),
        ("sample", "--frames=7", "only to --mode interpolate."),
        ("sample", "--condition=a.png --split=val", "--split means nothing beside --condition."),
        ("sample", "--condition=a.png --boundary=b.png --samples=2 --sweep=2", ""),
        ("sample", "--boundary=b.png", "--boundary means nothing without --condition"),
        ("sample", "--mode=instances --instance=7 --instance=26001 --reference=1", ""),
        ("sample", "--mode=instances --instance=7 --count=2", "--count means nothing beside --ins"),
        ("sample", "--mode=instances --reference_instance=7", "nothing without --reference, and"),
        ("sample", "--instance=7", "only to --mode instances."),
        ("sample", "--condition=a.png --instance_map=b.png", ""),
        ("sample", "--instance_map=b.png", "--instance_map means nothing without --condition"),
        ("sample", "--sweep=3 --temperature=0.7", "--temperature means nothing beside --sweep"),
        ("evaluate", "--draws=8", ""),
        ("evaluate", "--metrics=bpd,ssim --draws=8 --rounds=2 --temperature=1 --skip_bad", ""),
        ("evaluate", "--rounds=3", "only to --metrics ssim or psnr or diversity or instance_div"),
        ("evaluate", "--skip_bad", "--skip_bad means nothing to --metrics bpd, only"),
        ("evaluate", "--metrics=ssim --draws=2", "--metrics ssim, only to --metrics bpd."),
        ("evaluate", "--metrics=ssim --judge=x", "diversity or psp or fd_judge or kd_judge."),
        ("evaluate", "--metrics=ssim --images=x --limit=2 --skip_bad --checkpoint=best", ""),
        ("evaluate", "--metrics=ssim --images=x --rounds=3", "--rounds means nothing beside --ima"),
        ("evaluate", "--metrics=ssim --images=x --seed=1", "--seed means nothing beside --images."),
        (
            "evaluate",
            "--metrics=bpd,ssmi",
            "--metrics ssmi: there is no such name; did you mean 's",
        ),
    ],
)
def test_flags_that_nothing_reads_are_refused(name, words, said):
    flags = "FLAGS" if name == "sample" else "SCORING"
    if not said:
        request_of(words.split(), name, flags)
        return
    with pytest.raises(UserError, match=re.escape(said)):
        request_of(words.split(), name, flags)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--out=there", "--out means nothing without --compare"),
        ("--compare=a --limit=3", "--limit means nothing to --compare, which scores nothing."),
        ("--compare=a --config.seed=3", "--config.seed means nothing to --compare"),
    ],
)
def test_a_comparison_scores_nothing(words, said):
    with pytest.raises(UserError, match=re.escape(said)):
        command("evaluate").main(words.split())


@pytest.mark.parametrize(
    ("name", "flag", "word", "under_home"),
    [
        ("train", "WORKDIR", "--workdir=~/x", "x"),
        ("demo", "WORKDIR", "--workdir=~/x", "x"),
        ("check", "OUT", "--out=~/x.png", "x.png"),
    ],
)
def test_home_in_a_flag(home, name, flag, word, under_home):
    command(name).COMMAND.parse([word])
    assert getattr(command(name), flag).value == home / under_home


@pytest.mark.parametrize(
    ("name", "flags", "words", "under_home"),
    [
        ("sample", "FLAGS", "--workdir=~/x", "x"),
        ("sample", "FLAGS", "--out=~/x", "x"),
        ("evaluate", "SCORING", "--workdir=~", ""),
        ("evaluate", "SCORING", "--judge=~/x.npz --metrics=psp", "x.npz"),
        ("evaluate", "SCORING", "--images=~/x --metrics=ssim", "x"),
        ("evaluate", "COMPARING", "--out=~/x --compare=a", "x"),
    ],
)
def test_home_in_a_request(home, name, flags, words, under_home):
    request = request_of(words.split(), name, flags)
    assert getattr(request, words[2:].split("=")[0]) == home / under_home


def test_home_in_lists_of_flags(home):
    compared = request_of(["--compare=~/a,b"], "evaluate", "COMPARING").compare
    assert folders_of(compared) == [home / "a", Path("b")]
    files = request_of(["--condition=~/a.png", "--condition=b.png", "--boundary=~/c.png"])
    assert files.condition == (home / "a.png", Path("b.png"))
    assert files.boundary == (home / "c.png",)


def test_home_of_the_config_file_and_of_street_scenes(home):
    home.mkdir()
    source = ROOT / "configs" / "street_scenes.py"
    (home / "mine.py").write_text(source.read_text())
    assert read_config("~/mine.py").data.name == "street_scenes"
    assert street_scenes(["--root=~/scenes", "--train=1", "--val=1", "--size=16x32"]) == 0
    assert (home / "scenes" / "street_scenes.json").exists()
    assert not list(Path.cwd().iterdir())


def test_home_of_nobody():
    with pytest.raises(UserError, match="no home folder '~no_such_user'"):
        user_path("~no_such_user/x")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("def get_config():\n    return 1 / 0\n", "line 2: ZeroDivisionError"),
        ("import no_such_module\n", "line 1: ModuleNotFoundError"),
        ("def get_config(:\n", "SyntaxError"),
        ("x = 1\n", "KeyError: 'get_config'"),
        ("def get_config():\n    return {}\n", "returns dict"),
        ("def get_config():\n    return None\n", "returns NoneType"),
    ],
)
def test_config_files_that_are_broken(tmp_path, text, named):
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(UserError, match=re.escape(named)):
        read_config(str(tmp_path / "mine.py"))


@pytest.fixture
def launched(monkeypatch):
    """As one of two processes, the other of which cannot be found."""
    monkeypatch.setenv("JAX_NUM_PROCESSES", "2")
    monkeypatch.setenv("JAX_PROCESS_ID", "1")
    monkeypatch.delenv("JAX_COORDINATOR_ADDRESS", raising=False)


ALONE = [
    ["--config.parallel.distributed=false"],
    ["--config.parallel.distributed=0"],
    ["--config.parallel.distributed=no"],
    ["--config.parallel.distributed=False"],
    ["--config.parallel.distributed", "false"],
    ["--noconfig.parallel.distributed"],
]


@pytest.mark.usefixtures("launched")
def test_processes_join_unless_the_config_says_no():
    line = cli.CommandLine("")
    with pytest.raises(UserError, match=r"cannot be joined \(started by fullglow_jax.launch"):
        line.parse_config([STREET_SCENES])
    for words in ALONE:
        config = line.parse_config([STREET_SCENES, *words])
        assert config.parallel.distributed is False
    # Of one process, wherever it is started.
    line.parse_config([STREET_SCENES], alone=True)


@pytest.mark.usefixtures("launched")
@pytest.mark.parametrize("name", ["sample", "evaluate"])
def test_what_uses_a_model_joins_before_it_reads_it(name, tmp_path):
    workdir = f"--workdir={tmp_path}"
    with pytest.raises(UserError, match="cannot be joined"):
        command(name).main([workdir])
    for words in ALONE:
        with pytest.raises(UserError, match="holds no checkpoint"):
            command(name).main([workdir, *words])


@pytest.mark.usefixtures("launched")
def test_the_page_is_of_the_process_that_a_browser_asks(tmp_path):
    with pytest.raises(UserError, match="no ch"):
        command("demo").main([f"--workdir={tmp_path}"])


def test_joining_can_be_insisted_on(tmp_path):
    for name in ("train", "sample", "evaluate"):
        config = [STREET_SCENES] if name == "train" else []
        words = [*config, f"--workdir={tmp_path}", "--config.parallel.distributed", "true"]
        with pytest.raises(UserError, match="cannot be joined"):
            command(name).main(words)


def test_launched_without_a_number(monkeypatch):
    monkeypatch.setenv("JAX_NUM_PROCESSES", "2")
    monkeypatch.delenv("JAX_PROCESS_ID", raising=False)
    with pytest.raises(UserError, match="cannot be joined"):
        command("train").main([STREET_SCENES])
