"""Trainable parameters, as counted on the original implementation."""

import jax
import numpy as np
import pytest

from fullglow_jax.flows.architecture import Architecture
from fullglow_jax.flows.step_tables import boundary_maps, full_glow

COUNTS = [
    ((64, 64), (4, 4, 4), True, "", 15_260_512, 5_551_296),
    ((256, 256), (8, 8, 8, 8), True, "", 77_847_552, 18_757_744),
    ((256, 256), (8, 8, 8, 8), False, "", 72_879_552, 18_658_384),
    ((256, 256), (8, 8, 8, 8), True, "smooth", 77_959_680, 18_757_744),
    ((512, 1024), (8, 8, 8, 8), True, "", 229_891_072, 18_757_744),
]


@pytest.mark.parametrize(("size", "steps", "lu", "boundary", "total", "of_source"), COUNTS)
def test_as_many_as_the_original(size, steps, lu, boundary, total, of_source):
    architecture = Architecture(size, steps, lu=lu, boundary_maps=boundary)
    image = jax.ShapeDtypeStruct((1, *size, 3), np.float32)
    levels = tuple(
        jax.ShapeDtypeStruct((1, *at_level, 3), np.float32)
        for at_level in (architecture.level_sizes if architecture.boundary else ())
    )
    init = full_glow(architecture).init
    params = jax.eval_shape(init, jax.random.key(0), (image, image), boundary_maps(levels))[
        "params"
    ]
    leaves = jax.tree_util.tree_leaves_with_path(params)
    count = sum(leaf.size for _, leaf in leaves)
    source = sum(
        leaf.size for path, leaf in leaves if {"source", "source_prior"} & {k.key for k in path}
    )
    assert (count, source) == (total, of_source)
