"""Conditions of a sampler, from a split or from image files."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict

from fullglow_jax.data.fitting import Fitting
from fullglow_jax.data.pair import Pair, PairSource
from fullglow_jax.data.pipeline import collate
from fullglow_jax.data.source import part_of, read_alone
from fullglow_jax.errors import UserError
from fullglow_jax.models.batch import Batch, blank_batch
from fullglow_jax.models.shapes import Shapes
from fullglow_jax.sampling.instance_maps import connected_instances, read_instances
from fullglow_jax.sampling.palettes import cityscapes_palette, model_palette


class Conditions(NamedTuple):
    """Conditions on the host, with names, and with their true images if these are known.

    Attributes:
        names: Names of the conditions.
        batch: The conditions as conditions, their true images as targets.
        have_targets: Whether the true images are known.
        matter: Whether the model reads conditions at all; if not, the batch is blank.
    """

    names: list[str]
    batch: Batch
    have_targets: bool
    matter: bool = True

    @property
    def shown(self) -> dict[str, np.ndarray]:
        """The images to show beside samples, by title."""
        shown = {"condition": self.batch.condition} if self.matter else {}
        return shown | ({"ground truth": self.batch.target} if self.have_targets else {})


def from_source(source: PairSource, count: int, shapes: Shapes) -> Conditions:
    """The first pairs of a source."""
    pairs = [source[i] for i in range(min(count, len(source)))]
    return _collate(pairs, shapes, have_targets=True)


def without(count: int, shapes: Shapes) -> Conditions:
    """`count` blank conditions, for models that read none."""
    blank = blank_batch(shapes, count)
    return Conditions(["image"] * count, blank, have_targets=False, matter=False)


def under_classes(
    conditions: Conditions, labels: Sequence[int], classes: Sequence[str]
) -> Conditions:
    """Each condition under each class of `labels`; their names get those of the classes.

    Without `labels`, pairs of a split have their own classes, and all others get one after the
    other in turn. Without `classes`, the conditions stay as they are.
    """
    if not classes or (conditions.have_targets and not labels):
        return conditions
    count, times = len(conditions.names), max(1, len(labels))
    places = np.repeat(np.arange(count), times)
    chosen = np.tile(labels, count) if labels else np.arange(count) % len(classes)
    batch = jax.tree.map(lambda leaf: leaf[places], conditions.batch)
    names = [
        f"{conditions.names[place]}__{classes[label]}"
        for place, label in zip(places, chosen, strict=True)
    ]
    return conditions._replace(names=names, batch=replace(batch, label=chosen.astype(np.int32)))


def from_files(
    conditions: Sequence[Path],
    boundaries: Sequence[Path],
    shapes: Shapes,
    config: ConfigDict,
    instance_maps: Sequence[Path] = (),
) -> Conditions:
    """Image files, resized like the training data. If the model reads classes, theirs is the first.

    Without instance maps, the model's instances are found in the conditions (`pair_of_files`).

    Raises:
        UserError: If a file cannot be read, or the boundary or instance maps do not match the
            conditions.
    """
    wanted = len(conditions) if shapes.boundary else 0
    if len(boundaries) != wanted:
        raise UserError(
            f"{len(boundaries)} --boundary files for {len(conditions)} --condition files: this "
            f"model (config.data.boundary={config.data.boundary!r}) needs {wanted}."
        )
    most = shapes.annotations.instances
    if instance_maps and (not most or len(instance_maps) != len(conditions)):
        raise UserError(
            f"{len(instance_maps)} --instance_map files for {len(conditions)} --condition files: "
            f"this model {'takes one for each, or none at all' if most else 'reads none'}."
        )
    none: Sequence[Path | None] = [None] * len(conditions)
    label = 0 if shapes.annotations.label else None
    pairs = [
        pair_of_files(
            config, condition, boundary=boundary, label=label, instances=ids, most_instances=most
        )
        for condition, boundary, ids in zip(
            conditions, boundaries or none, instance_maps or none, strict=True
        )
    ]
    return _collate(pairs, shapes, have_targets=False)


def fitted(path: Path, config: ConfigDict, role: str = "condition") -> np.ndarray:
    """An image file, uint8 (H, W, 3), resized like the data: as "condition", "target" or other.

    Raises:
        UserError: If it cannot be read, or is too small.
    """
    picture, fitting = read_alone(path, config.data, role), Fitting.of(config.data)
    if fault := fitting.fault(picture.pixels.shape[:2]):
        raise UserError(f"{path}: {fault}")
    return fitting(picture, part_of(config.data, role))


def pair_of_files(
    config: ConfigDict,
    condition: Path,
    target: Path | None = None,
    boundary: Path | None = None,
    label: int | None = None,
    *,
    instances: Path | None = None,
    most_instances: int = 0,
) -> Pair:
    """Image files as a pair, `fitted`, with the target's name; a missing target is black.

    Args:
        config: The config that names the data.
        condition: The condition's file.
        target: The target's file.
        boundary: The boundary map's file.
        label: The class.
        instances: The instance map's file. Without it, each connected region of a countable class
            is an instance, and every other class is one (`connected_instances`).
        most_instances: The most instances of an image that the model takes; 0 if it reads none.

    Raises:
        UserError: If a file cannot be read, or is too small.
    """
    image = fitted(condition, config)
    pair: Pair = {
        "condition": image,
        "target": fitted(target, config, "target") if target else np.zeros_like(image),
        "name": (target or condition).stem,
    }
    if boundary:
        pair["boundary"] = fitted(boundary, config, "boundary")
    if label is not None:
        pair["label"] = label
    if instances:
        pair["instances"] = read_instances(instances, condition, config, most_instances)
    elif most_instances:
        palette = model_palette(config) or cityscapes_palette()
        pair["instances"] = connected_instances(image, palette, most_instances)
    return pair


def _collate(pairs: list[Pair], shapes: Shapes, have_targets: bool) -> Conditions:
    host = collate(pairs, shapes.annotations)
    return Conditions(host.names, host.batch, have_targets)
