"""Tables of the operations of a step, for each family."""

from fullglow_jax.bijections import ActNorm, AffineCoupling, InvertibleConvolution
from fullglow_jax.flows.architecture import Architecture
from fullglow_jax.flows.conditioners.coupling_net import Coupling
from fullglow_jax.flows.conditioners.spatial_net import Spatial
from fullglow_jax.flows.conditioners.vector_net import Vector
from fullglow_jax.flows.flow import Flow, LevelMaps
from fullglow_jax.flows.step import Operation
from fullglow_jax.models.encoding import Images

IMAGE, SOURCE, TARGET, BOUNDARY = "image", "source", "target", "boundary"
"""Names of images, and of a map."""


def glow(architecture: Architecture) -> Flow:
    """p(image) (Kingma, Dhariwal 2018)."""
    return Flow(architecture, glow_step, (IMAGE,))


def full_glow(architecture: Architecture) -> Flow:
    """p(source) and p(target | source) (Sorkhei, Henter, Kjellström 2021)."""
    return Flow(architecture, full_glow_step, (SOURCE, TARGET))


def glow_step(
    architecture: Architecture, channels: int, image: str = IMAGE, reads: tuple[str, ...] = ()
) -> tuple[Operation, ...]:
    """Actnorm, invertible 1×1 convolution and affine coupling of one image.

    Args:
        architecture: The model's numbers.
        channels: Channels of the image.
        image: Name of the image.
        reads: Names of the images and maps that all three read; none for own parameters.
    """
    a = architecture
    vector = Vector(a.compute) if reads else None
    spatial = Spatial(a.spatial_width, a.compute) if reads else None
    coupling = Coupling(a.coupling_width, a.compute)
    bijections = {
        "actnorm": ActNorm(channels, vector, a.actnorm_floor),
        "convolution": InvertibleConvolution(channels, a.lu, vector),
        "coupling": AffineCoupling(channels, coupling, spatial, a.coupling_floor),
    }
    return tuple(Operation(image, name, b, reads) for name, b in bijections.items())


def full_glow_step(architecture: Architecture, channels: int) -> tuple[Operation, ...]:
    """Every operation of the target reads the output of the source's operation before it."""
    reads = (SOURCE, BOUNDARY) if architecture.boundary else (SOURCE,)
    source = glow_step(architecture, channels, SOURCE)
    target = glow_step(architecture, channels, TARGET, reads)
    return tuple(operation for both in zip(source, target, strict=True) for operation in both)


def boundary_maps(boundary: Images) -> LevelMaps:
    """Boundary maps, (B, h, w, 3) per level, under the name that operations read, if any."""
    return {BOUNDARY: boundary} if boundary else {}
