"""pix2pix on the demo's procedural street scenes, trained in about the demo's time."""

from ml_collections import ConfigDict

from fullglow_jax.config import default_config


def get_config() -> ConfigDict:
    """The demo's data; a U-Net for its size, with dropout from up 1 on, so that there is noise."""
    config = default_config("pix2pix")
    config.data.name = "street_scenes"
    config.data.root = "datasets/street_scenes"
    config.data.image_size = (40, 80)
    config.data.label_maps = ("label",)
    config.data.street_scenes.height = 64
    config.data.street_scenes.width = 128

    config.model.downs = 3
    config.model.width = 48
    config.model.dropout = 0.2  # of half the values, photos of few layers are blurred
    config.model.dropout_from = 1
    config.model.discriminator_width = 32
    config.model.discriminator_layers = 2

    config.optimizer.learning_rate = 5e-4
    config.optimizer.beta_1 = 0.5
    config.optimizer.constant_epochs = 3.5
    config.optimizer.decay_epochs = 3.5
    config.optimizer.average_decay = 0.99

    config.train.batch_size = 8
    config.train.log_every = 25
    config.train.sample_at_start = True
    config.train.validate_every = 250
    config.train.sample_every = 250
    config.train.checkpoint_every = 250
    return config
