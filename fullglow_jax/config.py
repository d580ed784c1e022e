"""What can be configured, with the paper's values, and how a config is stored and compared."""

import json
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict, config_dict

from fullglow_jax.errors import UserError


def default_config() -> ConfigDict:
    """Full-Glow on Cityscapes at 256×256, as in the paper. Every key there is stands here."""
    config = ConfigDict()
    config.seed = 0

    config.data = ConfigDict()
    # or "street_scenes", "aligned_pairs", "two_folders", "images", "mnist", "tfds"
    config.data.name = "cityscapes"
    config.data.root = "datasets/cityscapes"
    # "label2photo", "photo2label" or "boundary2label"; "class2digit" or "coarse2digit" for mnist;
    # "AtoB" or "BtoA" for the others. The first of them, if not given.
    config.data.direction = config_dict.placeholder(str)
    config.data.label_files = "color"  # or "labelIds": what Cityscapes' label maps are read from
    config.data.folders = ("A", "B")  # of two_folders: conditions and targets, below ROOT/SPLIT
    config.data.image_size = (256, 256)  # height, width
    config.data.fit = "stretch"  # to that size, as in the paper, or "crop" to its proportions
    config.data.flip = False  # mirror every second training pair, by chance
    config.data.on_bad_file = "error"  # before the first step, or "skip" them
    config.data.prepared = ""  # where fullglow_jax.data.prepare writes; ROOT/prepared, if not given
    config.data.bits = 8  # bits per channel of the pixels
    config.data.threads = 4  # that read and decode ahead
    config.data.workers = 0  # processes that do so for training, with so many threads each
    # What `street_scenes` generates where the root has nothing yet.
    config.data.street_scenes = ConfigDict()
    config.data.street_scenes.train = 1000
    config.data.street_scenes.val = 100
    config.data.street_scenes.height = 128
    config.data.street_scenes.width = 256
    config.data.street_scenes.seed = 0
    config.data.mnist = ConfigDict()
    config.data.mnist.files = "idx"  # MNIST's own four, or "tfds" for what TFDS has prepared
    # Which TFDS data set `tfds` reads, and what of it. Conditions are A, and targets B.
    config.data.tfds = ConfigDict()
    config.data.tfds.name = ""  # "cityscapes/semantic_segmentation", say
    config.data.tfds.condition = ""  # an image feature, or a class label
    config.data.tfds.target = ""
    config.data.tfds.train = "train"  # TFDS' splits, or slices of them such as "train[:90%]"
    config.data.tfds.val = "validation"
    # or "cityscapes": images of one channel are its label ids, to be painted in its colours.
    config.data.tfds.palette = "none"

    config.model = ConfigDict()
    config.model.name = "full_glow"  # or "glow", of the targets alone, or "pspnet"
    config.model.steps = (8, 8, 8, 8)  # flow steps of each level
    config.model.lu = True  # 1×1 convolutions by LU factors
    config.model.condition = "source"  # or "source+boundary", "source+boundary_ceil"
    config.model.coupling_width = 512
    config.model.spatial_width = 128
    # What the backward pass knows of the forward pass: "store" all, "remat" (each step's input), or
    # "invert" (nothing: steps are inverted, so that depth takes no memory).
    config.model.memory_mode = "remat"
    config.model.precision = "float32"  # or "bfloat16" inside the networks
    # Pixels whose wide hidden layers are alive at a time; 0 for all, for the device if not given.
    config.model.tile = config_dict.placeholder(int)
    # Against overflow: what scales of actnorms and couplings do not fall under. None in the paper.
    config.model.actnorm_floor = 0.0
    config.model.coupling_floor = 0.0

    # Of a "pspnet", which says what is in a photo; these are semseg's PSPNet-50.
    config.model.pspnet = ConfigDict()
    config.model.pspnet.blocks = (3, 4, 6, 3)  # of each of the backbone's layers
    config.model.pspnet.width = 64  # channels of its first convolution
    config.model.pspnet.bins = (1, 2, 3, 6)  # cells along the sides of the pyramid's grids
    config.model.pspnet.dropout = 0.1  # probability that a channel is dropped in training

    config.optimizer = ConfigDict()
    config.optimizer.learning_rate = 1e-4
    config.optimizer.constant_epochs = 100.0
    config.optimizer.decay_epochs = 100.0  # then linearly to 0
    config.optimizer.source_weight = 1e-4  # λ, of bits(source) in the objective
    config.optimizer.warmup_steps = (
        0  # over which the learning rate rises from 0; none in the paper
    )
    config.optimizer.clip_norm = config_dict.placeholder(
        float
    )  # of all gradients; none in the paper
    # Of each array's gradient, as a multiple of what it usually is; none in the paper.
    config.optimizer.clip_spikes = config_dict.placeholder(float)
    # Decay of a moving average of the parameters, which sampling and scoring then use; 0 for none.
    config.optimizer.average_decay = 0.0

    config.train = ConfigDict()
    config.train.batch_size = 1  # over all devices
    config.train.accumulate = 1  # parts that each device takes its share in, one after the other
    config.train.steps = config_dict.placeholder(int)  # until the learning rate is 0, if not given
    config.train.log_every = 50  # steps
    config.train.validate_at_start = False  # for a score of the untrained model
    config.train.validate_every = 3000
    config.train.validation_examples = config_dict.placeholder(int)  # all, if not given
    config.train.sample_every = 3000
    config.train.sample_conditions = 4
    config.train.samples_per_condition = 3
    config.train.temperature = 0.7
    config.train.checkpoint_every = 1000
    config.train.keep_last = 3  # checkpoints, beside the best by validation
    # Steps whose loss or gradient is not finite change nothing; after so many in a row, it ends.
    config.train.most_bad_steps = 10

    config.parallel = ConfigDict()
    config.parallel.devices = config_dict.placeholder(int)  # the first so many, or all there are
    config.parallel.fsdp = 1  # devices over which one copy of parameters and moments is split
    # Whether this is one process of several; found out from the launcher, if not given.
    config.parallel.distributed = config_dict.placeholder(bool)
    return config


