"""The content of one image under the structure of another's condition."""

from fullglow_jax.errors import UserError
from fullglow_jax.sampling.gallery import Row
from fullglow_jax.sampling.session import Session, file_stem, need_targets

COLUMNS = ("content", "structure", "result", "ground truth")


def transfer(session: Session) -> None:
    """Transfers between a split's first pairs and their neighbours, or between the pairs named.

    Raises:
        UserError: Where a pair cannot be read, or the model cannot encode or reads no conditions.
    """
    request, operations = session.request, session.operations
    if not operations.reads_conditions:
        raise UserError(
            f"--mode transfer: this model, a {session.config.model.name}, reads no conditions, so "
            "that there is no structure to transfer content to."
        )
    examples = session.examples()
    couples = list(map(examples.couple, request.pairs)) or examples.neighbours(request.count)
    need_targets([content for content, _ in couples], "transfer")
    rows = []
    with session.progress(len(couples), "transferring") as progress:
        album = session.album()
        for start in range(0, len(couples), operations.batch_size):
            contents, structures = zip(*couples[start : start + operations.batch_size], strict=True)
            content, structure = examples.batch(contents), examples.batch(structures)
            for i, image in enumerate(operations.transfer(content, structure)):
                place, name = start + i, f"{contents[i].name}__onto__{structures[i].name}"
                stem = file_stem(place, name)
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
