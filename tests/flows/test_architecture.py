import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fullglow_jax.errors import UserError
from fullglow_jax.flows.architecture import FullGlowArchitecture
from fullglow_jax.layers.precision import Compute


def fits(size, levels):
    """Every level, after its squeeze, has at least 5 pixels each way."""
    return all(n % 2**levels == 0 and n // 2**levels >= 5 for n in size)


def sizes_named(message):
    sizes = message.split("nearest sizes that fit: ")[1]
    return [(int(h), int(w)) for h, w in re.findall(r"(\d+)×(\d+)", sizes)]


@settings(deadline=None, derandomize=True, database=None)
@given(
    size=st.tuples(st.integers(1, 200), st.integers(1, 200)),
    levels=st.integers(1, 5),
)
def test_a_size_fits_or_the_error_names_the_nearest_that_do(size, levels):
    if fits(size, levels):
        assert FullGlowArchitecture(size, (1,) * levels).levels == levels
        return
    with pytest.raises(UserError, match=f"{size[0]}×{size[1]}") as caught:
        FullGlowArchitecture(size, (1,) * levels)
    named = sizes_named(str(caught.value))
    assert 1 <= len(named) <= 2
    for suggestion in named:
        FullGlowArchitecture(suggestion, (1,) * levels)
    # Nothing that fits lies strictly between what was asked for and what is named.
    candidates = [n * 2**levels for n in range(5, 200)]
    for axis, asked in enumerate(size):
        below = [n for n in candidates if n <= asked]
        above = [n for n in candidates if n >= asked]
        assert {suggestion[axis] for suggestion in named} <= {*below[-1:], above[0]}
        assert abs(named[0][axis] - asked) == min(abs(n - asked) for n in candidates)
    fewer = re.search(r"use (\d+) level", str(caught.value))
    possible = [n for n in range(1, levels) if fits(size, n)]
    assert (int(fewer[1]) if fewer else None) == max(possible, default=None)


def test_what_crashed_the_original_is_said_before_it_starts():
    with pytest.raises(UserError, match=r"at least 80.*80×80.*use 3 levels"):
        FullGlowArchitecture((64, 64), (4, 4, 4, 4))


@pytest.mark.parametrize("steps", [(), (2, 0), (-1,)])
def test_every_level_has_a_step(steps):
    with pytest.raises(UserError, match="steps"):
        FullGlowArchitecture((64, 64), steps)


def test_boundary_maps_that_there_are_not_are_answered_with_those_there_are():
    with pytest.raises(UserError, match=r"data\.boundary='source' is not one of '' .*smooth, ceil"):
        FullGlowArchitecture((64, 64), (1,), boundary_maps="source")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("memory_mode", "recompute", r"memory_mode='recompute' is not one of store, remat, invert"),
        ("precision", "float16", r"precision='float16' is not one of float32, bfloat16"),
        ("tile", -1, r"tile=-1 must be an integer from 0"),
    ],
)
def test_a_way_to_compute_that_there_is_not_is_refused(key, value, message):
    with pytest.raises(UserError, match=rf"config\.model\.{message}"):
        FullGlowArchitecture((64, 64), (1,), **{key: value})


@pytest.mark.parametrize(("tile", "expected"), [(0, None), (64, 64)])
def test_what_the_networks_are_told(tile, expected):
    architecture = FullGlowArchitecture((64, 64), (1,), precision="bfloat16", tile=tile)
    assert architecture.compute == Compute("bfloat16", expected)


def test_without_a_tile_it_is_what_suits_the_device():
    assert FullGlowArchitecture((64, 64), (1,)).compute.tile > 0


def test_shapes_of_the_levels():
    architecture = FullGlowArchitecture((40, 80), (2, 1, 3))
    assert architecture.levels == 3
    assert architecture.dimensions == 40 * 80 * 3
    assert architecture.level_sizes == ((20, 40), (10, 20), (5, 10))
    assert architecture.level_channels == (12, 24, 48)
    assert architecture.latent_shapes == ((20, 40, 6), (10, 20, 12), (5, 10, 48))
    elements = sum(h * w * c for h, w, c in architecture.latent_shapes)
    assert elements == architecture.dimensions


def test_one_level_splits_nothing_off():
    assert FullGlowArchitecture((10, 10), (1,), channels=1).latent_shapes == ((5, 5, 4),)
