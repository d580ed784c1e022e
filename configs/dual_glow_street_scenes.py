"""DUAL-Glow on the demo's procedural street scenes, about as large as the demo's Full-Glow."""

from ml_collections import ConfigDict

from fullglow_jax.config import default_config


def get_config() -> ConfigDict:
    """The demo's data and optimiser."""
    config = default_config("dual_glow")
    config.data.name = "street_scenes"
    config.data.root = "datasets/street_scenes"
    config.data.image_size = (40, 80)
    config.data.street_scenes.height = 64
    config.data.street_scenes.width = 128

    config.model.steps = (4, 4, 4)
    config.model.coupling_width = 128
    config.model.memory_mode = "store"
    # The demo's rate and what keeps it stable (docs/scaling.md), so that models can be compared.
    config.model.actnorm_floor = 0.01
    config.model.coupling_floor = 0.01

    config.optimizer.learning_rate = 6e-3
    config.optimizer.constant_epochs = 3.5
    config.optimizer.decay_epochs = 3.5
    config.optimizer.warmup_steps = 100
    config.optimizer.clip_norm = 1.0
    config.optimizer.clip_spikes = 3.0
    config.optimizer.average_decay = 0.99

    config.train.batch_size = 8
    config.train.log_every = 25
    config.train.validate_at_start = True
    config.train.sample_at_start = True
    config.train.validate_every = 250
    config.train.sample_every = 250
    config.train.checkpoint_every = 250
    return config
