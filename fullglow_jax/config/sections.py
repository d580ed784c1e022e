"""The sections of a config that every family of models has, with the paper's values."""

from collections.abc import Callable
from dataclasses import dataclass

from ml_collections import ConfigDict

from fullglow_jax.data.fitting import FILTERS, FITS
from fullglow_jax.data.layouts.cityscapes import LABEL_FILES
from fullglow_jax.data.mnist import DIGITS
from fullglow_jax.data.numbering import LABEL_COLOURS, PALETTES
from fullglow_jax.data.source import ON_BAD_FILE, SOURCES
from fullglow_jax.models.annotations import BOUNDARIES
from fullglow_jax.optimization.schedule import DECAYS
from fullglow_jax.perception.inception import FEATURES
from fullglow_jax.perception.inception_photos import PREPROCESSINGS
from fullglow_jax.settings.rules import (
    choice,
    different_folders,
    integer,
    integers,
    number,
    optional,
    text,
    texts,
    truth,
)
from fullglow_jax.settings.rules import seed as any_seed
from fullglow_jax.settings.section import Change, key


def _data(*names: str) -> Callable[[ConfigDict], bool]:
    return lambda config: config.data.name in names


def _images(config: ConfigDict) -> bool:
    """Whether images of any size are read."""
    return config.data.name != "mnist"  # whose digits have one


def _stairs(config: ConfigDict) -> bool:
    """Whether the learning rate goes down in stairs."""
    return config.optimizer.schedule == "step"


_DATA, _REFUSED, _TFDS = Change.DATA, Change.REFUSED, _data("tfds")


@dataclass(frozen=True)
class StreetScenes:
    """The set that `street_scenes` generates if the root is empty."""

    train: int = key(1000, integer())
    val: int = key(100, integer())
    height: int = key(128, integer(16))
    width: int = key(256, integer(16))
    seed: int = key(0, any_seed())


@dataclass(frozen=True)
class Mnist:
    """The files of `mnist`."""

    files: str = key("idx", choice(DIGITS))  # MNIST's own four, or "tfds" for TFDS' data set


@dataclass(frozen=True)
class Tfds:
    """The data set that `tfds` reads. Conditions are A, targets are B."""

    name: str = key("", text(may_be_empty=True), _DATA, _TFDS)  # "cityscapes/semantic_segmentation"
    condition: str = key("", text(may_be_empty=True), _DATA, _TFDS)  # an image, or a class label
    target: str = key("", text(may_be_empty=True), _DATA, _TFDS)
    train: str = key("train", text())  # TFDS' splits, or slices of them such as "train[:90%]"
    val: str = key("validation", text(), _DATA, _TFDS)
    # "cityscapes" or "cityscapes_trainIds" paint images of one channel, which hold these ids.
    palette: str = key("none", choice(PALETTES), _REFUSED, _TFDS)


