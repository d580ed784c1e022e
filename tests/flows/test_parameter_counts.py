"""Trainable parameters, as counted on the original implementation."""

from importlib import import_module

import jax
import numpy as np
import pytest

from fullglow_jax.flows.architecture import (
    CFlowArchitecture,
    CGlowArchitecture,
    DualGlowArchitecture,
    FullGlowArchitecture,
)
from fullglow_jax.flows.step_tables import (
    boundary_maps,
    c_flow,
    c_glow,
    dual_glow,
    full_glow,
    glow,
    whole_condition,
)
from fullglow_jax.model_registry import build_architecture

COUNTS = [
    ((64, 64), (4, 4, 4), True, "", 15_260_512, 5_551_296),
    ((256, 256), (8, 8, 8, 8), True, "", 77_847_552, 18_757_744),
    ((256, 256), (8, 8, 8, 8), False, "", 72_879_552, 18_658_384),
    ((256, 256), (8, 8, 8, 8), True, "smooth", 77_959_680, 18_757_744),
    ((512, 1024), (8, 8, 8, 8), True, "", 229_891_072, 18_757_744),
]


@pytest.mark.parametrize(("size", "steps", "lu", "boundary", "total", "of_source"), COUNTS)
def test_as_many_as_the_original(size, steps, lu, boundary, total, of_source):
    architecture = FullGlowArchitecture(size, steps, lu=lu, boundary_maps=boundary)
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


SMALL, LARGE = ((64, 64), (4, 4, 4)), ((256, 256), (16, 16, 16, 16))
RAW, SPATIAL = {"coupling_reads": "raw"}, {"coupling_reads": "spatial"}


@pytest.mark.parametrize(
    ("flow", "architecture", "expected"),
    [
        (c_flow, CFlowArchitecture(*LARGE, **RAW), 87_941_920),
        (c_flow, CFlowArchitecture(*SMALL, **SPATIAL), 13_426_896),
        # Without depth, which the original has, although it is 1.
        (dual_glow, DualGlowArchitecture(*LARGE), 75_603_156),
        (dual_glow, DualGlowArchitecture(*SMALL), 11_359_092),
    ],
)
def test_a_flow_of_pairs_has_as_many_as_its_original(flow, architecture, expected):
    image = jax.ShapeDtypeStruct((1, *architecture.image), np.float32)
    assert count(flow(architecture), image, image) == expected


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("glow_imagenet_64", 111_466_176),
        ("glow_celeba_64", 111_466_176),
        ("glow_celeba_256", 174_681_600),
        ("glow_celeba_256_v0", 162_029_184),
        ("glow_celeba_256_v1", 230_444_160),
    ],
)
def test_a_glow_has_as_many_as_the_published_ones(config, expected):
    architecture = build_architecture(import_module(f"configs.{config}").get_config())
    image = jax.ShapeDtypeStruct((1, *architecture.image), np.float32)
    assert count(glow(architecture), image) == expected


V_2 = {"coupling_width": 512, "vector_channels": 20, "vector_width": 10}


@pytest.mark.parametrize(
    ("steps", "widths", "expected"),
    [((8,) * 3, {}, 70_174_956), ((16,) * 4, V_2, 76_483_644), ((8,) * 4, V_2, 38_273_244)],
)
def test_a_c_glow_has_as_many_as_the_published_ones(steps, widths, expected):
    architecture = CGlowArchitecture((256, 256), steps, **widths)
    image = jax.ShapeDtypeStruct((1, *architecture.image), np.float32)
    maps = whole_condition(image, architecture)
    assert count(c_glow(architecture), image, maps=maps) == expected


def count(flow, *images, maps=None):
    params = jax.eval_shape(flow.init, jax.random.key(0), images, maps)["params"]
    return sum(leaf.size for leaf in jax.tree.leaves(params))
