"""Laws of all families' flows, whatever their switches."""

import os
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fullglow_jax.flows.architecture import (
    CFlowArchitecture,
    CGlowArchitecture,
    DualGlowArchitecture,
    FullGlowArchitecture,
    GlowArchitecture,
)
from fullglow_jax.flows.flow import Flow
from fullglow_jax.flows.step_tables import (
    boundary_maps,
    c_flow,
    c_glow,
    dual_glow,
    full_glow,
    glow,
    label_maps,
    whole_condition,
)
from tests.flows.test_memory_modes import difference, split
from tests.layers.variables import perturbed, quick_jit, quick_key

BOTH = st.booleans()
COMMON = {
    "memory_mode": st.sampled_from(["invert", "remat"]),
    "tile": st.sampled_from([16, 0]),
    "actnorm_floor": st.sampled_from([0.1, 0.0]),
    "coupling_floor": st.sampled_from([0.0, 0.1]),
}
AFFINE = {"coupling": st.just("affine"), "coupling_scale": st.sampled_from(["exp_atan", "sigmoid"])}
ADDITIVE = {"coupling": st.just("additive"), "coupling_scale": st.just("sigmoid")}
FAMILIES = {
    "Full-Glow": (
        full_glow,
        partial(FullGlowArchitecture, (10, 10), (2,), spatial_width=4),
        {"lu": BOTH, "boundary_maps": st.sampled_from(["smooth", ""])},
    ),
    "C-Flow": (
        c_flow,
        partial(CFlowArchitecture, (4, 6), (2,), spatial_width=4),
        {"lu": BOTH, "coupling_reads": st.sampled_from(["spatial", "raw"])},
    ),
    "C-Glow": (
        c_glow,
        partial(CGlowArchitecture, (8, 8), (1, 1), vector_channels=8, vector_width=8),
        {"learn_top": BOTH, "start": st.sampled_from(["published", "live"])},
    ),
    "DUAL-Glow": (
        dual_glow,
        partial(DualGlowArchitecture, (4, 8), (1, 1)),
        {"lu": BOTH, "classes": st.sampled_from([3, 0])},
    ),
    "Glow": (
        glow,
        partial(GlowArchitecture, (4, 8), (1, 1)),
        {
            "permute": BOTH,
            "actnorm": st.sampled_from(["log_scale", "none", "scale"]),
            "coupled_half": st.sampled_from(["both", "first", "second"]),
            "prior": st.sampled_from(["standard", "learned"]),
        },
    ),
}
SHIFTED = np.array([2, 0])

EXAMPLES = int(os.environ.get("FULLGLOW_EXAMPLES", "1"))
"""Of switches, in each family: a suite takes few, and people who change a part more."""


@st.composite
def flows(draw, family):
    build, architecture, switches = FAMILIES[family]
    couplings = draw(st.sampled_from([AFFINE, ADDITIVE])) if family == "Glow" else {}
    drawn = draw(st.fixed_dictionaries(COMMON | switches | couplings))
    return build(architecture(channels=1, coupling_width=6, **drawn))


def inputs(flow, dtype):
    """Two examples of each image, and all maps that may be read."""
    rng = np.random.default_rng(0)
    a = flow.architecture
    images = tuple(rng.random((2, *a.image)).astype(dtype) for _ in flow.images)
    maps = label_maps(SHIFTED, a) | whole_condition(rng.random((2, *a.image)).astype(dtype), a)
    if a.boundary:
        maps |= boundary_maps(
            tuple(rng.random((2, *size, 3)).astype(dtype) for size in a.level_sizes)
        )
    return images, maps


def variables_of(flow):
    """The start, and noise; of so few pixels, some hidden actnorms start at a million."""
    with jax.enable_x64(False):
        started = jax.device_get(quick_jit(flow.init)(quick_key(), *inputs(flow, np.float32)))
    kept = jax.tree_util.tree_map_with_path(
        lambda path, leaf: 0 * leaf if "actnorm_" in jax.tree_util.keystr(path) else leaf, started
    )
    return perturbed(kept, 0, np.float64)


def there_and_back(flow, variables, images, maps):
    """The last image's encoding, and the image again."""
    encoding = flow.apply(variables, images, maps)[-1]
    read = flow.apply(variables, images[:-1], maps, method=Flow.read_conditions)
    return encoding, flow.apply(variables, encoding.latents, read, method=Flow.decode)


def log_abs_det(flow, variables, images, maps):
    """log|det| of the last image's map to z, by automatic differentiation."""
    *others, image = images

    def latents(pixels):
        both = (*others, pixels.reshape(image.shape))
        encoding = flow.clone(keeps_noise=False).apply(variables, both, maps)[-1]
        return jnp.concatenate([latent.ravel() for latent in encoding.latents])

    return jnp.linalg.slogdet(jax.jacrev(latents)(image.ravel())).logabsdet


def gradients(flow, mode, variables, images, maps):
    """Of the sum of all log-densities, by the parameters."""
    of_mode = flow.clone(architecture=replace(flow.architecture, memory_mode=mode))
    params, constants = split(variables)

    def loss(params):
        encodings = of_mode.apply({**constants, "params": params}, images, maps)
        return sum((each.log_prior + each.log_det).sum() for each in encodings)

    return jax.grad(loss)(params)


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_whatever_the_switches(family, data):
    flow = data.draw(flows(family))
    variables = variables_of(flow)

    @quick_jit
    def exactly(variables, images, maps):
        one = jax.tree.map(lambda leaf: leaf[:1], (images, maps))
        modes = flow.architecture.memory_mode, "store"
        both = [gradients(flow, mode, variables, images, maps) for mode in modes]
        encoding, again = there_and_back(flow, variables, *one)
        return encoding.log_det.sum(), log_abs_det(flow, variables, *one), again, both

    with jax.enable_x64(True):
        images, maps = inputs(flow, np.float64)
        log_det, expected, again, (ours, stored) = jax.device_get(exactly(variables, images, maps))
    np.testing.assert_allclose(again, images[-1][:1], atol=1e-9)
    np.testing.assert_allclose(log_det, expected, rtol=0, atol=1e-6)
    assert difference(ours, stored) < 1e-8

    single = jax.tree.map(np.float32, variables)
    images, maps = inputs(flow, np.float32)
    _, again = jax.device_get(quick_jit(partial(there_and_back, flow))(single, images, maps))
    np.testing.assert_allclose(again, images[-1], atol=1e-4)