@dataclass(frozen=True)
class Data:
    """The examples, and their source."""

    # or "street_scenes", "aligned_pairs", "two_folders", "images", "mnist", "tfds", "ade20k",
    # "celeba_mask", "deepfashion"
    name: str = key("cityscapes", choice(sorted(SOURCES)), _DATA)
    root: str = key("datasets/cityscapes", text())
    # "label2photo", "photo2label" or "boundary2label"; "class2digit" or "coarse2digit" for mnist;
    # "AtoB" or "BtoA" for pairs of any images. If not given, the first that there is.
    direction: str | None = key(None, optional(text()), _REFUSED)
    # Boundary maps beside the condition, at the size of each of the model's levels: "smooth";
    # "ceil", where every value above 0 becomes 255; or "" for none.
    boundary: str = key("", choice(BOUNDARIES), _REFUSED)
    # Files of Cityscapes' label maps: "color", "labelIds" or "labelTrainIds".
    label_files: str = key(
        "color", choice(LABEL_FILES), _DATA, _data("cityscapes", "street_scenes")
    )
    # Colours of label maps that are ids: "own", the data set's, or "numbers", one for each of the
    # ids 0 to 255, as in PASCAL VOC. In two_folders, "numbers" says that label maps are ids: those
    # of label_maps, or else the conditions.
    label_colours: str = key(
        "own", choice(LABEL_COLOURS), _REFUSED, _data("cityscapes", "street_scenes", "two_folders")
    )
    # Folders A and B of two_folders, below ROOT/SPLIT.
    folders: tuple[str, str] = key(
        ("A", "B"), different_folders(("A", "B")), _DATA, _data("two_folders")
    )
    # A third folder, with instance ids in files of the same names, for models that read them.
    instances: str = key("", text(may_be_empty=True), _DATA, _data("two_folders"))
    # CSV files, below the root, that name the examples of images, SPLIT.csv say, in a column `name`
    # of paths below ROOT/SPLIT or ROOT. All images below ROOT/SPLIT, if not given.
    csv: str = key("", text(may_be_empty=True), _DATA, _data("images"))
    # The origin of each example's class, for models that read one: "folders" of images or
    # two_folders, a column of the CSV, "digit" for mnist, or a class feature of TFDS; "" for none.
    labels: str = key("", text(may_be_empty=True), _DATA)
    # Names of the classes in their order. If not given, those of the training split.
    classes: tuple[str, ...] | None = key(None, optional(texts()), _REFUSED)
    image_size: tuple[int, int] = key((256, 256), integers((256, 256), count=2), _REFUSED)  # (H, W)
    # Resizing to that size: "stretch", as in the paper; "crop" to its proportions first; "width" to
    # its width in proportion and at least its height; "rounded", each side to a multiple of 4; or
    # "none". Of what is larger then, training cuts the size out at random, all else in the middle.
    fit: str = key("stretch", choice(FITS), _REFUSED, _images)
    # (H, W) to which training resizes instead, if given, to cut the image size out at random.
    load_size: tuple[int, int] | None = key(
        None,
        optional(integers((286, 286), count=2)),
        read=lambda config: config.data.fit in ("stretch", "crop", "width"),
    )
    filter: str = key("bilinear", choice(FILTERS), _REFUSED, _images)  # of resizing, or "bicubic"
    # Parts of pairs that are label maps, for example "B" or "label": they are resized by nearest
    # neighbour, as label ids always are, so that no colours are mixed.
    label_maps: tuple[str, ...] | None = key(None, optional(texts()), _REFUSED, _images)
    flip: bool = key(False, truth())  # mirror training pairs at a chance of one half
    on_bad_file: str = key("error", choice(ON_BAD_FILE))  # before the first step, or "skip" them
    # Folder for the pairs of fullglow_jax.data.prepare; ROOT/prepared, if not given.
    prepared: str = key("", text(may_be_empty=True))
    # n bits per channel; pixels are ⌊p / 2^(8−n)⌋ / 2^n if n < 8
    bits: int = key(8, integer(1, 8), _REFUSED)
    threads: int = key(4, integer(0, 1024))  # that read and decode ahead
    workers: int = key(0, integer(0, 1024))  # processes with these threads each, in training
    street_scenes: StreetScenes = StreetScenes()
    mnist: Mnist = Mnist()
    tfds: Tfds = Tfds()


@dataclass(frozen=True)
class Optimizer:
    """The optimiser."""

    learning_rate: float = key(1e-4, number(above=True))
    constant_epochs: float = key(100.0, number(below=1e9))
    decay_epochs: float = key(100.0, number(below=1e9))  # then down to end_learning_rate
    # The form of the decay, of an epoch that has as many steps as there are batches of training
    # pairs, rounded. "linear" goes down in each step; "linear_epoch_starts" and
    # "linear_epoch_ends" once an epoch, the latter from an epoch earlier on; "step" by
    # step_factor at once and every step_epochs; "cosine" once an epoch, half a period;
    # "cosine_waves" as that, and up again, and so on for train.steps.
    schedule: str = key("linear", choice(DECAYS))
    step_epochs: float = key(50.0, number(above=True, below=1e9), read=_stairs)
    step_factor: float = key(0.1, number(above=True, below=1.0), read=_stairs)
    end_learning_rate: float = key(0.0, number())
    # Steps over which the learning rate rises from 0; none in the paper.
    warmup_steps: int = key(0, integer(0))
    # Adam's decays of the running means of gradients and of their squares.
    beta_1: float = key(0.9, number(below=1.0))
    beta_2: float = key(0.999, number(below=1.0))
    # Limit of the norm of all gradients together; none in the paper.
    clip_norm: float | None = key(None, optional(number(above=True)))
    # Limit of the norm of each array's gradient, as a multiple of the usual; none in the paper.
    clip_spikes: float | None = key(None, optional(number(above=True)))
    # Decay of a moving average of the parameters, for sampling and scoring; 0 for none.
    average_decay: float = key(0.0, number(below=1.0))


