"""A whole split drawn anew."""

from fullglow_jax.errors import UserError
from fullglow_jax.sampling.capabilities import CONDITIONS
from fullglow_jax.sampling.modes.mode import Session, mode


@mode(
    "set",
    "a whole split, resumable",
    reads=("split", "rounds", "limit", "temperature"),
    needs=(CONDITIONS,),
)
def split_set(session: Session) -> None:
    """Draws a split in the requested rounds; see `whole_set`.

    Raises:
        UserError: If several temperatures are asked for, or the folder holds another set.
    """
    from fullglow_jax.sampling.whole_set import whole_set

    if len(session.temperatures) > 1:
        raise UserError(
            f"--mode {session.request.mode} takes one --temperature; draw a set for each."
        )
    whole_set(session)
