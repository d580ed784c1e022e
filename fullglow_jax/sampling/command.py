"""The sample command: pictures out of a trained model, in one of several modes."""

from ml_collections import ConfigDict

from fullglow_jax.errors import UserError
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.sampling.modes import MODES
from fullglow_jax.sampling.operations import Operations
from fullglow_jax.sampling.request import SampleRequest
from fullglow_jax.sampling.session import Session
from fullglow_jax.training.trained import load_trained

_READ_BY = {
    "conditions": ("--condition", ("random",)),
    "boundaries": ("--boundary", ("random",)),
    "pairs": ("--pair", ("reconstruct", "transfer", "interpolate")),
}
"""What names single images: the flag, and the modes that read it."""


def sample(config: ConfigDict, request: SampleRequest) -> None:
    """Draws what is asked for.

    Raises:
        UserError: Where the checkpoint or an image cannot be read, `out` cannot be made, or the
            mode and its arguments or the model do not go together.
    """
    for field, (flag, modes) in _READ_BY.items():
        if getattr(request, field) and request.mode not in modes:
            raise UserError(
                f"{flag} means nothing to --mode {request.mode}, only to --mode "
                f"{' or '.join(modes)}."
            )
    devices = Devices()
    trained = load_trained(config, request.workdir, request.checkpoint, devices)
    operations = Operations(trained, config.model.name, devices, request.batch_size)
    MODES[request.mode](Session(config, request, operations))
