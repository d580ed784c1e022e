"""Conditions out of nothing, and images of them."""

from fullglow_jax.errors import UserError
from fullglow_jax.models.interface import Batch
from fullglow_jax.sampling.gallery import Row
from fullglow_jax.sampling.grid import as_uint8
from fullglow_jax.sampling.session import Session

SAMPLES = 4


def unconditional(session: Session) -> None:
    """Draws conditions from the model's own density of them, and images under each.

    Both are drawn at the same temperature. Conditions are rounded to 8 bits first, as they are
    saved, so that `--condition` with the files gives the same images under the same seed.

    Raises:
        UserError: The model draws no conditions, or reads boundary maps too.
    """
    request, operations = session.request, session.operations
    if session.architecture.boundary:
        raise UserError(
            "--mode unconditional: this model reads boundary maps beside its conditions "
            f"(config.model.condition={session.config.model.condition!r}), and draws none."
        )
    samples = request.samples or SAMPLES
    total = len(request.temperatures) * request.count * samples
    rows: list[Row] = []
    with session.progress(total) as progress:
        for temperature in request.temperatures:
            drawn = operations.draw_conditions(request.count, temperature, request.seed)
            album = session.album()
            conditions = as_uint8(drawn)
            stems = [f"{place:03d}__T{temperature:g}" for place in range(request.count)]
            files = [
                [album.save(f"condition/{stem}.png", condition)]
                for stem, condition in zip(stems, conditions, strict=True)
            ]
            batch = Batch(conditions, conditions)
            for place, number, image in operations.draw(batch, samples, temperature, request.seed):
                files[place].append(album.save(f"{stems[place]}__{number:03d}.png", image))
                progress.update(len(rows) * samples + sum(map(len, files)) - len(files))
            rows += list(map(Row, stems, files))
        columns = ["condition", *["sample"] * samples]
        session.finish(album, progress, columns, rows, total=total)
