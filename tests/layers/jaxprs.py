"""What a program computes, read off its jaxpr without running it."""

import jax


def equations(function, *args):
    """All equations of a function's jaxpr, those of loops and calls inside it included."""
    found, waiting = [], [jax.make_jaxpr(function)(*args)]
    while waiting:
        part = waiting.pop()
        if isinstance(part, tuple | list):
            waiting += part
        elif hasattr(part, "eqns"):
            found += part.eqns
            waiting += [value for equation in part.eqns for value in equation.params.values()]
        elif hasattr(part, "jaxpr"):
            waiting.append(part.jaxpr)
    return found


def largest_result(function, *args):
    """Elements of the largest array that any equation gives out."""
    return max(
        variable.aval.size
        for equation in equations(function, *args)
        for variable in equation.outvars
    )


def products(function, *args):
    """The matrix products and convolutions."""
    names = ("dot_general", "conv_general_dilated")
    return [each for each in equations(function, *args) if each.primitive.name in names]


def product_types(function, *args):
    """Types of what the matrix products and convolutions take."""
    return {
        str(operand.aval.dtype)
        for equation in products(function, *args)
        for operand in equation.invars
    }


def short_products(function, *args, besides=()):
    """The products that a device may shorten its factors for, but for those of some types."""
    return shortened(products(function, *args), besides)


def shortened(found, besides=()):
    """Of products, those that a device may shorten the factors of, but for those of some types."""
    exact = (jax.lax.Precision.HIGHEST,) * 2
    return [
        equation
        for equation in found
        if equation.params["precision"] != exact
        and not {str(operand.aval.dtype) for operand in equation.invars} <= {*besides}
    ]
