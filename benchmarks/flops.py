"""Floating-point operations of a Full-Glow, counted from its shapes."""

import math

import jax

from fullglow_jax.flows.architecture import FullGlowArchitecture
from fullglow_jax.flows.step_tables import boundary_maps, full_glow


def forward_flops(architecture: FullGlowArchitecture) -> float:
    """Of encoding one pair: multiplications and additions of all networks and 1×1 convolutions.

    What is done per pixel without a kernel (actnorms, activations, densities) is not counted.
    """
    a = architecture
    image = jax.ShapeDtypeStruct((1, *a.image_size, a.channels), "float32")
    boundary = tuple(jax.ShapeDtypeStruct((1, *size, 3), "float32") for size in a.level_sizes)
    maps = boundary_maps(boundary if a.boundary else ())
    variables = jax.eval_shape(full_glow(a).init, jax.random.key(0), (image, image), maps)
    flops = 0
    for path, leaf in jax.tree_util.tree_leaves_with_path(variables["params"]):
        names = [key.key for key in path]
        if names[-1] != "kernel":
            continue
        pixels = math.prod(a.level_sizes[int(names[0].removeprefix("levels_"))])
        per_vector = names[-2].startswith("dense") or names[-3:-1] == ["vector_net", "output"]
        flops += 2 * leaf.size * (1 if per_vector else pixels)
    for pixels, channels, steps in zip(
        map(math.prod, a.level_sizes), a.level_channels, a.steps, strict=True
    ):
        flops += 2 * 2 * channels**2 * pixels * steps
    return float(flops)


def training_flops(architecture: FullGlowArchitecture) -> float:
    """Of one pair's training step: forward, and twice that for the gradients.

    What a memory mode computes again is not counted: it is a price, not work done.
    """
    return 3 * forward_flops(architecture)
