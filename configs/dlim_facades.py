"""DLIM's variants of pix2pix on facades at 256×256: `dlim_facades:hinge`, say, names one."""

from ml_collections import ConfigDict

from fullglow_jax.config import default_config
from fullglow_jax.errors import UserError

VARIANTS = {
    "original": {},
    # The file of VGG-19's weights is config.model.perceptual_file.
    "perceptual": {"pixel_weight": 0.0, "perceptual_weight": 10.0},
    "ls": {"adversarial": "lsgan"},
    "hinge": {"adversarial": "hinge"},
    "w": {"adversarial": "wgan"},
    "multiscale": {"scales": 2},
    "sesame": {"discriminator": "sesame", "discriminator_norm": "instance", "scales": 2},
    "no_discriminator": {"discriminator": "none"},
    "stochastic": {"dropout": 0.95},
}
"""What each changes of `config.model`; their batch sizes are --config.train.batch_size."""


def get_config(variant: str = "original") -> ConfigDict:
    """The numbers of DLIM, which are pix2pix's but for what the variant changes."""
    if variant not in VARIANTS:
        raise UserError(
            f"--config dlim_facades:{variant}: there is no such variant; there are: "
            f"{', '.join(VARIANTS)}."
        )
    config = default_config("pix2pix")
    config.data.name = "aligned_pairs"
    config.data.root = "datasets/facades"
    config.data.direction = "BtoA"
    config.data.load_size = (286, 286)
    config.data.filter = "bicubic"
    config.data.label_maps = ("B",)  # which theirs resizes as photos
    config.data.flip = True
    config.model.update(VARIANTS[variant])

    config.optimizer.learning_rate = 2e-4
    config.optimizer.beta_1 = 0.5
    # As theirs, but for their last epoch, whose rate is 0: that is "linear_epoch_ends".
    config.optimizer.schedule = "linear_epoch_starts"
    return config
