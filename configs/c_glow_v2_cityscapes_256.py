"""The paper's C-Glow v.2, glow2's `c_glow_v3`, on Cityscapes at 256×256, label map → photo."""

from ml_collections import ConfigDict

from fullglow_jax.config import default_config


def get_config() -> ConfigDict:
    """Its numbers: 4 levels, narrow condition networks and wide coupling nets."""
    config = default_config("c_glow")
    # As a script of August 2020 has it; whether the paper's table does is not told.
    config.model.steps = (16, 16, 16, 16)
    config.model.coupling_width = 512
    config.model.vector_channels = 20
    config.model.vector_width = 10

    config.optimizer.constant_epochs = 46.0
    config.optimizer.decay_epochs = 0.0
    config.train.steps = 136_000  # 45.7 epochs
    return config
