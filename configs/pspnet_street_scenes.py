"""The judge of the demo: a small PSPNet that learns what is in the procedural street scenes."""

from ml_collections import ConfigDict

from fullglow_jax.config import default_config


def get_config() -> ConfigDict:
    """The judge's config."""
    config = default_config("pspnet")
    config.data.name = "street_scenes"
    config.data.root = "datasets/street_scenes"
    config.data.direction = "photo2label"
    config.data.label_files = "labelIds"
    config.data.image_size = (64, 128)
    config.data.flip = True
    config.data.street_scenes.height = 64
    config.data.street_scenes.width = 128

    config.model.blocks = (1, 1, 1, 1)
    config.model.width = 16

    config.optimizer.learning_rate = 1e-3
    config.optimizer.constant_epochs = 2.0
    config.optimizer.decay_epochs = 2.0

    config.train.batch_size = 8
    config.train.log_every = 25
    config.train.validate_every = 250
    config.train.sample_every = 250
    config.train.temperature = 0.0
    config.train.samples_per_condition = 1
    config.train.checkpoint_every = 250
    return config
