"""The demo: a small Full-Glow on procedural street scenes, trained in minutes on a laptop."""

from ml_collections import ConfigDict

from fullglow_jax.config import default_config


def get_config() -> ConfigDict:
    """The demo's config."""
    config = default_config("full_glow")
    config.data.name = "street_scenes"
    config.data.root = "datasets/street_scenes"
    config.data.image_size = (40, 80)
    config.data.street_scenes.height = 64
    config.data.street_scenes.width = 128

    config.model.steps = (4, 4, 4)
    config.model.coupling_width = 64
    config.model.spatial_width = 32
    config.model.memory_mode = "store"
    # A rate that is sixty times the paper's, and what keeps it stable (docs/scaling.md).
    config.model.actnorm_floor = 0.01
    config.model.coupling_floor = 0.01

    config.optimizer.learning_rate = 6e-3
    config.optimizer.constant_epochs = 3.5
    config.optimizer.decay_epochs = 3.5
    config.optimizer.warmup_steps = 100
    config.optimizer.clip_norm = 1.0
    config.optimizer.clip_spikes = 3.0
    config.optimizer.average_decay = 0.99

    # Of as many images, twice as many steps of half as many learn more.
    config.train.batch_size = 4
    config.train.log_every = 50
    config.train.validate_at_start = True
    config.train.sample_at_start = True
    config.train.validate_every = 500
    config.train.sample_every = 500
    config.train.checkpoint_every = 500
    return config
