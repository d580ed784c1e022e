"""Laws of every family's flow: it inverts, and its log-determinant is that of the Jacobian."""

from dataclasses import replace
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from fullglow_jax.errors import UserError
from fullglow_jax.flows.architecture import (
    CFlowArchitecture,
    CGlowArchitecture,
    DualGlowArchitecture,
    GlowArchitecture,
)
from fullglow_jax.flows.flow import Flow
from fullglow_jax.flows.model import FlowModel, JointFlowModel
from fullglow_jax.flows.step_tables import (
    CONDITION,
    c_flow,
    c_glow,
    dual_glow,
    glow,
    label_maps,
    whole_condition,
)
from fullglow_jax.models.batch import Batch
from tests.flows.test_memory_modes import difference, split
from tests.layers.variables import perturbed, quick_jit, quick_key

NUMBERS = {"channels": 1, "coupling_width": 4, "tile": 0}
ONE_LEVEL = {"image_size": (4, 6), "steps": (2,), **NUMBERS}
TWO_LEVELS = {"image_size": (4, 8), "steps": (1, 1), **NUMBERS}
C_FLOW = CFlowArchitecture(**ONE_LEVEL)
DUAL_GLOW = DualGlowArchitecture(**TWO_LEVELS, classes=3)
PUBLISHED = GlowArchitecture(
    **TWO_LEVELS,
    actnorm="log_scale",
    coupled_half="first",
    coupling_scale="exp_glow",
    prior="standard",
    classes=3,
)
PERMUTED = GlowArchitecture(
    **ONE_LEVEL, permute=True, actnorm="none", coupling="additive", coupled_half="both", classes=3
)
C_GLOW = CGlowArchitecture(
    image_size=(8, 8), steps=(1, 2), vector_channels=8, vector_width=8, learn_top=True, **NUMBERS
)
FAMILIES = {
    "C-Glow": (c_glow, C_GLOW),
    "C-Flow": (c_flow, C_FLOW),
    "DUAL-Glow": (dual_glow, DUAL_GLOW),
    "Glow, published": (glow, PUBLISHED),
    "Glow, permuted": (glow, PERMUTED),
}
LABELS = np.array([2, 0])


def flow_of(family, **changes):
    build, architecture = FAMILIES[family]
    return build(replace(architecture, **changes))


def inputs(flow, seed=0):
    """Two examples of each image, and the maps."""
    rng = np.random.default_rng(seed)
    condition, *images = (
        rng.random((2, *flow.architecture.image)) for _ in (CONDITION, *flow.images)
    )
    whole = whole_condition(condition, flow.architecture)
    maps = label_maps(LABELS, flow.architecture)
    return tuple(images), whole if isinstance(flow.architecture, CGlowArchitecture) else maps


@cache
def variables_of(family):
    """The family's start in double precision, and noise."""
    flow = flow_of(family)
    with jax.enable_x64(False):
        images, maps = jax.tree.map(np.float32, inputs(flow))
        started = jax.device_get(quick_jit(flow.init)(quick_key(), images, maps))
    # Of so few pixels, some hidden channels are all zero, and their actnorms start at a million.
    kept = jax.tree_util.tree_map_with_path(
        lambda path, leaf: 0 * leaf if "actnorm_" in jax.tree_util.keystr(path) else leaf, started
    )
    return perturbed(kept, 0, np.float64)


@pytest.mark.parametrize("family", FAMILIES)
def test_it_inverts_and_its_log_det_is_that_of_the_jacobian(family):
    flow = flow_of(family).clone(keeps_noise=False)

    @quick_jit
    def run(variables, images, maps):
        *others, image = jax.tree.map(lambda leaf: leaf[:1], images)
        one = jax.tree.map(lambda leaf: leaf[:1], maps)

        def latents(pixels):
            encoding = flow.apply(variables, (*others, pixels.reshape(image.shape)), one)[-1]
            return jnp.concatenate([latent.ravel() for latent in encoding.latents]), encoding

        jacobian, encoding = jax.jacrev(latents, has_aux=True)(image.ravel())
        read = flow.apply(variables, tuple(others), one, method=Flow.read_conditions)
        again = flow.apply(variables, encoding.latents, read, method=Flow.decode)
        return encoding, jnp.linalg.slogdet(jacobian).logabsdet, again - image

    with jax.enable_x64(True):
        variables, (images, maps) = variables_of(family), inputs(flow)
        encoding, expected, difference = jax.device_get(run(variables, images, maps))
    np.testing.assert_allclose(difference, 0, atol=1e-9)
    np.testing.assert_allclose(encoding.log_det.sum(), expected, rtol=0, atol=1e-6)
    shapes = tuple(latent.shape[1:] for latent in encoding.latents)
    assert shapes == flow.architecture.latent_shapes
    assert family == "Glow, permuted" or abs(expected) > 0.1


