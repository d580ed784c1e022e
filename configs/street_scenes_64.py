"""Full-Glow on 4,000 procedural street scenes of 64×128: the model `street_scenes` in the box."""

from ml_collections import ConfigDict

from fullglow_jax.config import default_config

EXAMPLES, BATCH = 4_000, 8
CONSTANT, DECAY = 1_200, 900
"""Steps at the highest rate, and then on the way to 0."""


def get_config() -> ConfigDict:
    """The config of the trained model in the package, with the switches for a high rate."""
    config = default_config("full_glow")
    config.data.name = "street_scenes"
    config.data.root = "datasets/street_scenes_64"
    config.data.image_size = (64, 128)
    config.data.street_scenes.train = EXAMPLES
    config.data.street_scenes.height = 64
    config.data.street_scenes.width = 128

    config.model.steps = (4, 4, 4)
    config.model.coupling_width = 64
    config.model.spatial_width = 32
    config.model.memory_mode = "store"
    config.model.actnorm_floor = 0.01
    config.model.coupling_floor = 0.01

    epochs_of_a_step = BATCH / EXAMPLES
    config.optimizer.learning_rate = 6e-3
    config.optimizer.warmup_steps = 100
    config.optimizer.constant_epochs = CONSTANT * epochs_of_a_step
    config.optimizer.decay_epochs = DECAY * epochs_of_a_step
    config.optimizer.clip_norm = 1.0
    config.optimizer.clip_spikes = 3.0
    config.optimizer.average_decay = 0.99

    config.train.batch_size = BATCH
    config.train.log_every = 25
    config.train.validate_every = 300
    config.train.sample_every = 300
    config.train.checkpoint_every = 300
    return config
