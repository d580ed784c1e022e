"""Checks that images are large enough for the networks that judge them."""

from typing import Protocol

from fullglow_jax.errors import UserError
from fullglow_jax.gans.perceptual import SMALLEST, VGGS


class Form(Protocol):
    """A discriminator at one scale."""

    norm: str

    def normed_sizes(self, height: int, width: int) -> list[tuple[int, int]]:
        """(h, w) of what each norm reads, and at last of the logits; below 1 if there are none."""


def check_discriminator(
    form: Form, kind: str, image_size: tuple[int, int], scales: int, batch: int, mend: str = ""
) -> None:
    """Checks that something is left of an image at each scale, and is more than one value.

    Args:
        form: The discriminator.
        kind: Its name in the config.
        image_size: (H, W).
        scales: Scales.
        batch: Examples whose statistics a batch norm takes.
        mend: One more way out for a norm of a single value, in words.

    Raises:
        UserError: If not.
    """
    height, width = image_size
    layers = ", or fewer config.model.discriminator_layers" * (kind == "patch")
    larger = f"Take larger images, or fewer config.model.scales{layers}."
    for scale in range(scales):
        *normed, logits = form.normed_sizes(height, width)
        where = f"at scale {scale + 1} of {scales}, of {height}×{width} pixels,"
        if min(logits) < 1:
            raise UserError(
                f"config.data.image_size={image_size} is too small for a {kind!r} discriminator: "
                f"{where} nothing would be left. {larger}"
            )
        examples = batch if form.norm == "batch" else 1
        if form.norm != "none" and any(h * w * examples == 1 for h, w in normed):
            raise UserError(
                f"The {form.norm!r} norm of the discriminator, {where} would be of a single value, "
                f"its own mean. {larger}{mend}"
            )
        height, width = -(-height // 2), -(-width // 2)


def check_perceptual(network: str, image_size: tuple[int, int]) -> None:
    """Checks that the network of a perceptual loss can read images of a size.

    Raises:
        UserError: If not.
    """
    if network in VGGS and min(image_size) < SMALLEST:
        raise UserError(
            f"config.data.image_size={image_size} is too small for the perceptual loss: "
            f"a VGG needs {SMALLEST} pixels each way."
        )
