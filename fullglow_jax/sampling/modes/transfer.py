"""The content of one image under the structure of another's condition."""

from fullglow_jax.pictures.gallery import Row
from fullglow_jax.sampling.capabilities import CONDITIONS, LATENTS
from fullglow_jax.sampling.file_names import file_stem
from fullglow_jax.sampling.modes.mode import Session, mode

COLUMNS = ("content", "structure", "result", "ground truth")


@mode(
    "transfer",
    "one image's content under another's condition, --pair CONTENT:STRUCTURE",
    reads=("split", "count", "pair"),
    needs=(CONDITIONS, LATENTS),
)
def transfer(session: Session) -> None:
    """Transfers between a split's first pairs and their neighbours, or between named pairs.

    Raises:
        UserError: If a pair cannot be read.
    """
    request, operations = session.request, session.operations
    examples = session.examples()
    couples = list(map(examples.couple, request.pair)) or examples.neighbours(request.count)
    session.need_targets([content for content, _ in couples])
    rows = []
    with session.progress(len(couples), "transferring") as progress:
        album = session.album()
        for start in range(0, len(couples), operations.batch_size):
            contents, structures = zip(*couples[start : start + operations.batch_size], strict=True)
            content, structure = examples.batch(contents), examples.batch(structures)
            for i, image in enumerate(operations.transfer(content, structure)):
                place = start + i
                stem = file_stem(place, contents[i].name, "onto", structures[i].name)
                truth = None
                if structures[i].has_target:
                    truth = album.save(f"ground_truth/{stem}.png", structure.target[i])
                files = (
                    album.save(f"content/{stem}.png", content.target[i]),
                    album.save(f"structure/{stem}.png", structure.condition[i]),
                    album.save(f"{stem}.png", image),
                    truth,
                )
                rows.append(Row(stem, files))
                progress.update(place + 1)
        session.finish(album, progress, COLUMNS, rows, total=len(rows))
