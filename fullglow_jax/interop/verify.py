"""The command that checks this implementation against recorded values of the original.

python -m fullglow_jax.interop.verify FILE.npz …

It rebuilds the recorded model, runs it on the recorded inputs on JAX's default device, its networks
at the highest precision, and prints each quantity's difference; it exits with 1 if any is out of
its tolerance. Run it on a new accelerator to check its numerics.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from jax import Array
from rich.console import Console
from rich.table import Table

from fullglow_jax import cli
from fullglow_jax.files.paths import user_path
from fullglow_jax.flows.flow import Flow
from fullglow_jax.flows.likelihood import bits_per_dim
from fullglow_jax.flows.step_tables import SOURCE, boundary_maps, full_glow
from fullglow_jax.interop.recording import Recording
from fullglow_jax.interop.torch_names import to_torch
from fullglow_jax.models.encoding import Encoding

BITS = 8

BITS_RELATIVE = 1e-5
IMAGE_ABSOLUTE = 2e-4
GRADIENT_RELATIVE = 1e-3
START_ABSOLUTE = 1e-4


class Row(NamedTuple):
    """One line of the table; `tolerance` bounds `absolute` or `relative`, as `bounds` says."""

    quantity: str
    absolute: float
    relative: float
    bounds: str
    tolerance: float

    @property
    def ok(self) -> bool:
        """Whether the bounded difference is within the tolerance; NaN is not."""
        return bool(getattr(self, self.bounds) <= self.tolerance)


def compare(quantity: str, ours: Any, recorded: Any, bounds: str, tolerance: float) -> Row:
    """The largest absolute difference, and the difference relative to the recorded norm."""
    ours, recorded = np.asarray(ours, np.float64), np.asarray(recorded, np.float64)
    difference = ours.reshape(recorded.shape) - recorded
    norm = np.linalg.norm(recorded)
    relative = np.linalg.norm(difference) / norm if norm else np.linalg.norm(difference)
    return Row(quantity, float(np.abs(difference).max()), float(relative), bounds, tolerance)


def _worst(quantity: str, rows: Sequence[Row]) -> Row:
    """The row furthest out of its tolerance, under a name with the number of rows."""
    row = max(rows, key=lambda r: (not r.ok, getattr(r, r.bounds)))
    return row._replace(quantity=f"{quantity} ({len(rows)}, worst {row.quantity})")


class Checker:
    """A recorded-values file, and this implementation of its model."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        # The values were recorded in float32: the networks must not use a lower precision.
        self.architecture = replace(recording.architecture, precision="highest")
        self._maps = boundary_maps(recording.boundary())
        self._apply: Callable[..., Any] = full_glow(self.architecture).apply

    def rows(self) -> list[Row]:
        """Every quantity that the file holds."""
        if self.recording.under("after::"):
            return self._start_rows()
        variables = self.recording.variables()
        encodings, gradients = self._encode(variables)
        rows = self._encoding_rows(encodings)
        if gradients is not None:
            rows += self._gradient_rows(*gradients)
        return rows + self._decoding_rows(variables)

    def _bits(self, encoding: Encoding) -> Array:
        log_prior, log_det = encoding.log_prior.sum(-1), encoding.log_det.sum(-1)
        return bits_per_dim(log_prior, log_det, self.architecture.dimensions, BITS).mean()

    def _bits_row(self, name: str, ours: Any) -> Row:
        recorded = self.recording[name]
        if name == "log_det_right":
            # The original averages some of its terms over the batch.
            ours, recorded = ours.mean(), recorded.mean()
        return compare(name, ours, recorded, "relative", BITS_RELATIVE)

    def _encode(self, variables: Any) -> tuple[tuple[Encoding, Encoding], Any]:
        """Both encodings, and the loss's gradients if they are recorded, in one compilation."""
        r = self.recording

        def loss(params: Any, source: Array, target: Array) -> Any:
            left, right = self._apply({**variables, "params": params}, (source, target), self._maps)
            weight = r.meta.get("reg_factor", 0.0)
            return weight * self._bits(left) + self._bits(right), (left, right)

        arguments = variables["params"], r.image("x_a"), r.image("x_b")
        if not r.under("gradnorm::"):
            return jax.jit(loss)(*arguments)[1], None
        loss_gradient = jax.jit(jax.grad(loss, (0, 1, 2), has_aux=True))
        gradients, encodings = loss_gradient(*arguments)
        return encodings, gradients

    def _encoding_rows(self, encodings: tuple[Encoding, Encoding]) -> list[Row]:
        r = self.recording
        sides = dict(zip(("left", "right"), encodings, strict=True))
        bits = {f"bits_{side}": self._bits(encoding) for side, encoding in sides.items()}
        if "loss" in r:
            bits["loss"] = r.meta["reg_factor"] * bits["bits_left"] + bits["bits_right"]
        latents: dict[str, Array] = {}
        for side, encoding in sides.items():
            bits[f"log_p_{side}"] = encoding.log_prior.sum(-1)
            bits[f"log_det_{side}"] = encoding.log_det.sum(-1)
            latents |= {f"z_{side}_{level}": z for level, z in enumerate(encoding.latents)}
        return [
            *(self._bits_row(name, value) for name, value in bits.items() if name in r),
            *(self._image_row(name, latent) for name, latent in latents.items() if name in r),
        ]

    def _image_row(self, name: str, ours: Any) -> Row:
        return compare(name, ours, self.recording.image(name), "absolute", IMAGE_ABSOLUTE)

    def _decoding_rows(self, variables: Any) -> list[Row]:
        r, levels = self.recording, range(self.architecture.levels)
        read: Callable[..., Any] = jax.jit(partial(self._apply, method=Flow.read_conditions))

        @partial(jax.jit, static_argnums=2)
        def decode(latents: Any, parameters: Any, from_noise: bool) -> Array:
            return self._apply(variables, latents, parameters, from_noise, method=Flow.decode)

        @jax.jit
        def decode_source(noise: Any) -> Array:
            return self._apply(variables, noise, None, True, SOURCE, method=Flow.decode)

        latents = tuple(r.image(f"z_right_{level}") for level in levels)
        own = read(variables, (r.image("x_a"),), self._maps)
        cases: dict[str, Callable[[], Any]] = {
            "reconstruct_x_b": lambda: decode(latents, own, False),
            "transfer_x_b": lambda: decode(
                latents, read(variables, (r.image("x_a_new"),), self._maps), False
            ),
        }
        if "eps_0" in r:
            noise = tuple(r.image(f"eps_{level}") for level in levels)
            cases["sample_x_b"] = lambda: decode(noise, own, True)
            cases["left_sample_x_a"] = lambda: decode_source(noise)
        return [self._image_row(name, run()) for name, run in cases.items() if name in r]

    def _gradient_rows(self, gradients: Any, source_grad: Array, target_grad: Array) -> list[Row]:
        r = self.recording
        ours = to_torch({"params": gradients}, self.architecture)
        bound = ("relative", GRADIENT_RELATIVE)
        rows = [
            compare("grad_x_a", source_grad, r.image("grad_x_a"), *bound),
            compare("grad_x_b", target_grad, r.image("grad_x_b"), *bound),
        ]
        tensors = [compare(n, ours[n], value, *bound) for n, value in r.under("grad::").items()]
        norms = [
            compare(name, np.linalg.norm(ours[name]), value, *bound)
            for name, value in r.under("gradnorm::").items()
        ]
        rows += [_worst("gradients", tensors)] if tensors else []
        return [*rows, _worst("gradient norms", norms)]

    def _start_rows(self) -> list[Row]:
        """Data-dependent values: weights are the recorded ones, actnorms start from the data."""
        r = self.recording
        after = r.under("after::")
        given = r.variables(skip=tuple(after))
        start = partial(self._apply, mutable=["params", "constants"])
        images, rngs = (r.image("x_a"), r.image("x_b")), {"params": jax.random.key(0)}
        encodings, variables = jax.jit(start)(given, images, self._maps, rngs=rngs)
        ours = to_torch(variables, self.architecture)
        bound = ("absolute", START_ABSOLUTE)
        starts = [compare(name, ours[name], value, *bound) for name, value in after.items()]
        sides = zip(("left", "right"), encodings, strict=True)
        rows = [self._bits_row(f"bits_{side}", self._bits(encoding)) for side, encoding in sides]
        return [*rows, _worst("actnorm starts", starts)]


def main(argv: Sequence[str]) -> int:
    """Prints a table for each file; 0 if everything is within its tolerance, else 1."""
    parser = argparse.ArgumentParser(prog="python -m fullglow_jax.interop.verify")
    parser.add_argument("files", nargs="+", metavar="FILE.npz", help="recorded-values files")
    files = parser.parse_args(argv).files
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(f"jax {jax.__version__} on {jax.devices()[0].device_kind}")
    failed = 0
    for path in files:
        table = Table("quantity", "absolute", "relative", "tolerance", "ok", title=path)
        for row in Checker(Recording.load(user_path(path))).rows():
            failed += not row.ok
            table.add_row(
                row.quantity,
                f"{row.absolute:.2e}",
                f"{row.relative:.2e}",
                f"{row.tolerance:.0e} {row.bounds}",
                "ok" if row.ok else "[red]NO",
            )
        console.print(table)
    return 1 if failed else 0


if __name__ == "__main__":
    cli.run(main)
