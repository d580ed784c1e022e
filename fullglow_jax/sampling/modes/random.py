"""Samples of each condition, at one temperature or several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fullglow_jax.data.classes import listed
from fullglow_jax.errors import UserError, with_article
from fullglow_jax.pictures.gallery import Row
from fullglow_jax.sampling.file_names import file_stem
from fullglow_jax.sampling.modes.mode import Session, mode

if TYPE_CHECKING:
    from fullglow_jax.sampling.conditions import Conditions


@mode(
    "random",
    "samples of conditions, or of classes",
    reads=(
        "split",
        "count",
        "condition",
        "boundary",
        "instance_map",
        "label",
        "samples",
        "temperature",
        "sweep",
    ),
)
def random(session: Session) -> None:
    """Draws samples of a split's first conditions, or of image files, and of classes.

    Raises:
        UserError: If a condition cannot be read.
    """
    request = session.request
    conditions = _conditions(session)
    samples = request.samples or (4 if conditions.matter else 1)
    album = session.album(session.checkpoint_name)  # for old workdirs' sake, without the mode
    stems = [file_stem(place, name) for place, name in enumerate(conditions.names)]
    columns = [*conditions.shown]
    rows = [
        [
            album.save(f"{title.replace(' ', '_')}/{stem}.png", images[place])
            for title, images in conditions.shown.items()
        ]
        for place, stem in enumerate(stems)
    ]
    total, done = len(rows) * len(session.temperatures) * samples, 0
    with session.progress(total) as progress:
        for temperature in session.temperatures:
            columns += [f"T = {temperature:g}"] * samples
            drawn = session.operations.draw(conditions.batch, samples, temperature, request.seed)
            for place, number, image in drawn:
                name = f"{stems[place]}__T{temperature:g}__{number:03d}.png"
                rows[place].append(album.save(name, image))
                done += 1
                progress.update(done)
        named = [Row(stem, files) for stem, files in zip(stems, rows, strict=True)]
        session.say_if_alike(progress, samples)
        session.finish(album, progress, columns, named, total=total)


def _conditions(session: Session) -> Conditions:
    from fullglow_jax.sampling.conditions import under_classes

    labels = session.labels
    if session.request.condition and session.classes and not labels:
        raise UserError(
            "--condition: files have no class, and this model reads one. Name it with --label; "
            f"there are: {listed(session.classes)}."
        )
    return under_classes(_without_classes(session), labels, session.classes)


def _without_classes(session: Session) -> Conditions:
    from fullglow_jax.data.source import build_source
    from fullglow_jax.sampling.conditions import from_files, from_source, without

    request, config, shapes = session.request, session.config, session.shapes
    if not session.operations.reads_conditions:
        if request.condition or request.boundary:
            raise UserError(
                "--condition and --boundary mean nothing to this model, "
                f"{with_article(config.model.name)}, "
                "which reads no conditions. Leave them out; --count says how many images to draw."
            )
        return without(request.count, shapes)
    if request.condition:
        return from_files(request.condition, request.boundary, shapes, config, request.instance_map)
    source = build_source(config.data, request.split, shapes.annotations)
    return from_source(source, request.count, shapes)
