"""pix2pix on Cityscapes at 256×256, label map → photo."""

from ml_collections import ConfigDict

from fullglow_jax.config import default_config


def get_config() -> ConfigDict:
    """The numbers of pix2pix's authors; --config.data.direction=photo2label for the reverse."""
    config = default_config("pix2pix")
    config.data.load_size = (286, 286)
    config.data.filter = "bicubic"
    config.data.label_maps = ("label",)  # which theirs resizes as photos
    config.data.flip = True

    config.optimizer.learning_rate = 2e-4
    config.optimizer.beta_1 = 0.5
    # As theirs, but for their last epoch, whose rate is 0: that is "linear_epoch_ends".
    config.optimizer.schedule = "linear_epoch_starts"
    return config
