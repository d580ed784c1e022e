"""The command that makes pretrained networks readable without PyTorch."""

import numpy as np
import pytest

from fullglow_jax.errors import UserError
from fullglow_jax.interop.import_network import main
from fullglow_jax.perception.alexnet import PRETRAINED_ALEXNET
from fullglow_jax.perception.weights import read_weights
from tests import needs
from tests.perception.random_weights import random_weights, state_dict


def test_a_file_is_converted_once(tmp_path, capsys):
    torch = needs.package("torch")
    weights = random_weights(PRETRAINED_ALEXNET.shapes)
    path, out = tmp_path / "alexnet.pth", tmp_path / "alexnet.npz"
    torch.save(state_dict(weights), path)
    arguments = [str(path), "--network=alexnet", f"--out={out}"]
    main(arguments)
    assert capsys.readouterr().out == f"wrote {out}: AlexNet\n"
    found = read_weights(out, PRETRAINED_ALEXNET)
    assert found.keys() == weights.keys()
    for name, value in weights.items():
        np.testing.assert_array_equal(found[name], value)
    with pytest.raises(UserError, match="already exists"):
        main(arguments)
    with pytest.raises(UserError, match="is not FID's Inception"):
        main([str(path), "--network=inception", f"--out={tmp_path / 'b.npz'}"])
    with pytest.raises(UserError, match=r"ends in \.npz"):
        main([str(path), "--network=alexnet", f"--out={tmp_path / 'b.pth'}"])
