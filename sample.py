"""Draws images under conditions, from a trained model.

python sample.py --workdir DIR [--samples 4] [--temperature 0.7] [--condition label_map.png …]
"""

from collections.abc import Sequence
from pathlib import Path

from absl import flags

from fullglow_jax import cli

WORKDIR = flags.DEFINE_string("workdir", None, "Folder of a training run.")
CHECKPOINT = flags.DEFINE_string("checkpoint", "latest", '"latest", "best" or a step.')
SPLIT = flags.DEFINE_string("split", "val", "Split that conditions are taken from.")
COUNT = flags.DEFINE_integer(
    "count",
    4,
    "How many conditions of the split; how many images, for models without conditions.",
    lower_bound=1,
)
CONDITION = flags.DEFINE_multi_string(
    "condition", [], "An image file as condition, instead of a split; repeat for more."
)
BOUNDARY = flags.DEFINE_multi_string(
    "boundary", [], "A boundary map for each --condition, for models that read them."
)
SAMPLES = flags.DEFINE_integer(
    "samples",
    None,
    "Images for each condition; 4 if not given, 1 without conditions.",
    lower_bound=1,
)
TEMPERATURE = flags.DEFINE_multi_float(
    "temperature", [0.7], "Factor of the noise's deviation; repeat for more.", lower_bound=0.0
)
SEED = flags.DEFINE_integer("seed", 0, "Seed of the noise.")
BATCH_SIZE = flags.DEFINE_integer("batch_size", 8, "Images drawn at once.", lower_bound=1)
OUT = flags.DEFINE_string("out", None, "Folder for the images; inside the workdir if not given.")


def main(argv: Sequence[str]) -> None:
    """Parses flags and samples."""
    from fullglow_jax.sampling.command import SampleRequest, sample
    from fullglow_jax.training.trained import stored_config

    config = cli.parse_workdir(argv, WORKDIR, lambda w: stored_config(w, CHECKPOINT.value))
    sample(
        config,
        SampleRequest(
            workdir=Path(str(WORKDIR.value)),
            checkpoint=CHECKPOINT.value,
            split=SPLIT.value,
            count=COUNT.value,
            conditions=tuple(map(Path, CONDITION.value)),
            boundaries=tuple(map(Path, BOUNDARY.value)),
            samples=SAMPLES.value,
            temperatures=tuple(TEMPERATURE.value),
            seed=SEED.value,
            batch_size=BATCH_SIZE.value,
            out=Path(OUT.value) if OUT.value else None,
        ),
    )


if __name__ == "__main__":
    cli.run(main)
