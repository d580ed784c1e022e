"""Annotations: arrays that an example may have beside its two images."""

from dataclasses import dataclass

BOUNDARIES = ("", "smooth", "ceil")
"""Boundary maps: none, resized, or resized and then rounded up to 1 where they are not 0."""


@dataclass(frozen=True)
class Annotations:
    """The annotations that a model reads of each example.

    Attributes:
        boundary: One of `BOUNDARIES`.
        boundary_sizes: (h, w) of each level's boundary map, first level first.
        instances: The most instances of one image that it takes; 0 if it reads no instance ids.
        label: Whether it reads the example's class.
    """

    boundary: str = ""
    boundary_sizes: tuple[tuple[int, int], ...] = ()
    instances: int = 0
    label: bool = False

    @property
    def maps(self) -> tuple[str, ...]:
        """Those of their names that are of images."""
        return tuple(name for name in self.names if name != "label")

    @property
    def names(self) -> tuple[str, ...]:
        """Their names as fields of `Batch`."""
        there = {"boundary": self.boundary, "instances": self.instances, "label": self.label}
        return tuple(name for name, asked in there.items() if asked)


NO_ANNOTATIONS = Annotations()
