from fullglow_jax.data.names import canonical


def test_names_that_look_the_same_are_the_same():
    assert canonical("cafe\u0301 \u1112\u1161\u11ab") == canonical("caf\u00e9 \ud55c")
    assert canonical("caf\u00e9") == "caf\u00e9"


def test_names_that_look_different_stay_different():
    assert len({canonical(name) for name in ("cafe", "café", "Café", "ﬁ", "fi", "2", "²")}) == 7
