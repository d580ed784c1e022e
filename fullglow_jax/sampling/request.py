"""The request of the sample command: its flags."""

from dataclasses import dataclass
from pathlib import Path

from fullglow_jax.request_flags import one_of, option
from fullglow_jax.sampling.modes import MODES
from fullglow_jax.settings import rules


@dataclass(frozen=True, kw_only=True)
class SampleRequest:
    """The flags of sample.py; a mode declares which of them it reads."""

    workdir: Path = option(rules.path(), "Folder of a training run.")
    checkpoint: str = option(rules.checkpoint(), '"latest", "best" or a step.', "latest")
    mode: str = one_of(MODES, "random")
    split: str = option(
        rules.name_of_split(), "Split that conditions and pairs are taken from.", "val"
    )
    count: int = option(
        rules.integer(),
        "How many conditions of the split; how many images, for models without conditions.",
        4,
    )
    condition: tuple[Path, ...] = option(
        rules.path(),
        "An image file as condition, instead of a split; repeat for more.",
        (),
        repeated=True,
        instead_of=("split", "count"),
    )
    boundary: tuple[Path, ...] = option(
        rules.path(),
        "A boundary map for each --condition, for models that read them.",
        (),
        repeated=True,
        beside="condition",
    )
    instance_map: tuple[Path, ...] = option(
        rules.path(),
        "A map of instance ids for each --condition, for models that read them. Without, each "
        "connected region of a countable class is an instance, and every other class is one.",
        (),
        repeated=True,
        beside="condition",
    )
    pair: tuple[str, ...] = option(
        rules.text(),
        "What a mode takes, instead of the split's first ones: a pair, or two of them with a colon "
        "between; repeat for more. Each is a pair's name in the split, or else its number there, "
        "or else image files: CONDITION.png[,TARGET.png[,BOUNDARY.png or INSTANCES.png]]; the "
        "image alone for models without conditions.",
        (),
        repeated=True,
        instead_of=("count",),
    )
    label: tuple[str, ...] = option(
        rules.text(),
        "A class to draw under, for models that read one, in place of the pairs' own; repeat for "
        "more in the modes random and transfer, and each is drawn under each.",
        (),
        repeated=True,
    )
    instance: tuple[int, ...] = option(
        rules.integer(0),
        "The id of an instance that is drawn anew, instead of the three largest of countable "
        "classes (of any, if there are none); repeat for more.",
        (),
        repeated=True,
        instead_of=("count",),
    )
    reference: str | None = option(
        rules.text(),
        "A photo whose style the instances get, of its instance of the same class that is nearest "
        "in size: as --pair, with TARGET. A model with an encoder reads the style off it; for one "
        "without, the nearest of 32 random styles are taken, by the mean colour inside the "
        "instance and its deviation.",
        None,
    )
    reference_instance: int | None = option(
        rules.integer(0),
        "The id of the reference's instance, of any class.",
        None,
        beside="reference",
    )
    samples: int | None = option(
        rules.integer(), "Images for each condition; 4 if not given, 1 without conditions.", None
    )
    rounds: int = option(rules.integer(), "Images for each condition of a set, as in the paper.", 3)
    limit: int | None = option(rules.integer(), "Only the first so many conditions of a set.", None)
    frames: int = option(rules.integer(2), "Images of an interpolation.", 7)
    sweep: int | None = option(
        rules.integer(2),
        "Instead of --temperature, so many from 0 to 1.",
        None,
        instead_of=("temperature",),
    )
    temperature: tuple[float, ...] = option(
        rules.number(),
        "Factor of the noise's deviation; repeat for more. If not given, the model's own, its "
        "config.train.temperature: 0.7 of flows, 1 of GANs; 1 and 0.7 in --mode redraw, several in "
        "--mode temperatures.",
        (),
        repeated=True,
    )
    seed: int = option(rules.seed(), "Seed of the noise.", 0)
    batch_size: int = option(rules.integer(), "Images drawn at once.", 8)
    out: Path | None = option(
        rules.path(), "Folder for the images; inside the workdir if not given.", None
    )

    def temperatures_or(self, *usual: float) -> tuple[float, ...]:
        """The temperatures that are asked for, or the usual ones."""
        if self.sweep:
            return tuple(i / (self.sweep - 1) for i in range(self.sweep))
        return self.temperature or usual
