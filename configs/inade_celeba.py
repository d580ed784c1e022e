"""INADE on CelebAMask-HQ at 256×256, label map → photo."""

from ml_collections import ConfigDict

from fullglow_jax.config import default_config


def get_config() -> ConfigDict:
    """The numbers of INADE's authors, but for batch and epochs, which their code leaves open.

    Each class is one instance.
    """
    config = default_config("inade")
    config.data.name = "celeba_mask"
    config.data.root = "datasets/celeba_mask"
    config.data.load_size = (286, 286)
    config.data.filter = "bicubic"
    config.data.flip = True

    config.model.palette = "numbers"
    config.model.classes = 19
    config.model.instances = 0
    config.model.perceptual_file = "vgg19-dcbb9e9d.pth"

    config.optimizer.learning_rate = 2e-4
    config.optimizer.beta_1 = 0.0
    config.optimizer.beta_2 = 0.9
    config.optimizer.schedule = "linear_epoch_starts"

    config.train.batch_size = 16
    config.train.temperature = 1.0
    return config
