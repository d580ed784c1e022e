"""Tests that need what is missing skip, but in continuous integration fail."""

import pytest

from tests import needs


@pytest.mark.parametrize(
    "asked", [lambda: needs.package("no_such_package"), lambda: needs.program("no-such-program")]
)
def test_what_is_missing_skips_a_test_and_fails_it_in_ci(monkeypatch, asked):
    monkeypatch.delenv("FULLGLOW_ALL_TESTS", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"no.such"):
        asked()
    monkeypatch.setenv("FULLGLOW_ALL_TESTS", "1")
    with pytest.raises(pytest.fail.Exception, match=r"no.such"):
        asked()


def test_what_is_there_is_given():
    assert needs.package("json").dumps(1) == "1"
    assert needs.program("no-such-program", "sh").endswith("/sh")
