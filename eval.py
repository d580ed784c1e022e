"""Scores a trained model over a split, or images that any system has drawn for it.

python eval.py --workdir DIR [--split val] [--checkpoint best] [--draws 8]
python eval.py --workdir DIR --metrics bpd,ssim,psnr,diversity [--rounds 3]
python eval.py --workdir DIR --metrics psp --judge DIR
python eval.py --workdir DIR --metrics ssim,psnr --images FOLDER
python eval.py --compare DIR,DIR,FOLDER [--out comparison]
"""

from collections.abc import Sequence
from pathlib import Path

from absl import flags

from fullglow_jax import cli
from fullglow_jax.errors import UserError

WORKDIR = flags.DEFINE_string("workdir", None, "Folder of a training run.")
CHECKPOINT = flags.DEFINE_string("checkpoint", "latest", '"latest", "best" or a step.')
SPLIT = flags.DEFINE_string("split", "val", "Split to score.")
METRICS = flags.DEFINE_list(
    "metrics",
    ["bpd"],
    "Of bpd: bits per dimension; psp: accuracies and IoU of label maps that a judge finds in "
    "drawn photos; ssim and psnr: likeness of drawn images to the true ones; "
    "photo2label: accuracies and IoU of drawn label maps; diversity: distance between images of "
    "one condition.",
)
JUDGE = flags.DEFINE_string(
    "judge",
    None,
    "What psp has photos looked at by, and diversity measures features of: the workdir of a "
    "pspnet, or a file that fullglow_jax.interop.import_semseg wrote.",
)
IMAGES = flags.DEFINE_string(
    "images",
    None,
    "A folder of images to score instead of drawing them: NAME.png for each pair, or round_1/ and "
    "so on with such files, as sample.py --mode set writes them.",
)
ROUNDS = flags.DEFINE_integer(
    "rounds", 3, "Images drawn for each condition, as in the paper.", lower_bound=1
)
TEMPERATURE = flags.DEFINE_float("temperature", 0.7, "Of images that are drawn.", lower_bound=0.0)
DRAWS = flags.DEFINE_integer(
    "draws", 1, "How often each example is dequantised for bpd.", lower_bound=1
)
COMPARE = flags.DEFINE_list(
    "compare",
    [],
    "Workdirs, and folders of images, that were scored before: puts them into one table instead "
    "of scoring any.",
)
OUT = flags.DEFINE_string("out", "comparison", "Folder that a comparison is written into.")
SKIP_BAD = flags.DEFINE_bool(
    "skip_bad", False, "Leave out pairs whose images are missing or bad, and say how many."
)
LIMIT = flags.DEFINE_integer("limit", None, "Only the first so many examples.", lower_bound=1)
SEED = flags.DEFINE_integer("seed", 0, "Seed of the dequantisation noise.")
BATCH_SIZE = flags.DEFINE_integer("batch_size", 8, "Examples scored at once.", lower_bound=1)


def main(argv: Sequence[str]) -> None:
    """Parses flags, and evaluates or compares."""
    cli.parse_known(argv)
    if OUT.present and not COMPARE.value:
        raise UserError("--out says where a comparison goes, and there is no --compare.")
    if COMPARE.value:
        cli.parse_flags(argv)
        from fullglow_jax.evaluation.comparison import compare

        return compare([Path(folder) for folder in COMPARE.value], Path(OUT.value))
    return _score(argv)


def _score(argv: Sequence[str]) -> None:
    from fullglow_jax.evaluation.command import EvaluationRequest, evaluate
    from fullglow_jax.training.trained import stored_config

    config = cli.parse_workdir(argv, WORKDIR, lambda w: stored_config(w, CHECKPOINT.value))
    evaluate(
        config,
        EvaluationRequest(
            workdir=Path(str(WORKDIR.value)),
            checkpoint=CHECKPOINT.value,
            split=SPLIT.value,
            metrics=tuple(METRICS.value),
            limit=LIMIT.value,
            seed=SEED.value,
            batch_size=BATCH_SIZE.value,
            draws=DRAWS.value,
            images=Path(IMAGES.value) if IMAGES.value else None,
            rounds=ROUNDS.value,
            temperature=TEMPERATURE.value,
            judge=Path(JUDGE.value) if JUDGE.value else None,
            skip_bad=SKIP_BAD.value,
        ),
    )


if __name__ == "__main__":
    cli.run(main)
