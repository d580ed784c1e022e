"""Glow on CelebA at 256×256, as `dajinstory/glow-pytorch` codes it: additive."""

from ml_collections import ConfigDict

from fullglow_jax.config import default_config


def get_config() -> ConfigDict:
    """Its constants; --config.model.start=published starts the weights as its code does, too."""
    config = default_config("glow")
    config.seed = 310
    config.data.name = "images"
    config.data.root = "datasets/celeba"
    config.data.image_size = (256, 256)
    config.data.bits = 5

    config.model.steps = (32, 32, 32, 32, 32, 32)
    config.model.actnorm = "log_scale"
    config.model.coupled_half = "first"
    config.model.coupling = "additive"
    config.model.prior = "standard"
    config.model.centred = True

    # The original goes on, and its rate up again: with --config.optimizer.schedule=cosine_waves and
    # config.train.steps.
    config.optimizer.schedule = "cosine"
    config.optimizer.constant_epochs = 0.0
    config.optimizer.decay_epochs = 30.0
    config.optimizer.end_learning_rate = 1e-7
    config.optimizer.beta_2 = 0.99

    config.train.batch_size = 32  # 8 on each of 4 devices
    config.train.metrics = ("bpd", "redraw")
    config.train.validation_examples = 1000  # ours; it takes one of each batch for its re-draws
    config.train.sample_redraws = True
    config.train.sample_conditions = 10
    config.train.samples_per_condition = 1
    config.train.keep_best = 3
    return config
