"""pix2pix on maps at 256×256, map → aerial photo."""

from ml_collections import ConfigDict

from fullglow_jax.config import default_config


def get_config() -> ConfigDict:
    """The numbers of pix2pix's authors; --config.data.direction=AtoB for aerial photo → map."""
    config = default_config("pix2pix")
    config.data.name = "aligned_pairs"
    config.data.root = "datasets/maps"
    config.data.direction = "BtoA"
    config.data.load_size = (286, 286)
    config.data.filter = "bicubic"
    config.data.flip = True

    config.optimizer.learning_rate = 2e-4
    config.optimizer.beta_1 = 0.5
    # As theirs, but for their last epoch, whose rate is 0: that is "linear_epoch_ends".
    config.optimizer.schedule = "linear_epoch_starts"
    return config
