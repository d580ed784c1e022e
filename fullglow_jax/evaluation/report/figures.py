"""An evaluation's figures, one a row."""

from typing import Any, NamedTuple

CLASS_SCORES = {
    "pixel_accuracy": "pixel accuracy",
    "class_accuracy": "class accuracy",
    "class_iou": "class IoU",
}

OF_IMAGES = {"ssim": 4, "psnr": 2, "diversity": 4}
"""Other metrics, and the digits that are shown of them."""

OF_LABEL_MAPS = ("psp", "photo2label")
"""Metrics that have class scores."""

PSP_BESIDE = {"ground_truth": "true photos", "shuffled": "other maps' photos"}
"""What stands beside the scores of drawn photos."""


class Figure(NamedTuple):
    """A number and what it is worth.

    Attributes:
        name: What it is.
        mean: As text; "–" where there is none.
        error: Its standard error over examples, or its deviation over rounds, as text.
    """

    name: str
    mean: str
    error: str

    @property
    def with_error(self) -> str:
        """Both, as papers have them."""
        return self.mean if self.error == NONE else f"{self.mean} ± {self.error}"


NONE = "–"


def figures(report: dict[str, Any]) -> list[Figure]:
    """All of a report."""
    found = [
        figure(f"bits/dim, {name}", summary, 4)
        for name, summary in report.get("bits_per_dim", {}).items()
    ]
    found += [
        figure(f"importance-weighted bits/dim, {name}", summary, 4)
        for name, summary in report.get("importance_weighted_bits_per_dim", {}).items()
    ]
    of_images = report.get("images", {})
    for name, digits in OF_IMAGES.items():
        if name in of_images:
            found.append(figure(name, of_images[name], digits))
    if of_features := of_images.get("diversity", {}).get("features"):
        found.append(figure("diversity in the judge's features", of_features, 4))
    if of_maps := of_images.get("photo2label"):
        found += _class_scores("", of_maps)
    if of_photos := of_images.get("psp"):
        found += _class_scores("psp, ", of_photos)
        for key, what in PSP_BESIDE.items():
            found += _class_scores(f"psp of {what}, ", of_photos[key])
    return found


def figure(name: str, summary: dict[str, Any], digits: int, factor: float = 1) -> Figure:
    """Of a mean with its standard error or deviation, as `evaluation.summary` makes them."""
    error = summary.get("standard_error", summary.get("deviation"))
    mean, error = (
        NONE if v is None else f"{factor * v:.{digits}f}" for v in (summary["mean"], error)
    )
    return Figure(name, mean, error)


def percent(name: str, summary: dict[str, Any]) -> Figure:
    """Of a share."""
    return figure(name, summary, 2, factor=100)


def _class_scores(what: str, scores: dict[str, Any]) -> list[Figure]:
    return [percent(f"{what}{kind}, %", scores[key]) for key, kind in CLASS_SCORES.items()]


def title(report: dict[str, Any]) -> str:
    """What was scored, in a few words."""
    of_images = report.get("images")
    count = of_images["rounds"] if of_images else 0
    rounds = f", {count} round{'s' if count > 1 else ''} of images" if count else ""
    if of_images and of_images["examples"] < report["examples"]:
        rounds += f" of {of_images['examples']} of them"
    scored = "" if report["checkpoint"] is None else f", step {report['checkpoint']}"
    judge = f", judged by {psp['judge']}" if (psp := (of_images or {}).get("psp")) else ""
    return f"{report['examples']} examples of {report['split']}{scored}{rounds}{judge}"
