"""A joint step, from what came out of it to what went in, with all gradients."""

from jax import Array

from fullglow_jax.models.flow_step import step_bijections, with_boundary
from fullglow_jax.models.inverting_backward import (
    Tree,
    Variables,
    after,
    of_step,
    operation_back,
)
from fullglow_jax.models.joint_step import JointState, JointStep


def joint_step_back(
    step: JointStep,
    variables: Variables,
    index: Array,
    state: JointState,
    cotangent: JointState,
    boundary: Array | None,
) -> tuple[JointState, JointState, Tree]:
    """(state before the step, its cotangent, the parameters' gradients), from those after it.

    The target's operation goes first: it reads the source's output of the same operation, and
    what it has to say of that must be known before the source's operation can go back.
    """
    of_source = step_bijections(step.architecture, step.channels, conditional=False)
    of_target = step_bijections(step.architecture, step.channels, conditional=True)
    source, target, source_log_det, target_log_det = state
    g_source, g_target, g_source_log_det, g_target_log_det = cotangent
    gradients: dict[str, dict[str, Tree]] = {"source": {}, "target": {}}
    for name in ("coupling", "convolution", "actnorm"):
        # One operation after the other, or the weights and buffers of all are alive together.
        index = after(g_source, index)
        target, g_target, g_condition, gradients["target"][name] = operation_back(
            getattr(of_target, name),
            of_step(variables, ("target", name), index),
            with_boundary(source, boundary),
            target,
            (g_target, g_target_log_det),
        )
        g_source = g_source + g_condition[..., : source.shape[-1]]
        source, g_source, _, gradients["source"][name] = operation_back(
            getattr(of_source, name),
            of_step(variables, ("source", name), index),
            None,
            source,
            (g_source, g_source_log_det),
        )
    # The log-determinants so far are sums, which nothing reads on the way back.
    return (
        JointState(source, target, source_log_det, target_log_det),
        JointState(g_source, g_target, g_source_log_det, g_target_log_det),
        gradients,
    )
