"""The request of the study command: its flags."""

from dataclasses import dataclass
from pathlib import Path

from fullglow_jax.evaluation.request import ScoringRequest
from fullglow_jax.request_flags import option
from fullglow_jax.settings import rules


@dataclass(frozen=True, kw_only=True)
class StudyRequest(ScoringRequest):
    """The flags of the study command: those of scores, and its own."""

    workdir: Path | None = option(
        rules.path(),
        "Folder of the study, with a workdir for each variant; studies/NAME of the config, if not "
        "given.",
        None,
    )
    vary: tuple[str, ...] = option(
        rules.text(),
        "KEY=VALUE,VALUE: a variant for each value of a key of the config; of several such flags, "
        "for each combination.",
        (),
        repeated=True,
    )
    variant: tuple[str, ...] = option(
        rules.text(),
        "NAME: KEY=VALUE KEY=VALUE: a variant with these values, or with none of its own. May be "
        "given several times.",
        (),
        repeated=True,
    )