@dataclass(frozen=True)
class Train:
    """The length of training, and the work at intervals."""

    batch_size: int = key(1, integer())  # over all devices
    accumulate: int = key(1, integer())  # parts of a device's share, computed one by one
    steps: int | None = key(None, optional(integer()))  # until the schedule ends, if not given
    log_every: int = key(50, integer())  # steps
    validate_at_start: bool = key(False, truth())  # for a score of the untrained model
    validate_every: int = key(3000, integer())
    validation_examples: int | None = key(None, optional(integer()))  # all, if not given
    # The metrics of validation: "bpd", "scores" (a model's own), "redraw", or eval.py's metrics of
    # drawn images, for example "ssim". If not given, the first of "bpd", "scores" and "ssim" that
    # the model has.
    metrics: tuple[str, ...] | None = key(None, optional(texts()))
    # The figure of validation for the best checkpoint and the curve, for example
    # "bits_per_dim/source" or "ssim". If not given, the main figure of the first metric.
    best_by: str | None = key(None, optional(text()))
    # The judge that metrics of drawn images ask, as eval.py's --judge: a workdir or a file.
    judge: str | None = key(None, optional(text()))
    # The file of the Inception network that they ask, as eval.py's --inception.
    inception: str | None = key(None, optional(text()))
    # Which of Inception's features, and how its photos are resized, as eval.py's flags of these
    # names: FID is of 2048.
    inception_features: str = key("2048", choice(tuple(map(str, FEATURES))))
    preprocessing: str = key("torch_fidelity", choice(PREPROCESSINGS))  # or "pytorch_fid"
    # The file of LPIPS's weights, and the network that it is taken in, as eval.py's flags.
    lpips_weights: str | None = key(None, optional(text()))
    lpips_network: str = key("alex", choice(("alex", "vgg")))  # or "vgg"
    # A folder of images, or stored statistics, that drawn images are compared with as a set, as
    # eval.py's --against; the split's true images, if not given.
    against: str | None = key(None, optional(text()))
    sample_at_start: bool = key(False, truth())  # for a picture of the untrained model
    sample_every: int = key(3000, integer())
    sample_conditions: int = key(4, integer())
    samples_per_condition: int = key(3, integer())
    # Of drawn images, here and wherever none is asked for. 1 for a GAN, if not given.
    temperature: float = key(0.7, number())
    # Whether pictures also show true images beside their reconstructions and their re-draws, of
    # which only the coarsest latent is kept; and samples at temperature 1 as well.
    sample_redraws: bool = key(False, truth())
    checkpoint_every: int = key(1000, integer())
    keep_last: int = key(3, integer())  # checkpoints, beside the best by validation
    keep_best: int = key(1, integer())  # so many of the best
    # Steps whose loss or gradient is not finite change nothing; so many in a row end training.
    most_bad_steps: int = key(10, integer())


@dataclass(frozen=True)
class Parallel:
    """The devices, and the arrays on each."""

    devices: int | None = key(None, optional(integer()))  # the first so many; all, if not given
    fsdp: int = key(1, integer())  # devices that share one copy of parameters and moments
    # Whether this is one process of several; detected from the launcher, if not given.
    distributed: bool | None = key(None, optional(truth()))


@dataclass(frozen=True)
class Common:
    """All of a config but `config.model`."""

    seed: int = key(0, any_seed())
    data: Data = Data()
    optimizer: Optimizer = Optimizer()
    train: Train = Train()
    parallel: Parallel = Parallel()
