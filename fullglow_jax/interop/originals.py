"""The originals whose values are recorded, by the family that a file's meta data names."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from fullglow_jax.data.boundary import boundary_pyramid
from fullglow_jax.flows.architecture import (
    CFlowArchitecture,
    CGlowArchitecture,
    DualGlowArchitecture,
    FlowArchitecture,
    FullGlowArchitecture,
    GlowArchitecture,
)
from fullglow_jax.flows.flow import Flow, LevelMaps
from fullglow_jax.flows.step_tables import (
    CONDITION,
    IMAGE,
    SOURCE,
    TARGET,
    boundary_maps,
    c_flow,
    c_glow,
    dual_glow,
    full_glow,
    glow,
    label_maps,
    whole_condition,
)
from fullglow_jax.interop import c_glow_names, dual_glow_names, glow_names, torch_names
from fullglow_jax.interop.tensors import Entry, Tensors

if TYPE_CHECKING:
    from fullglow_jax.interop.recording import Recording

BOUNDARY_MAPS = {"left": "", "left + b_maps": "smooth", "left + b_maps_ceil": "ceil"}
"""`config.data.boundary`, by the original's condition."""


class Recorded(NamedTuple):
    """The names of what is recorded of an image.

    Attributes:
        image: The name of the image.
        suffix: The end of the names of its bits, densities and latents.
    """

    image: str
    suffix: str


Pictures = Mapping[str, Array]
"""Recorded images, NHWC, by name."""

PAIR = {SOURCE: Recorded("x_a", "_left"), TARGET: Recorded("x_b", "_right")}


def _bits(recording: Recording) -> float:
    bits: int = recording.meta.get("n_bits", 8)
    return bits


class Original(NamedTuple):
    """An original, and our model of the same function.

    Attributes:
        images: The recorded images, by their names in our flow.
        architecture: The architecture of a recording's model.
        flow: Builds the flow of an architecture.
        maps: (recording, architecture, recorded pictures by name) → the maps that the flow reads.
        entries: The tensors of an architecture's model.
        weights: Recorded weights, as `entries` names and shapes them.
        gradients: Recorded gradients, likewise.
        norms: (recorded norms of gradients, shapes of recorded weights) → norms likewise.
        bits: Bits per channel of a recording's pixels.
        whole: The name of the recorded condition that is read whole; "" if there is none.
    """

    images: Mapping[str, Recorded]
    architecture: Callable[[Recording], Any]
    flow: Callable[[Any], Flow]
    maps: Callable[[Recording, Any, Pictures], LevelMaps]
    entries: Callable[[Any], Iterable[Entry]]
    weights: Callable[[Tensors], Tensors] = lambda weights: weights
    gradients: Callable[[Tensors], Tensors] = lambda gradients: gradients
    norms: Callable[[Tensors, Mapping[str, tuple[int, ...]]], Tensors] = lambda norms, _: norms
    bits: Callable[[Recording], float] = _bits
    whole: str = ""

    @property
    def condition(self) -> str:
        """The name of the recorded condition; "" if there is none."""
        *others, _ = self.images.values()
        return self.whole or next((each.image for each in others), "")


def _common(recording: Recording) -> dict[str, Any]:
    """The numbers that the meta data of all originals have."""
    meta = recording.meta
    return {
        "image_size": tuple(meta["image_size"]),
        "steps": tuple(meta["n_flow"]),
        # The values were recorded in float32: the networks must not use a lower precision.
        "precision": "highest",
    }


# ---- glow2: Full-Glow and C-Flow -----------------------------------------------------------------


def _glow2(recording: Recording) -> dict[str, Any]:
    meta = recording.meta
    return {
        **_common(recording),
        "lu": meta["lu"],
        "boundary_maps": BOUNDARY_MAPS[meta["condition"]],
        "coupling_width": meta["coupling_filters"],
    }


def _spatial_width(recording: Recording) -> int:
    bias = "right_glow.blocks.0.flows.0.coupling.cond_net.conv_net.0.bias"
    return int(recording.state[bias].size)


def _full_glow(recording: Recording) -> FullGlowArchitecture:
    return FullGlowArchitecture(**_glow2(recording), spatial_width=_spatial_width(recording))


def _c_flow(recording: Recording) -> CFlowArchitecture:
    if not recording.meta["coupling_cond_net"]:
        return CFlowArchitecture(**_glow2(recording), coupling_reads="raw")
    width = _spatial_width(recording)
    return CFlowArchitecture(**_glow2(recording), coupling_reads="spatial", spatial_width=width)


