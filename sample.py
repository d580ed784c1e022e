"""Draws images from a trained model: samples, reconstructions, transfers, interpolations, sets.

python sample.py --workdir DIR [--samples 4] [--temperature 0.7] [--condition label_map.png …]
python sample.py --workdir DIR --mode transfer [--pair CONTENT:STRUCTURE …]
python sample.py --workdir DIR --mode set [--rounds 3]
"""

from collections.abc import Sequence
from pathlib import Path

from absl import flags

from fullglow_jax import cli

WORKDIR = flags.DEFINE_string("workdir", None, "Folder of a training run.")
CHECKPOINT = flags.DEFINE_string("checkpoint", "latest", '"latest", "best" or a step.')
MODE = flags.DEFINE_enum(
    "mode",
    "random",
    ["random", "reconstruct", "transfer", "interpolate", "unconditional", "set"],
    "random: samples of conditions; reconstruct: images encoded and decoded, with the error; "
    "transfer: one image's content under another's condition; interpolate: from one pair to "
    "another; unconditional: conditions from the source glow, and images of them; set: a whole "
    "split, resumable.",
)
SPLIT = flags.DEFINE_string("split", "val", "Split that conditions and pairs are taken from.")
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
PAIR = flags.DEFINE_multi_string(
    "pair",
    [],
    "CONTENT:STRUCTURE for transfer, FROM:TO for interpolate, one pair for reconstruct; repeat for "
    "more. Each is a pair's name in the split, its number there, or image files: "
    "CONDITION.png[,TARGET.png[,BOUNDARY.png]].",
)
SAMPLES = flags.DEFINE_integer(
    "samples",
    None,
    "Images for each condition; 4 if not given, 1 without conditions.",
    lower_bound=1,
)
ROUNDS = flags.DEFINE_integer(
    "rounds", 3, "Images for each condition of a set, as in the paper.", lower_bound=1
)
LIMIT = flags.DEFINE_integer(
    "limit", None, "Only the first so many conditions of a set.", lower_bound=1
)
FRAMES = flags.DEFINE_integer("frames", 7, "Images of an interpolation.", lower_bound=2)
SWEEP = flags.DEFINE_integer(
    "sweep", None, "Instead of --temperature, so many from 0 to 1.", lower_bound=2
)
TEMPERATURE = flags.DEFINE_multi_float(
    "temperature", [0.7], "Factor of the noise's deviation; repeat for more.", lower_bound=0.0
)
SEED = flags.DEFINE_integer("seed", 0, "Seed of the noise.")
BATCH_SIZE = flags.DEFINE_integer("batch_size", 8, "Images drawn at once.", lower_bound=1)
OUT = flags.DEFINE_string("out", None, "Folder for the images; inside the workdir if not given.")


def main(argv: Sequence[str]) -> None:
    """Parses flags and samples."""
    from fullglow_jax.sampling.command import sample
    from fullglow_jax.sampling.request import SampleRequest
    from fullglow_jax.training.trained import stored_config

    config = cli.parse_workdir(argv, WORKDIR, lambda w: stored_config(w, CHECKPOINT.value))
    sample(
        config,
        SampleRequest(
            workdir=Path(str(WORKDIR.value)),
            checkpoint=CHECKPOINT.value,
            mode=MODE.value,
            split=SPLIT.value,
            count=COUNT.value,
            conditions=tuple(map(Path, CONDITION.value)),
            boundaries=tuple(map(Path, BOUNDARY.value)),
            pairs=tuple(PAIR.value),
            samples=SAMPLES.value,
            rounds=ROUNDS.value,
            limit=LIMIT.value,
            frames=FRAMES.value,
            temperatures=_temperatures(),
            seed=SEED.value,
            batch_size=BATCH_SIZE.value,
            out=Path(OUT.value) if OUT.value else None,
        ),
    )


def _temperatures() -> tuple[float, ...]:
    if SWEEP.value:
        return tuple(i / (SWEEP.value - 1) for i in range(SWEEP.value))
    return tuple(TEMPERATURE.value)


if __name__ == "__main__":
    cli.run(main)