_LEAST_ONE = (
    "log_every",
    "validate_every",
    "sample_every",
    "checkpoint_every",
    "steps",
    "validation_examples",
    "sample_conditions",
    "samples_per_condition",
    "keep_last",
    "accumulate",
    "most_bad_steps",
)
"""Of `config.train`."""


def check_numbers(config: ConfigDict) -> None:
    """Refuses numbers that mean nothing.

    Raises:
        UserError: Where there is one; names its key.
    """
    for key in _LEAST_ONE:
        value = config.train[key]
        if value is not None and value < 1:
            raise UserError(f"config.train.{key}={value} must be 1 or more.")
    if not 1 <= config.data.bits <= 8:
        raise UserError(f"config.data.bits={config.data.bits} must be one of 1 to 8.")
    optimizer = config.optimizer
    if optimizer.warmup_steps < 0:
        raise UserError(
            f"config.optimizer.warmup_steps={optimizer.warmup_steps} must be 0 or more."
        )
    if not 0 <= optimizer.average_decay < 1:
        raise UserError(
            f"config.optimizer.average_decay={optimizer.average_decay} must be in [0, 1), "
            "for example 0.999."
        )
    for key in ("clip_norm", "clip_spikes"):
        if optimizer[key] is not None and not optimizer[key] > 0:
            raise UserError(f"config.optimizer.{key}={optimizer[key]} must be above 0.")


def to_json(config: ConfigDict) -> dict[str, Any]:
    """A config as plain JSON values."""
    plain: dict[str, Any] = json.loads(config.to_json_best_effort())
    return plain


def from_json(stored: dict[str, Any]) -> ConfigDict:
    """The config that `to_json` stored; keys added since get their defaults.

    Raises:
        UserError: Where it has a key that this version does not know.
    """
    config = default_config()
    _update(config, stored, "config")
    return config


def _update(config: ConfigDict, stored: dict[str, Any], name: str) -> None:
    for key, value in stored.items():
        if key not in config:
            raise UserError(
                f"The checkpoint's {name}.{key} is not known to this version of fullglow_jax. "
                "Use the version that wrote the checkpoint, or a later one."
            )
        if isinstance(value, dict):
            _update(config[key], value, f"{name}.{key}")
        else:
            config[key] = tuple(value) if isinstance(value, list) else value


_MAY_CHANGE = ("memory_mode", "precision", "tile", "actnorm_floor", "coupling_floor")
"""Of `config.model`: what may change between two runs of one model."""


def check_same_model(config: ConfigDict, stored: ConfigDict, workdir: Path) -> None:
    """Refuses to go on with another model's checkpoint.

    Raises:
        UserError: Where the two configs describe models of other shapes; names each difference.
    """

    def shapes(c: ConfigDict) -> dict[str, Any]:
        of_model = {f"model.{k}": v for k, v in to_json(c.model).items() if k not in _MAY_CHANGE}
        of_data = {"data.image_size": list(c.data.image_size), "data.direction": c.data.direction}
        return {**of_model, **of_data}

    here, there = shapes(config), shapes(stored)
    different = [
        f"config.{k} is {there.get(k)} there and {v} here"
        for k, v in here.items()
        if there.get(k) != v
    ]
    if different:
        raise UserError(
            f"{workdir} holds the checkpoint of another model: {'; '.join(different)}. "
            "Choose another --workdir, or the config that this one was started with."
        )
