"""Full-Glow on Cityscapes at 256×256 as TFDS prepares it, label map → photo."""

from ml_collections import ConfigDict

from fullglow_jax.config import default_config


def get_config() -> ConfigDict:
    """The paper's values; --config.data.direction=BtoA for photo → label map."""
    config = default_config("full_glow")
    config.data.name = "tfds"
    config.data.root = "datasets/tfds"
    config.data.tfds.name = "cityscapes/semantic_segmentation"
    config.data.tfds.condition = "segmentation_label"
    config.data.tfds.target = "image_left"
    config.data.tfds.palette = "cityscapes"
    return config