def _boundary(
    recording: Recording, architecture: FlowArchitecture, pictures: Pictures
) -> LevelMaps:
    """The boundary map at every level's size, for a model with boundary maps."""
    del pictures
    asked = architecture.annotations
    if not asked.boundary:
        return {}
    full = np.clip(recording["boundary"] * 255 + 0.5, 0, 255).astype(np.uint8)
    pyramids = [boundary_pyramid(example, asked) for example in full.transpose(0, 2, 3, 1)]
    levels = zip(*pyramids, strict=True)
    return boundary_maps(tuple(jnp.asarray(np.stack(level)) / 255.0 for level in levels))


# ---- DUAL-Glow -----------------------------------------------------------------------------------


def _dual_glow(recording: Recording) -> DualGlowArchitecture:
    return DualGlowArchitecture(
        **_common(recording),
        coupling_width=recording.meta["coupling_filters"],
        classes=recording.meta.get("classes", 0),
    )


def _label(recording: Recording, architecture: FlowArchitecture, pictures: Pictures) -> LevelMaps:
    del pictures
    label = jnp.asarray(recording["label"]) if architecture.classes else None
    return label_maps(label, architecture)


# ---- C-Glow --------------------------------------------------------------------------------------


def _c_glow(recording: Recording) -> CGlowArchitecture:
    meta = recording.meta
    scales_and_shifts = recording.state["flow.layers.1.actnorm.x_Linear.4.bias"]
    return CGlowArchitecture(
        **_common(recording),
        channels=scales_and_shifts.size // 8,  # two for each, and four of those for a channel
        coupling_width=meta["y_hidden_channels"],
        vector_channels=meta["x_hidden_channels"],
        vector_width=meta["x_hidden_size"],
        learn_top=meta["learn_top"],
    )


def _c_glow_bits(recording: Recording) -> float:
    return math.log2(recording.meta["n_bins"])


def _whole(recording: Recording, architecture: CGlowArchitecture, pictures: Pictures) -> LevelMaps:
    del recording
    return whole_condition(pictures["x"], architecture)


# ---- Glow ----------------------------------------------------------------------------------------


def _glow(recording: Recording) -> GlowArchitecture:
    meta = recording.meta
    permute = meta["flow_type"] == "PermuteFlow"
    coupling = meta["coupling_type"]
    additive = coupling.endswith("Additive")
    numbers: dict[str, Any] = {} if additive else {"coupling_scale": _scale(meta)}
    return GlowArchitecture(
        **_common(recording),
        **numbers,
        permute=permute,
        actnorm="none" if permute else "log_scale",
        coupling="additive" if additive else "affine",
        coupled_half="first" if coupling.startswith("Single") else "both",
        coupling_clamp=meta["clamp"],
        coupling_width=meta["coupling_filters"],
        prior="standard",
        condition_maps=meta["condition_channels"] > 0,
    )


def _scale(meta: Mapping[str, Any]) -> str:
    return f"exp_{meta['clamp_activation'].lower()}"


def _condition_maps(
    recording: Recording, architecture: GlowArchitecture, pictures: Pictures
) -> LevelMaps:
    del pictures
    if not architecture.condition_maps:
        return {}
    levels = range(architecture.levels)
    return {CONDITION: tuple(recording.image(f"condition_{level}") for level in levels)}


ORIGINALS = {
    "glow": Original({IMAGE: Recorded("x", "")}, _glow, glow, _condition_maps, glow_names.entries),
    "full_glow": Original(PAIR, _full_glow, full_glow, _boundary, torch_names.entries),
    "c_flow": Original(PAIR, _c_flow, c_flow, _boundary, torch_names.entries),
    "c_glow": Original(
        {TARGET: Recorded("y", "")},
        _c_glow,
        c_glow,
        _whole,
        c_glow_names.entries,
        bits=_c_glow_bits,
        whole="x",
    ),
    "dual_glow": Original(
        PAIR,
        _dual_glow,
        dual_glow,
        _label,
        dual_glow_names.entries,
        dual_glow_names.flat_weights,
        dual_glow_names.flat_gradients,
        dual_glow_names.flat_norms,
    ),
}
"""By `meta["family"]`; files without one are of Full-Glow."""
