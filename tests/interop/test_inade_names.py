"""Names of INADE's tensors, and its recorded values."""

from pathlib import Path

import numpy as np

from fullglow_jax.interop.inade_names import D
from fullglow_jax.interop.recorded_inade import RecordedInade
from fullglow_jax.interop.recording import RecordedArrays, load_recorded
from fullglow_jax.interop.tensors import misfit, tensors_of, variables_of

GOLDEN = Path(__file__).parents[1] / "golden" / "gan"


def test_all_tensors_have_names_in_both_directions():
    recording = load_recorded(GOLDEN / "inade_encoder.npz", RecordedArrays)
    theirs = {n: x for n, x in recording.state.items() if not n.startswith("vgg19.")}
    found = {}
    for entries in RecordedInade(recording).entries:
        found |= tensors_of(variables_of(theirs, entries), entries)
    assert misfit(theirs, found, "ours") == ""
    for tensor, array in found.items():
        np.testing.assert_array_equal(array.reshape(theirs[tensor].shape), theirs[tensor])
    (vector,) = (n for n in found if n.startswith(D) and n.endswith("0.model1.0.0.weight_v"))
    assert found[vector].size == 16 * len(theirs[f"{D}discriminator_0.model0.0.bias"])
