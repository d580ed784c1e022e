"""A study: variants of a config are trained and scored one after another, and then compared."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

import optax
from ml_collections import ConfigDict

from fullglow_jax.config.overrides import overridden
from fullglow_jax.digests import digest
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.command import check_metrics, evaluate
from fullglow_jax.evaluation.comparison import compare
from fullglow_jax.evaluation.metrics import METRICS
from fullglow_jax.evaluation.observers import Asked, load_observers
from fullglow_jax.evaluation.request import EvaluationRequest, ScoringRequest
from fullglow_jax.evaluation.scoring import identity
from fullglow_jax.files.drafts import draft
from fullglow_jax.model_registry import build_model
from fullglow_jax.parallel.distributed import is_first, meet
from fullglow_jax.runs.checkpoints import Checkpoints
from fullglow_jax.runs.trained import stored_config
from fullglow_jax.studies.request import StudyRequest
from fullglow_jax.studies.side_by_side import side_by_side
from fullglow_jax.studies.variants import Variant, variants_of
from fullglow_jax.training.loop import train
from fullglow_jax.training.teachers import read_teachers

RECORD = "study.json"
"""The file in a variant's workdir that says for what request it was scored."""


def study(config: ConfigDict, request: StudyRequest, folder: Path) -> None:
    """Trains and scores each variant, and writes tables, a page and a picture of all.

    A variant's workdir is `folder`/NAME. The same call goes on where an earlier one was stopped:
    variants that are trained and scored are left as they are. One that fails does not stop the
    others.

    Args:
        config: The config that all variants begin with.
        request: The flags.
        folder: The folder of the study, for `comparison.html` and the rest.

    Raises:
        UserError: If variants are not possible, before any is trained; or, at the end, if some
            could not be trained or scored.
    """
    variants = variants_of(request.vary, request.variant, config.model.name)
    configs = [_checked(config, variant, request, folder) for variant in variants]
    metrics = [metric for name, metric in METRICS.items() if name in request.metrics]
    # Told of now, if one is missing.
    observers = load_observers(metrics, Asked.of(request), config.parallel)
    networks = {name: observer.digest for name, observer in observers.items()}
    failed: dict[str, UserError] = {}
    for number, (variant, own) in enumerate(zip(variants, configs, strict=True), 1):
        _say(f"variant {number} of {len(variants)}: {variant.name}")
        workdir = folder / variant.name
        try:
            if not train(own, workdir):
                _say(f"the study in {folder} is not finished; the same command goes on")
                return
            _score(own, _evaluation(request, workdir), workdir, networks)
        except UserError as error:
            failed[variant.name] = error
            _say(f"variant {variant.name} failed: {error}")
        meet(f"variant {number}")
    good = [variant.name for variant in variants if variant.name not in failed]
    if good:
        models = ((name, _stored(config, folder / name, request), folder / name) for name in good)
        samples = side_by_side(models, request)
        if is_first():
            compare([folder / name for name in good], folder, samples)
    if failed:
        causes = "\n".join(f"{name}: {error}" for name, error in failed.items())
        raise UserError(
            f"{len(failed)} of {len(variants)} variants failed, and are not in the table:\n{causes}"
        )


def _checked(
    config: ConfigDict, variant: Variant, request: StudyRequest, folder: Path
) -> ConfigDict:
    """A variant's config, after a check that it can be built, and be scored as asked."""
    try:
        own = overridden(config, variant.overrides)
        model = build_model(own, optax.constant_schedule(0.0))
        read_teachers(model, own.parallel)
        check_metrics(model, own.model.name, _evaluation(request, folder / variant.name))
    except UserError as error:
        raise UserError(f"variant {variant.name}: {error}") from error
    return own


def _evaluation(request: StudyRequest, workdir: Path) -> EvaluationRequest:
    names = [field.name for field in dataclasses.fields(ScoringRequest)]
    return EvaluationRequest(workdir=workdir, **{name: getattr(request, name) for name in names})


def _score(
    config: ConfigDict, request: EvaluationRequest, workdir: Path, networks: Mapping[str, str]
) -> None:
    """Scores a variant, unless this was done with the same checkpoints, networks, flags and code.

    Args:
        config: The config, for the devices.
        request: The flags.
        workdir: The variant's workdir.
        networks: Digests of the networks that metrics ask, by name.
    """
    record = workdir / RECORD
    how = (request.skip_bad, dict(networks), _content(request.against))
    asked = {"scored": digest(identity(request), how, Checkpoints.of(workdir).steps())}
    if _read(record) == asked:
        return
    evaluate(_stored(config, workdir, request), request)
    if is_first():
        with draft(record) as scratch:
            scratch.write_text(json.dumps(asked) + "\n", encoding="utf-8")


def _content(path: Path | None) -> list[tuple[str, int, int]]:
    """Names, sizes and times of the files that images are compared with, if not with true ones."""
    if path is None:
        return []
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    found = [(str(file), file.stat()) for file in files if file.is_file()]
    return [(name, about.st_size, about.st_mtime_ns) for name, about in found]


def _read(record: Path) -> object:
    try:
        return json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _stored(config: ConfigDict, workdir: Path, request: ScoringRequest) -> ConfigDict:
    """The config that a workdir was trained with, on the devices of this one."""
    stored = stored_config(workdir, request.checkpoint)
    stored.parallel = config.parallel
    return stored


def _say(text: str) -> None:
    if is_first():
        print(text, flush=True)
