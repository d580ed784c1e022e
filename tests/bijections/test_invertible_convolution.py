import numpy as np
import pytest

from tests.bijections.cases import CONVOLUTIONS, Case, variable_shapes
from tests.layers.variables import run, start

SHAPE = (2, 5, 6, 4)


def build(lower, upper, log_scale, permutation, sign):
    """W = P·(L + I)·(U + diag(sign·exp(log s))), from NumPy's own triangles."""
    lower = np.tril(lower, -1) + np.eye(len(sign))
    return permutation @ lower @ (np.triu(upper, 1) + np.diag(sign * np.exp(log_scale)))


def read_start(case, variables, channels):
    """W as the variables give it, for a condition that does not count yet."""
    params = variables["params"]
    square = (channels, channels)
    if case.conditional:
        assert not params["vector_net"]["output"]["kernel"].any()
        flat = params["vector_net"]["output"]["bias"]
        if case.kind == "convolution":
            return flat.reshape(square)
        lower, upper, log_scale = np.split(flat, [channels**2, 2 * channels**2])
        factors = lower.reshape(square), upper.reshape(square), log_scale
    else:
        if case.kind == "convolution":
            return params["weight"]
        factors = params["lower"], params["upper"], params["log_scale"]
    return build(*factors, variables["constants"]["permutation"], variables["constants"]["sign"])


@pytest.mark.parametrize("case", CONVOLUTIONS, ids=str)
def test_starts_as_a_rotation(case):
    inputs = case.inputs(SHAPE, 0, np.float32)
    x = inputs[0]
    (y, log_det), variables = start(case.module(4), *inputs, method="forward")
    weight = read_start(case, variables, 4)
    np.testing.assert_allclose(weight @ weight.T, np.eye(4), atol=1e-5)
    assert np.abs(weight - np.eye(4)).max() > 0.1
    np.testing.assert_allclose(log_det, np.zeros(2), atol=1e-4)
    np.testing.assert_allclose(y, np.einsum("oi,bhwi->bhwo", weight, x), atol=1e-5)

    _, other = start(case.module(4), *inputs, method="forward", seed=1)
    assert np.abs(weight - read_start(case, other, 4)).max() > 0.1


@pytest.mark.parametrize(
    ("kind", "length"), [("LU convolution", 4**2 + 4**2 + 4), ("convolution", 4**2)]
)
def test_a_conditional_one_reads_a_vector_of_the_right_length(kind, length):
    params = variable_shapes(Case(kind, True), SHAPE)["params"]
    assert params["vector_net"]["output"]["bias"].shape == (length,)


def test_permutation_and_sign_are_not_trained():
    shapes = variable_shapes(Case("LU convolution"), SHAPE)
    assert shapes["params"].keys() == {"lower", "upper", "log_scale"}
    assert shapes["constants"].keys() == {"permutation", "sign"}


@pytest.mark.parametrize("kind", ["convolution", "LU convolution"])
def test_own_and_conditional_parameters_mean_the_same(kind):
    own, conditional = Case(kind), Case(kind, True)
    variables = own.variables(SHAPE, 1, np.float32)
    if kind == "convolution":
        weight = variables["params"]["weight"]
        vector = weight.ravel()
    else:
        factors = [variables["params"][name] for name in ("lower", "upper", "log_scale")]
        vector = np.concatenate([factor.ravel() for factor in factors])
        constants = variables["constants"]
        weight = build(*factors, constants["permutation"], constants["sign"])
    of_conditional = conditional.variables(SHAPE, 2, np.float32)
    output = of_conditional["params"]["vector_net"]["output"]
    output["kernel"], output["bias"] = np.zeros_like(output["kernel"]), vector
    if "constants" in variables:
        of_conditional["constants"] = variables["constants"]

    x, condition = conditional.inputs(SHAPE, 3, np.float32)
    y, log_det = run(own.module(4), variables, x, method="forward")
    same = run(conditional.module(4), of_conditional, x, condition, method="forward")
    np.testing.assert_allclose(y, np.einsum("oi,bhwi->bhwo", weight, x), atol=1e-5)
    expected = 5 * 6 * np.linalg.slogdet(weight).logabsdet
    np.testing.assert_allclose(log_det, [expected, expected], rtol=1e-4)
    np.testing.assert_allclose(same[0], y, atol=1e-5)
    np.testing.assert_allclose(same[1], log_det, rtol=1e-5)
