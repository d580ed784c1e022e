"""What a program computes, read off its jaxpr without running it."""

import jax


def equations(function, *args):
    """All equations of a function's jaxpr, those of loops and calls inside it included."""
    found, waiting = [], [jax.make_jaxpr(function)(*args)]
    while waiting:
        part = waiting.pop()
        if isinstance(part, tuple | list):
            waiting += part
        elif hasattr(part, "jaxpr"):
            waiting.append(part.jaxpr)
        elif hasattr(part, "eqns"):
            found += part.eqns
            waiting += [value for equation in part.eqns for value in equation.params.values()]
    return found


def largest_result(function, *args):
    """Elements of the largest array that any equation gives out."""
    return max(
        variable.aval.size
        for equation in equations(function, *args)
        for variable in equation.outvars
    )


def product_types(function, *args):
    """Types of what the matrix products and convolutions take."""
    return {
        str(operand.aval.dtype)
        for equation in equations(function, *args)
        if equation.primitive.name in ("dot_general", "conv_general_dilated")
        for operand in equation.invars
    }
