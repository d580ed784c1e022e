"""The command that checks this implementation against recorded values of the originals.

python -m fullglow_jax.interop.verify FILE.npz …

It rebuilds the recorded model, runs it on the recorded inputs on JAX's default device, its networks
at the highest precision, and prints each quantity's difference; it exits with 1 if any is out of
its tolerance. Run it on a new accelerator to check its numerics. A file of metrics and pixels is
compared with the functions that compute them here.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from rich.console import Console
from rich.table import Table

from fullglow_jax import cli
from fullglow_jax.evaluation import recorded_metrics
from fullglow_jax.evaluation.metrics.psnr import Psnr
from fullglow_jax.evaluation.metrics.ssim import Ssim
from fullglow_jax.files.paths import user_path
from fullglow_jax.flows.flow import Flow, LevelMaps
from fullglow_jax.flows.likelihood import bits_per_dim, quantise, to_centred
from fullglow_jax.flows.step_tables import SOURCE
from fullglow_jax.interop import recorded_gans, recorded_inade
from fullglow_jax.interop.originals import Pictures, Recorded
from fullglow_jax.interop.recording import RecordedArrays, Recording, load_recorded, meta_of
from fullglow_jax.interop.row import Row, compare, worst
from fullglow_jax.interop.tensors import tensors_of
from fullglow_jax.models.encoding import Encoding, Images

Encodings = tuple[Encoding, ...]

BITS_RELATIVE = 1e-5
IMAGE_ABSOLUTE = 2e-4
GRADIENT_RELATIVE = 1e-3
START_ABSOLUTE = 1e-4

SYSTEMS = recorded_gans.SYSTEMS | recorded_inade.SYSTEMS | recorded_metrics.SYSTEMS
"""By `meta["system"]`, what makes rows of its recorded arrays."""


class Checker:
    """A recorded-values file, and this implementation of its model."""

    def __init__(self, recording: Recording) -> None:
        self.recording, self.architecture = recording, recording.architecture
        self.original = recording.original
        self.flow = self.original.flow(self.architecture)
        self._entries = list(self.original.entries(self.architecture))

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

    def _pictures(self) -> dict[str, Array]:
        """The recorded images that the flow reads and encodes, by name."""
        names = {self.original.condition, *(each.image for each in self.original.images.values())}
        return {name: self.recording.image(name) for name in names if name}

    def _inputs(self, pictures: Pictures) -> tuple[Images, LevelMaps]:
        """The flow's images, as far as they are there, and the maps that it reads."""
        names = [each.image for each in self.original.images.values()]
        images = tuple(pictures[name] for name in names if name in pictures)
        return images, self.original.maps(self.recording, self.architecture, pictures)

    def _bits(self, encoding: Encoding) -> Array:
        """Bits per dimension of each example."""
        log_prior, log_det = encoding.log_prior.sum(-1), encoding.log_det.sum(-1)
        bits = self.original.bits(self.recording)
        return bits_per_dim(log_prior, log_det, self.architecture.dimensions, bits)

    def _bits_row(self, name: str, ours: Array) -> Row:
        """Of one number for each example, or of the mean if that is recorded."""
        recorded = self.recording[name]
        if name == "log_det_right" and "family" not in self.recording.meta:
            # Full-Glow's original averages some of its terms over the batch.
            recorded = recorded.mean()
        ours = ours if recorded.ndim else ours.mean()
        return compare(name, ours, recorded, "relative", BITS_RELATIVE)

    def _encode(self, variables: Any) -> tuple[Encodings, Any]:
        """All encodings, and the loss's gradients if they are recorded, in one compilation."""
        r, apply = self.recording, self._apply(keeps_noise=False)

        def loss(params: Any, pictures: Pictures) -> Any:
            encodings = apply({**variables, "params": params}, *self._inputs(pictures))
            return self._loss([self._bits(encoding) for encoding in encodings]).mean(), encodings

        arguments = variables["params"], self._pictures()
        if not r.under("gradnorm::"):
            return jax.jit(loss)(*arguments)[1], None
        loss_gradient = jax.jit(jax.grad(loss, (0, 1), has_aux=True))
        gradients, encodings = loss_gradient(*arguments)
        return encodings, gradients

    def _loss(self, bits: Sequence[Array]) -> Array:
        """The objective: the last image's bits, and the source's with its weight."""
        *source, target = bits
        return sum((self.recording.meta.get("reg_factor", 0.0) * each for each in source), target)

    def _encoding_rows(self, encodings: Encodings) -> list[Row]:
        r = self.recording
        numbers: dict[str, Array] = {}
        latents: dict[str, Array] = {}
        for recorded, encoding in zip(self.original.images.values(), encodings, strict=True):
            numbers[f"bits{recorded.suffix}"] = self._bits(encoding)
            numbers[f"log_p{recorded.suffix}"] = encoding.log_prior.sum(-1)
            numbers[f"log_det{recorded.suffix}"] = encoding.log_det.sum(-1)
            for level, latent in enumerate(encoding.latents):
                numbers[f"log_p{recorded.suffix}_{level}"] = encoding.log_prior[:, level]
                latents[f"z{recorded.suffix}_{level}"] = latent
        numbers["loss"] = self._loss([self._bits(encoding) for encoding in encodings])
        return [
            *(self._bits_row(name, value) for name, value in numbers.items() if name in r),
            *(self._image_row(name, latent) for name, latent in latents.items() if name in r),
        ]

    def _image_row(self, name: str, ours: Any) -> Row:
        return compare(name, ours, self.recording.image(name), "absolute", IMAGE_ABSOLUTE)

    def _decoding_rows(self, variables: Any) -> list[Row]:
        r = self.recording
        *_, drawn = self.original.images.values()
        condition = self.original.condition
        apply: Callable[..., Any] = self.flow.apply

        @jax.jit
        def read(conditions: Pictures) -> Any:
            return apply(variables, *self._inputs(conditions), method=Flow.read_conditions)

        @partial(jax.jit, static_argnums=2)
        def decode(latents: Any, conditions: Any, from_noise: bool) -> Array:
            return apply(variables, latents, conditions, from_noise, method=Flow.decode)

        @jax.jit
        def decode_source(noise: Any) -> Array:
            return apply(variables, noise, None, True, SOURCE, method=Flow.decode)

        def at_levels(name: str) -> tuple[Array, ...]:
            return tuple(r.image(f"{name}_{level}") for level in range(self.architecture.levels))

        kept = at_levels(f"{'eps' if self.flow.keeps_noise else 'z'}{drawn.suffix}")
        own = read({condition: r.image(condition)} if condition else {})
        cases: dict[str, Callable[[], Any]] = {
            f"reconstruct_{drawn.image}": lambda: decode(kept, own, False),
            f"transfer_{drawn.image}": lambda: decode(
                kept, read({condition: r.image(f"{condition}_new")}), False
            ),
        }
        if "eps_0" in r:
            noise = at_levels("eps")
            cases[f"sample_{drawn.image}"] = lambda: decode(noise, own, True)
            cases["left_sample_x_a"] = lambda: decode_source(noise)
        return [
            *self._noise_rows(variables, drawn),
            *(self._image_row(name, run()) for name, run in cases.items() if name in r),
        ]

    def _noise_rows(self, variables: Any, drawn: Recorded) -> list[Row]:
        """What stays in a content transfer, where it is the noise."""
        if not self.flow.keeps_noise:
            return []
        apply = jax.jit(self._apply(keeps_noise=True))
        noise = apply(variables, *self._inputs(self._pictures()))[-1].latents
        return [
            self._image_row(f"eps{drawn.suffix}_{level}", each) for level, each in enumerate(noise)
        ]

    def _apply(self, keeps_noise: bool) -> Callable[..., Any]:
        apply: Callable[..., Any] = self.flow.clone(keeps_noise=keeps_noise).apply
        return apply

    def _gradient_rows(self, gradients: Any, of_pictures: Pictures) -> list[Row]:
        r = self.recording
        ours = tensors_of({"params": gradients}, self._entries)
        bound = ("relative", GRADIENT_RELATIVE)
        rows = [
            compare(name, gradient, r.image(name), *bound)
            for picture, gradient in of_pictures.items()
            if (name := f"grad_{picture}") in r
        ]
        recorded_gradients = self.original.gradients(r.under("grad::"))
        norms = r.under("gradnorm::")
        shapes = {name: r.state[name].shape for name in norms}
        tensors = [compare(n, ours[n], value, *bound) for n, value in recorded_gradients.items()]
        of_norms = [
            compare(name, np.linalg.norm(ours[name]), value, *bound)
            for name, value in self.original.norms(norms, shapes).items()
        ]
        rows += [worst("gradients", tensors)] if tensors else []
        return [*rows, worst("gradient norms", of_norms)]

    def _start_rows(self) -> list[Row]:
        """Data-dependent values: weights are the recorded ones, actnorms start from the data."""
        r = self.recording
        after = r.under("after::")
        given = r.variables(skip=tuple(after))
        start = partial(self.flow.apply, mutable=["params", "constants"])
        rngs = {"params": jax.random.key(0)}
        inputs = self._inputs(self._pictures())
        encodings, variables = jax.jit(start)(given, *inputs, rngs=rngs)
        ours, expected = tensors_of(variables, self._entries), r.weights(after)
        bound = ("absolute", START_ABSOLUTE)
        starts = [compare(name, ours[name], expected[name], *bound) for name in after]
        recorded = self.original.images.values()
        return [
            *(
                self._bits_row(f"bits{each.suffix}", self._bits(encoding))
                for each, encoding in zip(recorded, encodings, strict=True)
            ),
            worst("actnorm starts", starts),
        ]


