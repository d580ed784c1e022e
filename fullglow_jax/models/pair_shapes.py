"""What all models tell of the images that they take."""

from fullglow_jax.data.boundary import BoundarySpec


class PairShapes:
    """The shapes of a model's image pairs, and of what lies between them.

    Here for a model without levels that reads no boundary maps; flows override it.

    Attributes:
        image_size: (H, W) of both images.
        channels: Channels of both images.
    """

    image_size: tuple[int, int]
    channels: int

    @property
    def boundary(self) -> bool:
        """Whether boundary maps are read beside the conditions."""
        return False

    @property
    def boundary_spec(self) -> BoundarySpec | None:
        """What the model wants of boundary maps, if it reads them."""
        return None

    @property
    def dimensions(self) -> int:
        """What bits are counted by: D = H·W·C of one image."""
        return self.image_size[0] * self.image_size[1] * self.channels

    @property
    def level_sizes(self) -> tuple[tuple[int, int], ...]:
        """(H, W) of each level's images."""
        return ()

    @property
    def latent_shapes(self) -> tuple[tuple[int, int, int], ...]:
        """(h, w, c) of each level's latent."""
        return ()
