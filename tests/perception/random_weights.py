"""Random weights of the pretrained networks, and what PyTorch's own modules make of them."""

import numpy as np


def random_weights(shapes, seed=0):
    """By our names and shapes; variances are not negative, activations neither vanish nor grow."""
    rng = np.random.default_rng(seed)
    found = {}
    for name, shape in shapes.items():
        fan = max(1, int(np.prod(shape[:-1])))
        values = rng.standard_normal(shape) * (2 / fan) ** 0.5 if len(shape) > 1 else None
        if name.startswith("lin"):
            values = np.abs(values)
        elif name.endswith("running_var") or name.endswith("bn.weight"):
            values = rng.uniform(0.5, 1.5, shape)
        elif values is None:
            values = 0.1 * rng.standard_normal(shape)
        found[name] = values.astype(np.float32)
    return found


def as_torchs(array):
    """An array of ours in PyTorch's layout."""
    return array.transpose(3, 2, 0, 1) if array.ndim == 4 else array.T


def state_dict(weights):
    """Weights as PyTorch's tensors."""
    import torch

    return {name: torch.tensor(np.ascontiguousarray(as_torchs(w))) for name, w in weights.items()}
