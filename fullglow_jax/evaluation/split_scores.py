"""Scores of each example of a split, which are kept while an evaluation is stopped."""

import json
from collections.abc import Callable, Sequence

from jax import Array
from ml_collections import ConfigDict

from fullglow_jax.config import to_json
from fullglow_jax.data.pipeline import HostBatch, evaluation_batches
from fullglow_jax.data.source import build_source
from fullglow_jax.digests import digest
from fullglow_jax.evaluation.example_scores import ExampleScores, Scores
from fullglow_jax.evaluation.request import EvaluationRequest
from fullglow_jax.evaluation.unfinished import Unfinished
from fullglow_jax.models.batch import Batch
from fullglow_jax.models.interface import PyTree
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.parallel.distributed import gathered, is_first, on_host
from fullglow_jax.progress import ProgressLine
from fullglow_jax.runs.trained import Trained


def split_scores(
    config: ConfigDict,
    request: EvaluationRequest,
    trained: Trained,
    devices: Devices,
    unfinished: Unfinished,
    score: Callable[[PyTree, Batch, Array], dict[str, Array]],
    *,
    name: str,
    draws: int = 1,
    depends: Sequence[object] = (),
) -> Scores:
    """The scores of the split's (first) examples, (draws, examples), by name.

    Args:
        config: The config, which names the data.
        request: The flags.
        trained: The model and its variables.
        devices: The devices to compute on.
        unfinished: Keeps what is scored.
        score: (variables, batch, keys) → (B,) by name.
        name: Name of these scores, for the progress line.
        draws: Number of draws of noise for each example.
        depends: The flags that the scores depend on, beside the seed and the number of draws.
    """
    annotations = trained.model.shapes.annotations
    source = build_source(config.data, request.split, annotations)
    batches = evaluation_batches(
        source,
        batch_size=request.batch_size,
        threads=config.data.threads,
        annotations=annotations,
        limit=request.limit,
        **devices.share,
    )
    total = min(len(source), request.limit or len(source))
    score_batch, key = ExampleScores(score, devices), devices.key(request.seed)
    shared = depends_on(config, trained, name, request.seed, draws, *depends)

    def remembered(host: HostBatch, place: int, compute: Callable[[], Scores]) -> Scores:
        # Either all processes compute or none: the first decides.
        batch_digest = digest(shared, place, *gathered(digest(host.batch, host.valid)))
        found: Scores | None = gathered(unfinished.get(batch_digest))[0]
        if found is None:
            found = compute()
            unfinished.add(batch_digest, found)
        return found

    with ProgressLine(name, total, quiet=not is_first()) as progress:
        told = progress.update
        return score_batch(trained.variables, batches, key, draws, told, remembered)


def depends_on(config: ConfigDict, trained: Trained, name: str, *flags: object) -> str:
    """A digest of all that an image's scores depend on, except the image and its place."""
    state = (trained.step, on_host(trained.variables), json.dumps(to_json(config.model)))
    return digest(state, config.data.bits, *flags, name)
