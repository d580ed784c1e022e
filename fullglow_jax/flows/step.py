"""One step of flow: a table of operations, to encode, condition and decode with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from fullglow_jax.bijections import Bijection
from fullglow_jax.bijections.base import Parameters

Maps = Mapping[str, Array]
"""Maps that conditioners may read beside the images, by name: (B, H, W, C) at a level's size."""

StepParameters = dict[str, Parameters]
"""The parameters of one image's operations under a condition, by the operation's name."""


@dataclass(frozen=True)
class Operation:
    """A bijection of one image, which may read others.

    Attributes:
        image: Name of the image that is mapped.
        name: Name of the operation and of its variables.
        bijection: The bijection as an unbound module.
        reads: Names of the images and maps whose channels are its condition, in this order.
            Images are read in their state after the operations before this one.
    """

    image: str
    name: str
    bijection: Bijection
    reads: tuple[str, ...] = ()

    def condition(self, images: Mapping[str, Array], maps: Maps) -> Array | None:
        """The operation's condition, (B, H, W, C), or None."""
        read = [images[name] if name in images else maps[name] for name in self.reads]
        return jnp.concatenate(read, axis=-1) if read else None


class State(NamedTuple):
    """Images on their way through the steps, (B, H, W, C), and their log_det so far, (B,)."""

    images: dict[str, Array]
    log_dets: dict[str, Array]


class Step(nn.Module):
    """The operations of a step, in order (Glow, figure 2a; Full-Glow, figure 2).

    Every method has the form of a scan's body.

    Attributes:
        operations: The table. If it maps several images, the variables of each are under the
            image's name.
    """

    operations: tuple[Operation, ...]

    def setup(self) -> None:
        """Builds the bijections."""
        for image in self._images:
            if self.path(image):
                setattr(self, image, _Bijections(self._operations_on(image)))
            else:
                _adopt(self, self.operations)

    def path(self, image: str) -> tuple[str, ...]:
        """The path to the variables of an image's bijections."""
        return (image,) if len(self._images) > 1 else ()

    def encode(self, state: State, maps: Maps) -> tuple[State, None]:
        """Moves all images one step towards their latents."""
        images = dict(state.images)
        log_dets: dict[str, Array] = {}
        for operation in self.operations:
            image, condition = operation.image, operation.condition(images, maps)
            images[image], log_det = self._bound(operation).forward(images[image], condition)
            log_dets[image] = log_dets[image] + log_det if image in log_dets else log_det
        sums = {image: state.log_dets[image] + log_det for image, log_det in log_dets.items()}
        return State(images, sums), None

    def read_conditions(
        self, state: dict[str, Array], maps: Maps, drawn: str
    ) -> tuple[dict[str, Array], StepParameters]:
        """Moves the other images one step on, and reads the parameters of `drawn`'s operations."""
        images = dict(state)
        parameters: StepParameters = {}
        for operation in self.operations:
            image, condition = operation.image, operation.condition(images, maps)
            bijection = self._bound(operation)
            if image == drawn:
                parameters[operation.name] = bijection.parameters(condition)
            else:
                images[image], _ = bijection.forward(images[image], condition)
        return images, parameters

    def decode(
        self, image: Array, parameters: StepParameters | None, name: str
    ) -> tuple[Array, None]:
        """Moves one image one step back; `parameters` are None if it reads no condition."""
        for operation in reversed(self._operations_on(name)):
            bijection = self._bound(operation)
            read = bijection.parameters() if parameters is None else parameters[operation.name]
            image = bijection.invert(image, read)
        return image, None

    @property
    def _images(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(operation.image for operation in self.operations))

    def _operations_on(self, image: str) -> tuple[Operation, ...]:
        return tuple(operation for operation in self.operations if operation.image == image)

    def _bound(self, operation: Operation) -> Bijection:
        home = self
        for name in self.path(operation.image):
            home = getattr(home, name)
        bijection: Bijection = getattr(home, operation.name)
        return bijection


class _Bijections(nn.Module):
    """The bijections of one image."""

    operations: tuple[Operation, ...]

    def setup(self) -> None:
        _adopt(self, self.operations)


def _adopt(module: nn.Module, operations: tuple[Operation, ...]) -> None:
    for operation in operations:
        # A new module for each binding: Flax shares a module that it has already seen.
        setattr(module, operation.name, operation.bijection.clone(parent=None))
