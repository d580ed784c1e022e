"""INADE on the demo's procedural street scenes, trained in minutes on 2 cores."""

from ml_collections import ConfigDict

from fullglow_jax.config import default_config


def get_config() -> ConfigDict:
    """The demo's data; small networks, and pixels and all layers of the discriminator for a VGG."""
    config = default_config("inade")
    config.data.name = "street_scenes"
    config.data.root = "datasets/street_scenes"
    config.data.image_size = (32, 64)
    config.data.label_maps = ("label",)
    config.data.street_scenes.height = 64
    config.data.street_scenes.width = 128

    config.model.instances = 64
    config.model.width = 16
    config.model.image_noise = 64
    config.model.style = 16
    config.model.encoder_width = 16
    config.model.discriminator_width = 32
    config.model.discriminator_layers = 2
    config.model.pixel_weight = 10.0
    config.model.matching_layers = (1.0, 1.0, 1.0)
    config.model.perceptual_weight = 0.0
    config.model.kl_weight = 0.002  # of 0.05, the encoder says nothing of small objects' colours

    config.optimizer.learning_rate = 1e-3
    config.optimizer.beta_1 = 0.0
    config.optimizer.beta_2 = 0.9
    config.optimizer.constant_epochs = 4.0
    config.optimizer.decay_epochs = 4.0
    config.optimizer.average_decay = 0.99

    config.train.batch_size = 8
    config.train.temperature = 1.0
    config.train.log_every = 25
    config.train.sample_at_start = True
    config.train.validate_every = 250
    config.train.sample_every = 250
    config.train.checkpoint_every = 250
    return config
