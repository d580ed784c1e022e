"""Checks this implementation against recorded values of the original.

python -m fullglow_jax.interop.verify FILE.npz …

Rebuilds the recorded model, runs it on the recorded inputs on JAX's default device, and prints each
quantity's difference; exits with 1 if any is out of its tolerance. Run it on a new accelerator to
check its numerics.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from jax import Array
from rich.console import Console
from rich.table import Table

from fullglow_jax import cli
from fullglow_jax.interop.recording import Recording
from fullglow_jax.interop.torch_names import to_torch
from fullglow_jax.likelihood import bits_per_dim
from fullglow_jax.models.full_glow import Encoding, FullGlow

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
        """Whether the bounded difference is within the tolerance; a NaN is not."""
        return bool(getattr(self, self.bounds) <= self.tolerance)


def compare(quantity: str, ours: Any, recorded: Any, bounds: str, tolerance: float) -> Row:
    """The largest absolute difference, and the difference relative to the recorded norm."""
    ours, recorded = np.asarray(ours, np.float64), np.asarray(recorded, np.float64)
    difference = ours.reshape(recorded.shape) - recorded
    norm = np.linalg.norm(recorded)
    relative = np.linalg.norm(difference) / norm if norm else np.linalg.norm(difference)
    return Row(quantity, float(np.abs(difference).max()), float(relative), bounds, tolerance)


def _worst(quantity: str, rows: Sequence[Row]) -> Row:
    """The row furthest out of its tolerance, under a name that tells how many it stands for."""
    row = max(rows, key=lambda r: (not r.ok, getattr(r, r.bounds)))
    return row._replace(quantity=f"{quantity} ({len(rows)}, worst {row.quantity})")


class Checker:
    """One recorded-values file beside this implementation's model of it."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.architecture = recording.architecture
        self._apply: Callable[..., Any] = FullGlow(self.architecture).apply

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
        """Both encodings; where gradients are recorded, the loss's, in the same compilation."""
        r = self.recording

        def loss(params: Any, source: Array, target: Array) -> Any:
            left, right = self._apply({**variables, "params": params}, source, target, r.boundary())
            weight = r.meta.get("reg_factor", 0.0)
            return weight * self._bits(left) + self._bits(right), (left, right)

        arguments = variables["params"], r.image("x_a"), r.image("x_b")
        if not r.under("gradnorm::"):
            return jax.jit(loss)(*arguments)[1], None
        of_loss = jax.jit(jax.grad(loss, (0, 1, 2), has_aux=True))
        gradients, encodings = of_loss(*arguments)
        return encodings, gradients

    def _encoding_rows(self, encodings: tuple[Encoding, Encoding]) -> list[Row]:
        r = self.recording
        sides = dict(zip(("left", "right"), encodings, strict=True))
        rows = [self._bits_row(f"bits_{side}", self._bits(e)) for side, e in sides.items()]
        if "loss" in r:
            loss = r.meta["reg_factor"] * self._bits(sides["left"]) + self._bits(sides["right"])
            rows.append(self._bits_row("loss", loss))
        for side, encoding in sides.items():
            for name, value in (
                (f"log_p_{side}", encoding.log_prior.sum(-1)),
                (f"log_det_{side}", encoding.log_det.sum(-1)),
            ):
                if name in r:
                    rows.append(self._bits_row(name, value))
            for level, latent in enumerate(encoding.latents):
                name = f"z_{side}_{level}"
                if name in r:
                    rows.append(compare(name, latent, r.image(name), "absolute", IMAGE_ABSOLUTE))
        return rows

    def _decoding_rows(self, variables: Any) -> list[Row]:
        r, levels = self.recording, range(self.architecture.levels)
        boundary = r.boundary()

        read: Callable[..., Any] = jax.jit(partial(self._apply, method=FullGlow.read_condition))

        @partial(jax.jit, static_argnums=2)
        def decode(latents: Any, parameters: Any, from_noise: bool) -> Array:
            return self._apply(variables, latents, parameters, from_noise, method=FullGlow.decode)

        @jax.jit
        def decode_source(noise: Any) -> Array:
            return self._apply(variables, noise, True, method=FullGlow.decode_source)

        latents = tuple(r.image(f"z_right_{level}") for level in levels)
        own = read(variables, r.image("x_a"), boundary)
        cases: dict[str, Callable[[], Any]] = {
            "reconstruct_x_b": lambda: decode(latents, own, False),
            "transfer_x_b": lambda: decode(
                latents, read(variables, r.image("x_a_new"), boundary), False
            ),
        }
        if "eps_0" in r:
            noise = tuple(r.image(f"eps_{level}") for level in levels)
            cases["sample_x_b"] = lambda: decode(noise, own, True)
            cases["left_sample_x_a"] = lambda: decode_source(noise)
        return [
            compare(name, run(), r.image(name), "absolute", IMAGE_ABSOLUTE)
            for name, run in cases.items()
            if name in r
        ]

    def _gradient_rows(self, gradients: Any, of_source: Array, of_target: Array) -> list[Row]:
        r = self.recording
        ours = to_torch({"params": gradients}, self.architecture)
        bound = ("relative", GRADIENT_RELATIVE)
        rows = [
            compare("grad_x_a", of_source, r.image("grad_x_a"), *bound),
            compare("grad_x_b", of_target, r.image("grad_x_b"), *bound),
        ]
        tensors = [compare(n, ours[n], value, *bound) for n, value in r.under("grad::").items()]
        norms = [
            compare(name, np.linalg.norm(ours[name]), value, *bound)
            for name, value in r.under("gradnorm::").items()
        ]
        rows += [_worst("gradients", tensors)] if tensors else []
        return [*rows, _worst("gradient norms", norms)]

    def _start_rows(self) -> list[Row]:
        """Data-dependent values: the recorded weights given, actnorms left to start from data."""
        r = self.recording
        after = r.under("after::")
        given = r.variables(skip=tuple(after))
        apply: Callable[..., Any] = jax.jit(
            lambda variables, *images: self._apply(
                variables,
                *images,
                mutable=["params", "constants"],
                rngs={"params": jax.random.key(0)},
            )
        )
        encodings, variables = apply(given, r.image("x_a"), r.image("x_b"), r.boundary())
        ours = to_torch(variables, self.architecture)
        starts = [
            compare(name, ours[name], value, "absolute", START_ABSOLUTE)
            for name, value in after.items()
        ]
        return [
            *(
                self._bits_row(f"bits_{side}", self._bits(encoding))
                for side, encoding in zip(("left", "right"), encodings, strict=True)
            ),
            _worst("actnorm starts", starts),
        ]


def verify(path: str) -> list[Row]:
    """Every quantity of one recorded-values file.

    Raises:
        UserError: Where the file is missing or is not a recorded-values file.
    """
    return Checker(Recording.load(path)).rows()


def main(argv: Sequence[str]) -> int:
    """Prints a table a file; 0 if everything is within its tolerance, else 1."""
    parser = argparse.ArgumentParser(prog="python -m fullglow_jax.interop.verify")
    parser.add_argument("files", nargs="+", metavar="FILE.npz", help="recorded-values files")
    files = parser.parse_args(argv).files
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(f"jax {jax.__version__} on {jax.devices()[0].device_kind}")
    failed = 0
    for path in files:
        table = Table("quantity", "absolute", "relative", "tolerance", "ok", title=path)
        for row in verify(path):
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
