"""The sample command: pictures from a trained model, in one of several modes."""

from ml_collections import ConfigDict

from fullglow_jax.errors import UserError, with_article
from fullglow_jax.models.interface import Model
from fullglow_jax.parallel.devices import Devices
from fullglow_jax.runs.trained import load_trained
from fullglow_jax.sampling.capabilities import lacking
from fullglow_jax.sampling.modes import MODES
from fullglow_jax.sampling.operations import Operations
from fullglow_jax.sampling.request import SampleRequest
from fullglow_jax.sampling.session import Session


def sample(config: ConfigDict, request: SampleRequest) -> None:
    """Draws the requested pictures.

    Raises:
        UserError: If the checkpoint or an image cannot be read, `out` cannot be made, or the model
            lacks a capability of the mode.
    """
    devices = Devices(config.parallel)
    trained = load_trained(config, request.workdir, request.checkpoint, devices)
    check_able(trained.model, config.model.name, request.mode)
    operations = Operations(trained, config.model.name, devices, request.batch_size)
    MODES[request.mode].draw(Session(config, request, operations))


def check_able(model: Model, name: str, mode: str) -> None:
    """Checks that a model, of this name in the config, has all capabilities that a mode needs.

    Raises:
        UserError: If it has not.
    """
    if reasons := lacking(model, MODES[mode].needs):
        able = [name for name, other in MODES.items() if not lacking(model, other.needs)]
        raise UserError(
            f"--mode {mode}: this model, {with_article(name)}, {reasons[0]}. It can do --mode "
            f"{' or '.join(able)}."
        )
