import pytest

from fullglow_jax.data.resumable import ResumableBatches
from fullglow_jax.errors import UserError


class Counting:
    """Reads the numbers from some place on, and keeps a record of what it was asked for."""

    def __init__(self, record, place, bad=()):
        self.record, self.place, self.bad = record, place, bad
        record.append(f"from {place}")

    def __next__(self):
        if self.place in self.bad:
            raise UserError(f"{self.place} is bad")
        self.place += 1
        return self.place - 1

    def close(self):
        self.record.append("closed")


def counted(bad=()):
    record = []
    return record, ResumableBatches(lambda place: Counting(record, place, bad))


def test_reads_in_one_go_and_nothing_before_it_is_asked_to():
    record, batches = counted()
    assert record == []
    assert [next(batches) for _ in range(4)] == [0, 1, 2, 3]
    assert batches.get_state() == {"next_batch": 4}
    assert record == ["from 0"]


def test_goes_anywhere():
    record, batches = counted()
    next(batches)
    for place in (7, 3):
        batches.set_state({"next_batch": place})
        assert batches.get_state() == {"next_batch": place}
        assert [next(batches), next(batches)] == [place, place + 1]
    assert record == ["from 0", "closed", "from 7", "closed", "from 3"]


def test_goes_back_by_one_without_reading_again():
    record, batches = counted()
    next(batches)
    before = batches.get_state()
    assert next(batches) == 1
    batches.set_state(before)
    assert [next(batches) for _ in range(3)] == [1, 2, 3]
    assert record == ["from 0"]


def test_an_error_changes_no_state():
    record, batches = counted(bad={1})
    next(batches)
    for _ in range(2):
        with pytest.raises(UserError, match="1 is bad"):
            next(batches)
        assert batches.get_state() == {"next_batch": 1}
    batches.set_state({"next_batch": 2})
    assert next(batches) == 2
    assert record == ["from 0", "closed", "from 1", "closed", "from 2"]


def test_close_ends_the_reading():
    record, batches = counted()
    batches.close()
    next(batches)
    batches.close()
    batches.close()
    assert record == ["from 0", "closed"]


@pytest.mark.parametrize("state", [{"next_index": 4}, {"next_batch": "4"}, {"next_batch": -1}, 4])
def test_a_state_of_another_kind_is_refused(state):
    _, batches = counted()
    with pytest.raises(UserError, match="another version of fullglow_jax wrote it") as caught:
        batches.set_state(state)
    assert repr(state) in str(caught.value)
