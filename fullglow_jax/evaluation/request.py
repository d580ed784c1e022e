"""The requests of the eval command: its flags."""

from dataclasses import dataclass
from pathlib import Path

from fullglow_jax.evaluation.metrics import METRICS
from fullglow_jax.request_flags import option, some_of
from fullglow_jax.settings import rules


@dataclass(frozen=True, kw_only=True)
class ScoringRequest:
    """The flags of scores of any model; a metric declares which of them it reads."""

    checkpoint: str = option(rules.checkpoint(), '"latest", "best" or a step.', "latest")
    split: str = option(rules.name_of_split(), "Split to score.", "val")
    metrics: tuple[str, ...] = some_of(METRICS, "bpd")
    judge: Path | None = option(
        rules.path(),
        "What looks at photos: the workdir of a pspnet, or a file that "
        "fullglow_jax.interop.import_semseg wrote.",
        None,
    )
    rounds: int = option(rules.integer(), "Images drawn for each condition, as in the paper.", 3)
    temperature: float = option(rules.number(), "Of images that are drawn.", 0.7)
    draws: int = option(rules.integer(), "How often each example is dequantised.", 1)
    skip_bad: bool = option(
        rules.truth(), "Leave out pairs whose images are missing or bad, and say how many.", False
    )
    limit: int | None = option(rules.integer(), "Only the first so many examples.", None)
    seed: int = option(
        rules.seed(), "Seed of the dequantisation noise, and of images that are drawn.", 0
    )
    batch_size: int = option(rules.integer(), "Examples scored at once.", 8)


@dataclass(frozen=True, kw_only=True)
class EvaluationRequest(ScoringRequest):
    """The flags of eval.py for scores."""

    workdir: Path = option(rules.path(), "Folder of a training run.")
    images: Path | None = option(
        rules.path(),
        "A folder of images to score instead of drawing them: NAME.png for each pair, or round_1/ "
        "and so on with such files, as sample.py --mode set writes them.",
        None,
        instead_of=("rounds", "temperature", "seed"),
    )


@dataclass(frozen=True, kw_only=True)
class ComparisonRequest:
    """The flags of eval.py for comparisons."""

    compare: str | None = option(
        rules.text(),
        "Workdirs, and folders of images, that were scored before, with commas between: puts them "
        "into one table instead of scoring any.",
        None,
    )
    out: Path = option(
        rules.path(),
        "Folder that a comparison is written into.",
        Path("comparison"),
        beside="compare",
    )
