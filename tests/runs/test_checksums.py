import jax.numpy as jnp
import pytest

from fullglow_jax.runs.checksums import checksums


@pytest.mark.parametrize("kind", ["float32", "bfloat16", "int32", "uint8", "bool"])
def test_any_turned_bit_shows(kind):
    array = (jnp.arange(12).reshape(3, 4) % 3).astype(kind)
    other = array.at[1, 2].set(jnp.asarray(0 if array[1, 2] else 1, kind))
    assert checksums({"a": [array]}) != checksums({"a": [other]})
    assert checksums({"a": [array], "b": array}) == checksums({"a": [array], "b": array})


def test_sums_are_of_words():
    one = jnp.float32(1.0)  # 0x3f800000
    assert checksums({"a": {"x": jnp.array([one, one]), "y": jnp.uint32(2**32 - 1)}}) == {
        "a": [0x7F000000, 2**32 - 1]
    }
    assert checksums({"a": jnp.full(2, 2**32 - 1, jnp.uint32)}) == {"a": [2**32 - 2]}
