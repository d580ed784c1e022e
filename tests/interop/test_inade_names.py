"""Names of INADE's tensors, and recorded values of its encoder."""

import json
from pathlib import Path

import numpy as np

from fullglow_jax.interop.inade_names import D
from fullglow_jax.interop.recorded_inade import RecordedInade, inade
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


def test_the_encoder_sees_the_recorded_styles():
    kept = ("meta", "state::", "label", "instance", "edges", "real_image", "eval0_noise")
    with np.load(GOLDEN / "inade_encoder.npz") as file:
        arrays = {name: file[name] for name in file if name.startswith((*kept, "scale_", "bias_"))}
    # Its steps take minutes to compile; `tests/gans/test_inade_model.py` has one written out.
    meta = json.loads(arrays["meta"].tobytes()) | {"steps": 0}
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    rows = inade(RecordedArrays(arrays))
    assert [row for row in rows if not row.ok] == []
    assert len(rows) == 5
