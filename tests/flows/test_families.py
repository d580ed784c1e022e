"""What holds of every family's flow, tiny: it inverts, and its log-determinant is the Jacobian's."""

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
    DualGlowArchitecture,
    GlowArchitecture,
)
from fullglow_jax.flows.flow import Flow
from fullglow_jax.flows.model import JointFlowModel
from fullglow_jax.flows.step_tables import c_flow, dual_glow, glow, label_maps
from fullglow_jax.models.batch import Batch
from tests.flows.test_memory_modes import difference, split
from tests.layers.variables import perturbed, quick_jit, quick_key

NUMBERS = {"image_size": (4, 8), "steps": (2, 1), "channels": 1, "coupling_width": 4, "tile": 0}
C_FLOW = CFlowArchitecture(**NUMBERS)
DUAL_GLOW = DualGlowArchitecture(**NUMBERS, classes=3)
PUBLISHED = GlowArchitecture(
    **NUMBERS,
    actnorm="log_scale",
    coupled_half="first",
    coupling_scale="exp_glow",
    prior="standard",
)
PERMUTED = replace(
    PUBLISHED,
    permute=True,
    actnorm="none",
    coupled_half="both",
    coupling="additive",
    coupling_scale="sigmoid",
)
FAMILIES = {
    "C-Flow": (c_flow, C_FLOW),
    "DUAL-Glow": (dual_glow, DUAL_GLOW),
    "Glow, published": (glow, PUBLISHED),
    "Glow, permuted": (glow, PERMUTED),
}
LABELS = np.array([2, 0])

every_family = pytest.mark.parametrize("family", FAMILIES)


def flow_of(family, **changes):
    build, architecture = FAMILIES[family]
    return build(replace(architecture, **changes))


def images_of(flow, seed=0):
    """Two examples of each image."""
    rng = np.random.default_rng(seed)
    return tuple(rng.random((2, *flow.architecture.image)) for _ in flow.images)


@cache
def variables_of(family):
    """The family's start in double precision, and noise."""
    flow = flow_of(family)
    images = tuple(np.float32(image) for image in images_of(flow))
    maps = label_maps(LABELS, flow.architecture)
    return perturbed(quick_jit(flow.init)(quick_key(), images, maps), 0, np.float64)


@cache
def there_and_back(family):
    """The flow's encodings and decodings of two examples, and the first one's Jacobian."""
    flow = flow_of(family)
    images = images_of(flow)

    @quick_jit
    def run(variables, images, others):
        maps = label_maps(LABELS, flow.architecture)
        encodings = flow.apply(variables, images, maps)
        read = partial(flow.apply, variables, maps=maps, method=Flow.read_conditions)
        decode = partial(flow.apply, variables, method=Flow.decode)
        again = decode(encodings[-1].latents, read(images[:-1]))
        moved = decode(encodings[-1].latents, read(others[:-1]))
        moved_encoding = flow.apply(variables, (*others[:-1], moved), maps)[-1]

        def latents(pixels):
            one = (*(image[:1] for image in images[:-1]), pixels.reshape(images[-1][:1].shape))
            maps = label_maps(LABELS[:1], flow.architecture)
            z = flow.clone(keeps_noise=False).apply(variables, one, maps)[-1].latents
            return jnp.concatenate([latent.ravel() for latent in z])

        jacobian = jax.jacrev(latents)(images[-1][0].ravel())
        return encodings, again, moved_encoding, jnp.linalg.slogdet(jacobian).logabsdet

    with jax.enable_x64(True):
        return images, jax.device_get(run(variables_of(family), images, images_of(flow, 1)))


@every_family
def test_decoding_undoes_encoding(family):
    images, (encodings, again, _, _) = there_and_back(family)
    np.testing.assert_allclose(again, images[-1], atol=1e-9)
    shapes = tuple(latent.shape[1:] for latent in encodings[-1].latents)
    assert shapes == FAMILIES[family][1].latent_shapes


@every_family
def test_log_det_is_that_of_the_jacobian(family):
    _, (encodings, _, _, expected) = there_and_back(family)
    np.testing.assert_allclose(encodings[-1].log_det[0].sum(), expected, rtol=0, atol=1e-6)
    assert abs(expected) > 0.1 or family == "Glow, permuted"


@every_family
def test_what_a_transfer_keeps_stays(family):
    """Latents decoded under another condition are those of the image that comes out."""
    _, (encodings, _, moved, _) = there_and_back(family)
    for latent, after in zip(encodings[-1].latents, moved.latents, strict=True):
        np.testing.assert_allclose(after, latent, atol=1e-9)


@cache
def gradients(family, mode):
    """Of the sum of all log-densities, by the parameters."""
    flow = flow_of(family, memory_mode=mode)

    @quick_jit
    @jax.grad
    def run(params, constants, images):
        maps = label_maps(LABELS, flow.architecture)
        encodings = flow.apply({**constants, "params": params}, images, maps)
        return sum((each.log_prior + each.log_det).sum() for each in encodings)

    with jax.enable_x64(True):
        return jax.device_get(run(*split(variables_of(family)), images_of(flow)))


@pytest.mark.parametrize(
    ("family", "mode"), [("DUAL-Glow", "invert"), ("Glow, permuted", "invert")]
)
def test_gradients_are_those_of_stored_activations(family, mode):
    stored, other = gradients(family, "store"), gradients(family, mode)
    assert max(jax.tree.leaves(jax.tree.map(difference, other, stored))) < 1e-8


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


def test_an_additive_coupling_has_no_scale_to_choose():
    with pytest.raises(UserError, match=r"coupling_scale='exp_glow' means nothing to .*additive"):
        replace(PUBLISHED, coupling="additive")
