"""Samples of each condition, at one temperature or several."""

from fullglow_jax.data.source import build_source
from fullglow_jax.errors import UserError
from fullglow_jax.sampling.conditions import Conditions, from_files, from_source, without
from fullglow_jax.sampling.gallery import Row
from fullglow_jax.sampling.session import Session, file_stem


def random(session: Session) -> None:
    """Draws samples of a split's first conditions, or of image files.

    Raises:
        UserError: Where a condition cannot be read.
    """
    request = session.request
    conditions = _conditions(session)
    samples = request.samples or (4 if conditions.matter else 1)
    album = session.album()
    columns, rows = [], []
    if conditions.matter:
        columns += ["condition"]
    if conditions.have_targets:
        columns += ["ground truth"]
    stems = [file_stem(place, name) for place, name in enumerate(conditions.names)]
    for place, stem in enumerate(stems):
        files = []
        if conditions.matter:
            files += [album.save(f"condition/{stem}.png", conditions.batch.condition[place])]
        if conditions.have_targets:
            files += [album.save(f"ground_truth/{stem}.png", conditions.batch.target[place])]
        rows.append(files)
    total, done = len(rows) * len(request.temperatures) * samples, 0
    with session.progress(total) as progress:
        for temperature in request.temperatures:
            columns += [f"T = {temperature:g}"] * samples
            drawn = session.operations.draw(conditions.batch, samples, temperature, request.seed)
            for place, number, image in drawn:
                name = f"{stems[place]}__T{temperature:g}__{number:03d}.png"
                rows[place].append(album.save(name, image))
                done += 1
                progress.update(done)
        named = [Row(stem, files) for stem, files in zip(stems, rows, strict=True)]
        session.finish(album, progress, columns, named, total=total)


def _conditions(session: Session) -> Conditions:
    request, config, architecture = session.request, session.config, session.architecture
    if not session.operations.reads_conditions:
        if request.conditions or request.boundaries:
            raise UserError(
                f"--condition and --boundary mean nothing to this model, a {config.model.name}, "
                "which reads no conditions. Leave them out; --count says how many images to draw."
            )
        return without(request.count, architecture)
    if request.conditions:
        return from_files(request.conditions, request.boundaries, architecture, config)
    source = build_source(config.data, request.split, boundary=architecture.boundary)
    return from_source(source, request.count, architecture)
