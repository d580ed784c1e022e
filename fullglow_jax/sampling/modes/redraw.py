"""Images of which only the coarsest latent is kept."""

from fullglow_jax.pictures.gallery import Row
from fullglow_jax.sampling.capabilities import LATENTS
from fullglow_jax.sampling.file_names import file_stem
from fullglow_jax.sampling.modes.mode import Session, mode

USUAL = (1.0, 0.7)


@mode(
    "redraw",
    "an image's coarsest latent under finer ones that are drawn anew, --pair PAIR",
    reads=("split", "count", "pair", "label", "temperature", "sweep"),
    needs=(LATENTS,),
)
def redraw(session: Session) -> None:
    """Draws a split's first images, or named pairs, again: all but their coarsest latents.

    Raises:
        UserError: If a pair cannot be read.
    """
    request, operations = session.request, session.operations
    examples = session.examples(session.one_label)
    chosen = list(map(examples.find, request.pair)) or examples.first(request.count)
    session.need_targets(chosen)
    batch, temperatures = examples.batch(chosen), request.temperatures_or(*USUAL)
    stems = [file_stem(place, example.name) for place, example in enumerate(chosen)]
    shown = {"condition": batch.condition} if operations.reads_conditions else {}
    shown |= {"ground truth": batch.target}
    total = len(chosen) * len(temperatures)
    with session.progress(total) as progress:
        album = session.album()
        rows = [
            [
                album.save(f"{title.replace(' ', '_')}/{stem}.png", images[place])
                for title, images in shown.items()
            ]
            for place, stem in enumerate(stems)
        ]
        for number, temperature in enumerate(temperatures, start=1):
            images = operations.redraw(batch, temperature, request.seed)
            for row, stem, image in zip(rows, stems, images, strict=True):
                row.append(album.save(f"{stem}__T{temperature:g}.png", image))
            progress.update(number * len(chosen))
        columns = [*shown, *(f"T = {temperature:g}" for temperature in temperatures)]
        named = [Row(stem, files) for stem, files in zip(stems, rows, strict=True)]
        session.finish(album, progress, columns, named, total=total)
