"""The content of one image under the structure of another's condition, or under another class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fullglow_jax.errors import UserError
from fullglow_jax.pictures.gallery import Row
from fullglow_jax.sampling.capabilities import CONDITIONS_OR_CLASSES, LATENTS
from fullglow_jax.sampling.file_names import file_stem
from fullglow_jax.sampling.modes.mode import Session, mode

if TYPE_CHECKING:
    from fullglow_jax.sampling.examples import Example, Examples


@mode(
    "transfer",
    "one image's content under another's condition, --pair CONTENT:STRUCTURE, or class, --label",
    reads=("split", "count", "pair", "label"),
    needs=(CONDITIONS_OR_CLASSES, LATENTS),
)
def transfer(session: Session) -> None:
    """Transfers between a split's first pairs and their neighbours, or between named pairs.

    With --label, each pair's image is drawn again under its own condition and each of the classes.

    Raises:
        UserError: If a pair cannot be read, or the model reads no such class.
    """
    operations = session.operations
    examples = session.examples()
    couples = _under_classes(session, examples) if session.labels else _couples(session, examples)
    session.need_targets([content for content, _ in couples])
    has_truths = operations.reads_conditions and not session.labels
    rows = []
    with session.progress(len(couples), "transferring") as progress:
        album = session.album()
        for start in range(0, len(couples), operations.batch_size):
            contents, structures = zip(*couples[start : start + operations.batch_size], strict=True)
            content, structure = examples.batch(contents), examples.batch(structures)
            # What stands for the structure: a condition, or an image of the class.
            shown = structure.condition if operations.reads_conditions else structure.target
            for i, image in enumerate(operations.transfer(content, structure)):
                stem = file_stem(start + i, contents[i].name, "onto", structures[i].name)
                files = [album.save(f"content/{stem}.png", content.target[i])]
                if not session.labels:
                    files.append(album.save(f"structure/{stem}.png", shown[i]))
                files.append(album.save(f"{stem}.png", image))
                truth = None
                if has_truths and structures[i].has_target:
                    truth = album.save(f"ground_truth/{stem}.png", structure.target[i])
                rows.append(Row(stem, (*files, truth) if has_truths else files))
                progress.update(start + i + 1)
        columns = ["content"] + ["structure"] * (not session.labels) + ["result"]
        columns += ["ground truth"] * has_truths
        session.finish(album, progress, columns, rows, total=len(rows))


def _couples(session: Session, examples: Examples) -> list[tuple[Example, Example]]:
    request = session.request
    return list(map(examples.couple, request.pair)) or examples.neighbours(request.count)


def _under_classes(session: Session, examples: Examples) -> list[tuple[Example, Example]]:
    """Each pair, and the same pair as one of each class, named by it."""
    request = session.request
    for text in request.pair:
        if ":" in text and not examples.known(text):
            raise UserError(
                f"--pair {text}: with --label an image is drawn again as one of other classes. "
                "Name one pair, without a colon, or leave --label out."
            )
    contents = list(map(examples.find, request.pair)) or examples.first(request.count)
    return [
        (content, content.under(label, session.classes[label]))
        for content in contents
        for label in session.labels
    ]
