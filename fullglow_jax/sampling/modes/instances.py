"""Photos in which one instance after the other is drawn anew, or gets a reference's style."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

from fullglow_jax.errors import UserError
from fullglow_jax.pictures.gallery import Row
from fullglow_jax.pictures.marked import marked
from fullglow_jax.sampling.capabilities import CONDITIONS, INSTANCES
from fullglow_jax.sampling.file_names import file_stem
from fullglow_jax.sampling.instances import Instance, Instances
from fullglow_jax.sampling.modes.mode import Session, mode
from fullglow_jax.sampling.palettes import model_palette

if TYPE_CHECKING:
    from fullglow_jax.models.batch import Batch
    from fullglow_jax.sampling.examples import Examples
    from fullglow_jax.sampling.restyling import Reference

SAMPLES = 4
HANDFUL = 3


@mode(
    "instances",
    "one photo, in which one instance after the other is drawn anew, or gets a reference's style",
    reads=(
        "split",
        "count",
        "pair",
        "label",
        "instance",
        "reference",
        "reference_instance",
        "samples",
        "temperature",
        "sweep",
    ),
    needs=(CONDITIONS, INSTANCES),
)
def instances(session: Session) -> None:
    """Draws a photo of a split's first conditions, or of named pairs, and then again and again.

    Each row is of one instance, whose style is drawn anew, while those of all others stay. With
    --instance and no --pair, it is the split's first condition.

    Raises:
        UserError: If a pair or the reference cannot be read, an instance is not there, or the
            reference has none of its class.
    """
    from fullglow_jax.sampling.restyling import (
        drawn_photo,
        images_of,
        redrawn,
        restyled,
        together,
    )

    request, operations = session.request, session.operations
    examples = session.examples(session.one_label)
    count = 1 if request.instance else request.count
    chosen = list(map(examples.find, request.pair)) or examples.first(count)
    batches = [examples.batch([example]) for example in chosen]
    found = [_instances(session, batch) for batch in batches]
    reference = _Reference(session, examples) if request.reference is not None else None
    kinds = reference.kinds if reference else ()
    wanted = [
        _wanted(session, each.name, there, kinds) for each, there in zip(chosen, found, strict=True)
    ]
    likes = [[reference.like(i) if reference else None for i in of_one] for of_one in wanted]

    samples, by_encoder, rows = request.samples or SAMPLES, False, []
    total = len(session.temperatures) * samples * sum(map(len, wanted))
    asked = [(t, place) for t in session.temperatures for place in range(len(chosen))]
    with session.progress(total) as progress:
        album = session.album()
        for temperature, place in asked:
            batch, seed = batches[place], request.seed
            photo = drawn_photo(operations, batch, temperature, seed, place)
            styles = [photo.styles]
            for instance, like in zip(wanted[place], likes[place], strict=True):
                if reference and like:
                    of = reference.of(like)
                    new, by_encoder = restyled(operations, photo, instance.id, of, samples)
                else:
                    new = redrawn(operations, photo, instance.id, range(1, samples + 1))
                styles.append(new)
            image, *others = images_of(operations, photo, together(styles))

            stem = file_stem(place, chosen[place].name)
            at = f"{stem}__T{temperature:g}"
            shown = [
                album.save(f"condition/{stem}.png", batch.condition[0]),
                album.save(f"photo/{at}.png", image),
            ]
            for i, (instance, like) in enumerate(zip(wanted[place], likes[place], strict=True)):
                name = f"{at}__{instance.id}"
                picture = marked(image, found[place].mask(instance))
                files = [*shown, album.save(f"instance/{name}.png", picture)]
                if reference and like:
                    files.append(album.save(f"reference/{like.id}.png", reference.picture(like)))
                files += [
                    album.save(f"{name}__{number:03d}.png", other)
                    for number, other in enumerate(others[i * samples :][:samples], start=1)
                ]
                rows.append(Row(f"{at}, {instance.name}", files))
            progress.update(len(rows) * samples)
        columns = ["condition", "photo", "instance", *["reference"] * bool(reference)]
        columns += ["its style" if reference else "drawn anew"] * samples
        session.finish(album, progress, columns, rows, total=total)
        if reference:
            progress.say(_how(by_encoder))


class _Reference:
    """The photo that --reference names, and its instances."""

    def __init__(self, session: Session, examples: Examples) -> None:
        text = session.request.reference or ""
        example = examples.find(text, "--reference")
        if not example.has_target:
            raise UserError(
                f"--reference {text}: here is a condition alone, and its photo has the style. Name "
                "it too: CONDITION.png,PHOTO.png."
            )
        self._named = f"--reference {text}"
        self._batch = examples.batch([example])
        self._instances = _instances(session, self._batch)
        id_ = session.request.reference_instance
        named = "--reference_instance"
        self._chosen = None if id_ is None else self._instances.find(id_, named)

    @property
    def kinds(self) -> set[str]:
        """The classes of instances that can get a style of it; none, if all can."""
        return set() if self._chosen else {each.kind for each in self._instances.all}

    def like(self, instance: Instance) -> Instance:
        """Its instance whose style an instance gets."""
        return self._chosen or self._instances.like(instance, self._named)

    def of(self, instance: Instance) -> Reference:
        """One of its instances, to take the style of."""
        from fullglow_jax.sampling.restyling import Reference

        return Reference(self._batch, self._instances.ids, instance.id)

    def picture(self, instance: Instance) -> np.ndarray:
        """The photo, with an instance marked."""
        return marked(self._batch.target[0], self._instances.mask(instance))


def _instances(session: Session, batch: Batch) -> Instances:
    (ids,) = session.operations.instance_ids(batch)
    return Instances(ids, batch.condition[0], model_palette(session.config))


def _wanted(
    session: Session, name: str, there: Instances, kinds: Collection[str]
) -> Sequence[Instance]:
    """The instances of a condition that are asked for, or a handful, of these classes if it can."""
    if asked := session.request.instance:
        return [there.find(id_, f"{name}: --instance") for id_ in asked]
    return there.largest(HANDFUL, kinds)


def _how(by_encoder: bool) -> str:
    from fullglow_jax.sampling.restyling import CANDIDATES

    if by_encoder:
        return "the model's encoder has read the styles off the reference"
    return (
        f"the model has no encoder: of {CANDIDATES} random styles, these are the ones whose "
        "instance has a colour most like the reference's, in mean and deviation, the nearest first"
    )