def test_a_transfer_by_a_dual_glow_keeps_the_noise():
    flow = flow_of("DUAL-Glow")

    @quick_jit
    def run(variables, images, others, maps):
        encode = partial(flow.apply, variables, maps=maps)
        read = partial(flow.apply, variables, maps=maps, method=Flow.read_conditions)
        latents = encode(images)[-1].latents
        moved = flow.apply(variables, latents, read(others[:1]), method=Flow.decode)
        return latents, moved, encode((others[0], moved))[-1].latents

    (images, maps), (others, _) = inputs(flow), inputs(flow, 1)
    with jax.enable_x64(True):
        variables = variables_of("DUAL-Glow")
        latents, moved, again = jax.device_get(run(variables, images, others, maps))
    for latent, after in zip(latents, again, strict=True):
        np.testing.assert_allclose(after, latent, atol=1e-9)
    assert np.abs(moved - images[1]).max() > 0.01


@cache
def gradients(family, mode):
    """Of the sum of all log-densities, by the parameters."""
    flow = flow_of(family, memory_mode=mode)

    @quick_jit
    @jax.grad
    def run(params, constants, images, maps):
        encodings = flow.apply({**constants, "params": params}, images, maps)
        return sum((each.log_prior + each.log_det).sum() for each in encodings)

    with jax.enable_x64(True):
        return jax.device_get(run(*split(variables_of(family)), *inputs(flow)))


@pytest.mark.parametrize("family", ["C-Glow", "DUAL-Glow", "Glow, permuted"])
def test_gradients_are_those_of_stored_activations(family):
    stored, inverted = gradients(family, "store"), gradients(family, "invert")
    assert all(leaf.any() for leaf in jax.tree.leaves(stored))
    assert max(jax.tree.leaves(jax.tree.map(difference, inverted, stored))) < 1e-8


def test_a_dual_glow_trains_with_labels():
    model = JointFlowModel(
        dual_glow(DUAL_GLOW), bits=8, source_weight=1e-3, optimizer=optax.adam(1e-2)
    )
    images = np.random.default_rng(0).integers(0, 256, (2, 2, *DUAL_GLOW.image), np.uint8)
    batch = Batch(*images, label=np.int32(LABELS))
    state = quick_jit(model.init)(quick_key(), batch)
    step, history = quick_jit(model.train_step), []
    for _ in range(10):
        state, report = step(state, batch, jax.random.key(1))
        history.append(float(report.scalars["bits_per_dim/conditional"]))
    assert history[-1] < history[0] - 0.1
    shift = state.variables["params"]["levels_0"]["target_prior"]["label_shift"]["dense"]["kernel"]
    assert np.abs(shift)[[0, 2]].min() > 0  # of the classes in the batch
    assert not np.abs(shift)[1].any()


def low_contrast(flow):
    """A batch whose re-draws are far from black and white."""
    rng = np.random.default_rng(0)
    images = rng.integers(118, 138, (2, 2, *flow.architecture.image), np.uint8)
    label = LABELS.astype(np.int32) if flow.architecture.classes else None
    return Batch(*images, label=label)


@cache
def redrawn(family):
    """A started model, and a batch's encodings after re-draws at temperature 1 and 0.5."""
    flow = flow_of(family)
    build = {"source_weight": 1.0} if len(flow.images) > 1 else {}
    kind = JointFlowModel if build else FlowModel
    model, batch = kind(flow, bits=8, optimizer=optax.sgd(0.1), **build), low_contrast(flow)

    @quick_jit
    def run(batch, keys):
        variables = model.init(quick_key(), batch).variables
        drawn = [model.redraw(variables, batch, keys, t) for t in (1.0, 0.5)]
        noisy = model.network.clone(keeps_noise=True)

        def noise(target):
            again = replace(batch, target=target)
            images = tuple(map(model._entering, model._images(again)))
            return noisy.apply(variables, images, model._maps(batch))[-1].latents

        return drawn, [noise(images) for images in (batch.target, *drawn)]

    return jax.device_get(run(batch, jax.random.split(jax.random.key(0), 2)))


@pytest.mark.parametrize("family", ["Glow, published", "DUAL-Glow"])
def test_a_redraw_keeps_the_coarsest_latent_and_draws_the_others(family):
    images, (own, full, half) = redrawn(family)
    assert min(map(np.min, images)) > 0
    assert max(map(np.max, images)) < 1
    for kept, *drawn in zip(own, full, half, strict=True):
        if kept is own[-1]:
            for latent in drawn:
                np.testing.assert_allclose(latent, kept, atol=2e-3)
        else:
            np.testing.assert_allclose(drawn[1], 0.5 * drawn[0], atol=2e-3)
            assert np.abs(drawn[0] - kept).max() > 0.5
            assert np.abs(drawn[0][0] - drawn[0][1]).max() > 0.5


def test_an_additive_coupling_has_no_scale_to_choose():
    with pytest.raises(UserError, match=r"coupling_scale='exp_glow' means nothing to .*additive"):
        replace(PUBLISHED, coupling="additive")
