"""Scores a trained model over a split, or images that any system has drawn for it.

python eval.py --workdir DIR [--split val] [--checkpoint best] [--draws 8]
python eval.py --workdir DIR --metrics bpd,ssim,psnr,diversity [--rounds 3]
python eval.py --workdir DIR --metrics psp --judge DIR
python eval.py --workdir DIR --metrics ssim,psnr --images FOLDER
python eval.py --images FOLDER --against FOLDER --metrics fid,kid,is --inception FILE
python eval.py --compare DIR,DIR,FOLDER [--out comparison]
"""

from collections.abc import Sequence
from typing import NoReturn

from fullglow_jax import cli
from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.request import ComparisonRequest, EvaluationRequest
from fullglow_jax.request_flags import RequestFlags

COMMAND = cli.CommandLine(__doc__)
SCORING = RequestFlags(COMMAND, EvaluationRequest)
COMPARING = RequestFlags(COMMAND, ComparisonRequest)


def main(argv: Sequence[str]) -> None:
    """Parses flags, and evaluates or compares."""
    overrides = COMMAND.parse(argv)
    comparison = COMPARING.request()
    if comparison.compare is None:
        request = SCORING.request()
        if request.workdir is None and request.images is not None:
            for name in ("split", "checkpoint"):
                if name in SCORING.given:
                    raise UserError(f"--{name} means nothing without --workdir.")
            config = cli.machine_config(overrides)
            from fullglow_jax.evaluation.folder_scores import evaluate_folder

            evaluate_folder(request, config.parallel)
            return
        config = cli.workdir_config(request.workdir, request.checkpoint, overrides)
        from fullglow_jax.evaluation.command import evaluate

        evaluate(config, request)
    else:
        for name in (*SCORING.given, *(f"config.{key}" for key in overrides)):
            raise UserError(f"--{name} means nothing to --compare, which scores nothing.")
        from fullglow_jax.evaluation.comparison import compare, folders_of

        compare(folders_of(comparison.compare), comparison.out)


def run() -> NoReturn:
    """Starts the command."""
    cli.run(main)
