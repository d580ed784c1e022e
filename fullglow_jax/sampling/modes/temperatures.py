"""One image's latents times several temperatures."""

from __future__ import annotations

import numpy as np

from fullglow_jax.pictures.gallery import Row
from fullglow_jax.sampling.capabilities import LATENTS
from fullglow_jax.sampling.file_names import file_stem
from fullglow_jax.sampling.modes.mode import Session, mode

USUAL = (0.0, 0.25, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@mode(
    "temperatures",
    "an image's latents times each of several temperatures, --pair PAIR",
    reads=("split", "count", "pair", "label", "temperature", "sweep"),
    needs=(LATENTS,),
)
def temperatures(session: Session) -> None:
    """Encodes a split's first images, or named pairs, and decodes their latents times T.

    T = 1 is the image again, and T = 0 the image whose latents are all zero.

    Raises:
        UserError: If a pair cannot be read.
    """
    import jax

    request, operations = session.request, session.operations
    examples = session.examples(session.one_label)
    chosen = list(map(examples.find, request.pair)) or examples.first(request.count)
    session.need_targets(chosen)
    factors = np.array(request.temperatures_or(*USUAL), np.float32)
    rows, total = [], len(chosen) * len(factors)
    with session.progress(total) as progress:
        album = session.album()
        for place, example in enumerate(chosen):
            stem, one = file_stem(place, example.name), examples.batch([example])
            batch, latents = jax.tree.map(
                lambda leaf: np.repeat(leaf, len(factors), axis=0),
                (one, operations.encode(one).latents),
            )
            scaled = tuple(factors[:, None, None, None] * latent for latent in latents)
            files = [album.save(f"ground_truth/{stem}.png", one.target[0])]
            if operations.reads_conditions:
                files.insert(0, album.save(f"condition/{stem}.png", one.condition[0]))
            files += [
                album.save(f"{stem}__T{factor:g}.png", image)
                for factor, image in zip(factors, operations.decode(batch, scaled), strict=True)
            ]
            rows.append(Row(stem, files))
            progress.update(len(rows) * len(factors))
        columns = ["condition"] * operations.reads_conditions + ["ground truth"]
        columns += [f"T = {factor:g}" for factor in factors]
        session.finish(album, progress, columns, rows, total=total)
