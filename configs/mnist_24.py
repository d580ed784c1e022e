"""Full-Glow on MNIST at 24×24, class → digit."""

from ml_collections import ConfigDict

from fullglow_jax.config import default_config


def get_config() -> ConfigDict:
    """The original's values for MNIST: 32 steps a level, batch 128, about 100,000 steps.

    Its third level would leave 3×3 pixels, where 5×5 are the least; so there are two.
    --config.data.direction=coarse2digit conditions on coarse digits.
    """
    config = default_config("full_glow")
    config.data.name = "mnist"
    config.data.root = "datasets/mnist"
    config.data.image_size = (24, 24)
    config.model.steps = (32, 32)
    config.train.batch_size = 128
    return config
