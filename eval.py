"""Scores a trained model: bits per dimension over a split.

python eval.py --workdir DIR [--split val] [--checkpoint best]
"""

from collections.abc import Sequence
from pathlib import Path

from absl import flags

from fullglow_jax import cli

WORKDIR = flags.DEFINE_string("workdir", None, "Folder of a training run.")
CHECKPOINT = flags.DEFINE_string("checkpoint", "latest", '"latest", "best" or a step.')
SPLIT = flags.DEFINE_string("split", "val", "Split to score.")
LIMIT = flags.DEFINE_integer("limit", None, "Only the first so many examples.", lower_bound=1)
SEED = flags.DEFINE_integer("seed", 0, "Seed of the dequantisation noise.")
BATCH_SIZE = flags.DEFINE_integer("batch_size", 8, "Examples scored at once.", lower_bound=1)


def main(argv: Sequence[str]) -> None:
    """Parses flags and evaluates."""
    from fullglow_jax.evaluation.command import EvaluationRequest, evaluate
    from fullglow_jax.training.trained import stored_config

    config = cli.parse_workdir(argv, WORKDIR, lambda w: stored_config(w, CHECKPOINT.value))
    evaluate(
        config,
        EvaluationRequest(
            workdir=Path(str(WORKDIR.value)),
            checkpoint=CHECKPOINT.value,
            split=SPLIT.value,
            limit=LIMIT.value,
            seed=SEED.value,
            batch_size=BATCH_SIZE.value,
        ),
    )


if __name__ == "__main__":
    cli.run(main)
