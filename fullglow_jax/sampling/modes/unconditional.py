"""Conditions drawn from noise, and images under them."""

from fullglow_jax.errors import UserError
from fullglow_jax.pictures.gallery import Row
from fullglow_jax.pictures.grid import as_uint8
from fullglow_jax.sampling.capabilities import OWN_CONDITIONS
from fullglow_jax.sampling.file_names import file_part
from fullglow_jax.sampling.modes.mode import Session, mode

SAMPLES = 4


@mode(
    "unconditional",
    "conditions from the source glow, and images of them",
    reads=("count", "label", "samples", "temperature", "sweep"),
    needs=(OWN_CONDITIONS,),
)
def unconditional(session: Session) -> None:
    """Draws conditions from the model's density of them, and images under each.

    Both are drawn at the same temperature, the images under the classes that --label names, or in
    turn, if the model reads classes. Conditions are rounded to 8 bits first, like the saved
    files, so that `--condition` with these files gives the same images under the same seed.

    Raises:
        UserError: If the model also reads boundary maps, or reads no such class.
    """
    from fullglow_jax.models.batch import Batch
    from fullglow_jax.sampling.conditions import Conditions, under_classes

    request, operations = session.request, session.operations
    if session.shapes.boundary:
        raise UserError(
            f"--mode {request.mode}: this model reads boundary maps beside its conditions "
            f"(config.data.boundary={session.config.data.boundary!r}), and draws none."
        )
    samples = request.samples or SAMPLES
    labels, numbers = session.labels, [f"{place:03d}" for place in range(request.count)]
    total = len(session.temperatures) * request.count * max(1, len(labels)) * samples
    rows: list[Row] = []
    with session.progress(total) as progress:
        for temperature in session.temperatures:
            drawn = operations.draw_conditions(request.count, temperature, request.seed)
            album = session.album()
            images = as_uint8(drawn, session.config.data.bits)
            plain = Conditions(numbers, Batch(images, images), have_targets=False)
            names, batch, *_ = under_classes(plain, labels, session.classes)
            stems = [f"{file_part(name)}__T{temperature:g}" for name in names]
            files = [
                [album.save(f"condition/{stem}.png", condition)]
                for stem, condition in zip(stems, batch.condition, strict=True)
            ]
            for place, number, image in operations.draw(batch, samples, temperature, request.seed):
                files[place].append(album.save(f"{stems[place]}__{number:03d}.png", image))
                progress.update(len(rows) * samples + sum(map(len, files)) - len(files))
            rows += list(map(Row, stems, files))
        columns = ["condition", *["sample"] * samples]
        session.finish(album, progress, columns, rows, total=total)
