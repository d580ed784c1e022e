"""The paper's optimiser, with a limit on gradients for those who want one."""

import optax


def clipped_adam(
    schedule: optax.Schedule, clip_norm: float | None = None
) -> optax.GradientTransformation:
    """Adam (Full-Glow, section 4.1) on gradients scaled down to a global norm of at most that.

    Its state is the same with a limit and without, so that one can be set in the middle of a run.
    """
    clip = optax.identity() if clip_norm is None else optax.clip_by_global_norm(clip_norm)
    return optax.chain(clip, optax.scale_by_adam(), optax.scale_by_learning_rate(schedule))
