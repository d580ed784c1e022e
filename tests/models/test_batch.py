import pickle
from dataclasses import dataclass

import jax
import numpy as np

from fullglow_jax.data.pipeline import collate
from fullglow_jax.models.annotations import Annotations
from fullglow_jax.models.batch import Batch, blank_batch, named_arrays
from fullglow_jax.models.shapes import Shapes
from fullglow_jax.runs.trained import abstract_batch

IMAGE = np.zeros((4, 8, 3), np.uint8)
ALL = Annotations("smooth", ((2, 4), (1, 2)), instances=3, label=True)


@dataclass(frozen=True)
class Asking(Shapes):
    annotations: Annotations = ALL


def test_absent_fields_have_no_arrays():
    assert len(jax.tree.leaves(Batch(IMAGE, IMAGE))) == 2
    assert named_arrays(Batch(IMAGE, IMAGE)).keys() == {"condition", "target"}


def test_arrays_have_the_names_of_their_fields():
    names = ("condition", "target", "boundary_0", "boundary_1", "instances", "label")
    batch = Batch(*"ct", ("b0", "b1"), "i", "l")
    assert named_arrays(batch) == dict(zip(names, ("c", "t", "b0", "b1", "i", "l"), strict=True))


def test_blank_and_abstract_batches_are_as_the_pipelines():
    """A step that was compiled for one takes the others."""
    pair = {"condition": IMAGE, "target": IMAGE, "name": "", "boundary": IMAGE}
    pair |= {"instances": np.zeros((4, 8), np.uint16), "label": 3}

    def described(batch):
        return jax.tree.map(lambda array: (array.shape, array.dtype), batch)

    for asked in (Annotations(), ALL):
        batch = collate([pair] * 5, asked).batch
        assert described(blank_batch(Asking((4, 8), annotations=asked), 5)) == described(batch)
        assert described(abstract_batch(Asking((4, 8), annotations=asked), 5)) == described(batch)


def test_batches_go_to_other_processes():
    batch = collate([{"condition": IMAGE, "target": IMAGE, "name": "a"}]).batch
    again = pickle.loads(pickle.dumps(batch))
    assert jax.tree.structure(again) == jax.tree.structure(batch)
