"""Statistics of a set of features as files."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from fullglow_jax.errors import UserError, mended
from fullglow_jax.evaluation.of_features.frechet_distance import Statistics
from fullglow_jax.files.drafts import draft
from fullglow_jax.files.unpacking import read_npz

MEAN, COVARIANCE = "m.npy", "s.npy"

FORMS = (
    f"a .npz with mu and sigma, as pytorch-fid saves it, or a folder with {MEAN} and {COVARIANCE}"
)


class Stored(NamedTuple):
    """Statistics of a file, and the network whose features they are of, if the file says it.

    Attributes:
        statistics: The statistics.
        network: The network's name, with the features and the preprocessing; "" in others' files.
        digest: A digest of all that its features depend on; "" in others' files.
    """

    statistics: Statistics
    network: str = ""
    digest: str = ""


def read_statistics(path: Path) -> Stored:
    """Statistics from a `.npz` with mu and sigma, or from a folder with m.npy and s.npy.

    Raises:
        UserError: If there are none, or they are damaged or do not fit each other.
    """
    network = of_network = ""
    try:
        if path.is_dir():
            mean, covariance = (
                np.load(path / name, allow_pickle=False) for name in (MEAN, COVARIANCE)
            )
        else:
            arrays = read_npz(path)
            mean, covariance = arrays["mu"], arrays["sigma"]
            network, of_network = (str(arrays.get(name, "")) for name in ("network", "digest"))
        found = Statistics(mean.astype(np.float64), covariance.astype(np.float64))
    except FileNotFoundError as error:
        raise UserError(f"{error.filename or path}: no such file; expected {FORMS}.") from None
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise UserError(
            f"{path} has no statistics ({type(error).__name__}: {error}); expected {FORMS}."
        ) from None
    size = found.mean.size
    if found.mean.shape != (size,) or found.covariance.shape != (size, size):
        raise UserError(
            f"{path} has a mean of shape {found.mean.shape} and a covariance of shape "
            f"{found.covariance.shape}, where (C,) and (C, C) were expected."
        )
    if not all(np.isfinite(each).all() for each in found):
        raise UserError(f"{path} has statistics that are not finite. Compute them again.")
    return Stored(found, network, of_network)


def save_statistics(
    path: Path, of_set: Statistics | None, network: str = "", digest: str = ""
) -> None:
    """Writes a `.npz` with mu and sigma, float64, which pytorch-fid reads, too.

    Args:
        path: The file.
        of_set: The statistics.
        network: See `Stored`.
        digest: See `Stored`.

    Raises:
        UserError: If it cannot be written, or there are none, of too few images.
    """
    if of_set is None:
        raise UserError(f"--save_statistics {path}: one image has no covariance. Take more.")
    how = "Make its folder, or let this user write there."
    with mended(f"{path} cannot be written", how), draft(path) as scratch, scratch.open("wb") as f:
        np.savez(f, mu=of_set.mean, sigma=of_set.covariance, network=network, digest=digest)
