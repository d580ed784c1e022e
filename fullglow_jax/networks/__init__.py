"""What parameterises the bijections: the vector net, spatial net, coupling net and zero-conv."""

from fullglow_jax.networks.compute import Compute
from fullglow_jax.networks.coupling_net import CouplingNet
from fullglow_jax.networks.spatial_net import SpatialNet
from fullglow_jax.networks.vector_net import VectorNet
from fullglow_jax.networks.zero_conv import ZeroConv

__all__ = ["Compute", "CouplingNet", "SpatialNet", "VectorNet", "ZeroConv"]