class FunctionChecker:
    """A file of recorded values of functions without weights: metrics of two images, and pixels.

    Raises:
        ValueError: If there are none of those.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        names = [name for name in ("image_1", "image_2") if name in arrays]
        images = [np.moveaxis(arrays[name], 0, -1) for name in names]
        cases: dict[str, Callable[[], Any]] = {
            "psnr": lambda: Psnr.similarity(*images),
            "ssim": lambda: Ssim.similarity(*images),
            **{f"preprocessed_{bits}": partial(self._pixels, arrays, bits) for bits in range(1, 9)},
        }
        self._arrays = arrays
        self._cases = {name: run for name, run in cases.items() if name in arrays}
        if not self._cases:
            raise ValueError("neither a model nor a metric is recorded")

    def rows(self) -> list[Row]:
        """Every quantity that the file holds."""
        return [
            compare(name, run(), self._arrays[name], "relative", BITS_RELATIVE)
            for name, run in self._cases.items()
        ]

    @staticmethod
    def _pixels(arrays: Mapping[str, np.ndarray], bits: int) -> Array:
        """The recorded 8-bit image as the published Glow has it."""
        return to_centred(quantise(jnp.asarray(arrays["image"]), bits), bits)


def rows_of(arrays: dict[str, np.ndarray]) -> list[Row]:
    """Every quantity of a file, checked by what its meta data describe."""
    meta = meta_of(arrays)
    if "what" in meta:
        return FunctionChecker(arrays).rows()
    if meta.get("system") in SYSTEMS:
        return SYSTEMS[meta["system"]](RecordedArrays(arrays))
    return Checker(Recording(arrays)).rows()


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
        for row in load_recorded(user_path(path), rows_of):
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
