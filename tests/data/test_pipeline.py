import itertools
import json
import threading

import jax
import numpy as np
import pytest
from PIL import Image

from fullglow_jax.data.boundary import boundary_pyramid
from fullglow_jax.data.file_pairs import find_pairs
from fullglow_jax.data.fitting import Fitting
from fullglow_jax.data.layouts import Cityscapes
from fullglow_jax.data.pipeline import collate, evaluation_batches, training_batches
from fullglow_jax.errors import UserError
from fullglow_jax.models.annotations import Annotations
from tests.data.conftest import city_file

SIZE = (4, 8)


class Numbered:
    """Pairs whose pixels are their index, so that order can be read off a batch."""

    def __init__(self, length, broken=()):
        self.length = length
        self.broken = broken

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        if not 0 <= index < self.length:
            raise IndexError(index)
        if index in self.broken:
            raise UserError(f"pair {index} is broken")
        image = np.full((*SIZE, 3), index, np.uint8)
        boundary = np.zeros_like(image)
        boundary[:, index % SIZE[1]] = 255
        return {
            "condition": image,
            "target": 255 - image,
            "boundary": boundary,
            "name": f"pair {index}",
        }


def start(source, **options):
    return training_batches(source, **({"batch_size": 3, "seed": 0, "threads": 2} | options))


def take(batches, count):
    return list(itertools.islice(batches, count))


def indices(batches):
    return [int(image[0, 0, 0]) for batch in batches for image in batch.batch.condition]


def assert_equal(one, other):
    assert one.names == other.names
    assert one.valid.tolist() == other.valid.tolist()
    assert jax.tree.structure(one.batch) == jax.tree.structure(other.batch)
    jax.tree.map(np.testing.assert_array_equal, one.batch, other.batch)


def test_batch_holds_the_pairs_in_the_same_rows():
    spec = Annotations("ceil", ((2, 4), (1, 2)))
    source = Numbered(7)
    for host in take(start(source, annotations=spec), 5):
        batch = host.batch
        assert batch.condition.shape == batch.target.shape == (3, *SIZE, 3)
        assert batch.condition.dtype == batch.target.dtype == np.uint8
        assert [level.shape for level in batch.boundary] == [(3, 2, 4, 3), (3, 1, 2, 3)]
        assert_equal(host, collate([source[index] for index in indices([host])], spec))


@pytest.mark.parametrize("kind", ["smooth", "ceil"])
def test_boundary_levels_are_the_pyramid(kind):
    pair, asked = Numbered(7)[3], Annotations(kind, ((2, 4), (1, 2)))
    levels = collate([pair], asked).batch.boundary
    expected = boundary_pyramid(pair["boundary"], asked)
    assert [level[0].tolist() for level in levels] == [e.tolist() for e in expected]


def test_what_is_not_asked_for_is_absent():
    for host in (collate([Annotated(7)[3]]), next(start(Annotated(7)))):
        assert host.batch.boundary == ()
        assert host.batch.instances is host.batch.label is None
        assert len(jax.tree.leaves(host.batch)) == 2


def test_annotations_asked_of_pairs_without():
    pair = Numbered(1)[0]
    del pair["boundary"]
    with pytest.raises(UserError, match="boundary maps, which this data does not have"):
        collate([pair], Annotations("smooth", ((2, 4),), label=True))


def test_every_epoch_is_a_fresh_permutation_and_batches_cross_epochs():
    order = indices(take(start(Numbered(20)), 20))
    epochs = [order[first : first + 20] for first in (0, 20, 40)]
    assert all(sorted(epoch) == list(range(20)) for epoch in epochs)
    assert list(range(20)) not in epochs
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_a_batch_may_be_larger_than_the_source():
    order = indices([next(start(Numbered(2), batch_size=5))])
    assert sorted(order[:2]) == sorted(order[2:4]) == [0, 1]


def test_order_comes_from_the_seed():
    orders = [indices(take(start(Numbered(20), seed=seed), 14)) for seed in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]
    # Neighbouring seeds must not be the same shuffles an epoch apart.
    assert orders[0][20:40] != orders[2][:20]


@pytest.mark.parametrize("threads", [0, 1, 5])
def test_order_does_not_depend_on_threads(threads):
    expected = indices(take(start(Numbered(20), threads=2), 10))
    assert indices(take(start(Numbered(20), threads=threads), 10)) == expected


def test_order_does_not_depend_on_which_read_ends_first():
    """The first read of a batch ends only after the second one's end."""

    class Reversed(Numbered):
        def __init__(self, length, first, second):
            super().__init__(length)
            self.first, self.second = first, second
            self.second_done = threading.Event()

        def __getitem__(self, index):
            if index == self.first:
                assert self.second_done.wait(timeout=10)
            pair = super().__getitem__(index)
            if index == self.second:
                self.second_done.set()
            return pair

    expected = indices(take(start(Numbered(20)), 4))
    assert indices(take(start(Reversed(20, expected[0], expected[1])), 4)) == expected


@pytest.mark.parametrize("threads", [0, 3])
@pytest.mark.parametrize("consumed", [0, 1, 3, 4, 9])
def test_resume_is_exact(consumed, threads):
    spec = Annotations("smooth", ((2, 4),))
    expected = take(start(Numbered(10), annotations=spec), 14)
    batches = start(Numbered(10), annotations=spec, threads=threads)
    take(batches, consumed)
    state = json.loads(json.dumps(batches.get_state()))
    take(batches, 2)  # what is read after saving must not matter

    fresh = start(Numbered(10), annotations=spec, threads=threads)
    take(fresh, 1)
    for resumed in (fresh, batches):
        resumed.set_state(state)
        assert json.loads(json.dumps(resumed.get_state())) == state
        for batch, original in zip(take(resumed, 5), expected[consumed:], strict=False):
            assert_equal(batch, original)


class Sided(Numbered):
    """Pairs whose left and right differ."""

    def __getitem__(self, index):
        pair = super().__getitem__(index)
        columns = np.arange(SIZE[1], dtype=np.uint8)[:, None]
        return pair | {"condition": pair["condition"] + columns, "target": pair["target"] - columns}


class Annotated(Sided):
    """Pairs with instances, whose left and right differ too, and their index for a label."""

    def __getitem__(self, index):
        instances = 100 * index + np.arange(SIZE[0] * SIZE[1], dtype=np.uint16).reshape(SIZE)
        return super().__getitem__(index) | {"instances": instances, "label": index}


def images_of(batches):
    """Condition, target and boundary of each example, side by side."""
    return [
        np.concatenate(parts)
        for batch, _, _ in batches
        for parts in zip(batch.condition, batch.target, batch.boundary[0], strict=True)
    ]


def test_mirrored_pairs_are_mirrored_in_all_their_images():
    options = {"annotations": Annotations("smooth", (SIZE,))}
    plain = images_of(take(start(Sided(7), **options), 20))
    mirrored = images_of(take(start(Sided(7), **options, flip=True), 20))
    flipped = [np.array_equal(m, p[:, ::-1]) for m, p in zip(mirrored, plain, strict=True)]
    same = [np.array_equal(m, p) for m, p in zip(mirrored, plain, strict=True)]
    assert all(f != s for f, s in zip(flipped, same, strict=True))
    assert 18 <= sum(flipped) <= 42
    # The same pair is seen both ways.
    assert len({tuple(m.ravel()) for m in mirrored}) == 14


def test_annotations_go_along_with_their_images_and_labels_are_not_mirrored():
    source = Annotated(7)
    options = {"annotations": Annotations(instances=True, label=True), "flip": True, "threads": 2}
    mirrored = 0
    for batch, names, _ in take(start(source, **options), 10):
        assert batch.instances.dtype == batch.label.dtype == np.int32
        assert batch.instances.shape == (3, *SIZE)
        for row, name in enumerate(names):
            index = int(name.split()[1])
            pair = source[index]
            flipped = not np.array_equal(batch.condition[row], pair["condition"])
            expected = pair["instances"][:, ::-1] if flipped else pair["instances"]
            np.testing.assert_array_equal(batch.instances[row], expected)
            assert batch.label[row] == index
            mirrored += flipped
    assert 0 < mirrored < 30


def test_which_pairs_are_mirrored_depends_on_no_number_of_processes():
    options = {"batch_size": 4, "flip": True, "annotations": Annotations("smooth", (SIZE,))}
    whole = images_of(take(start(Sided(7), **options), 6))
    shares = [
        take(start(Sided(7), **options, process_index=i, process_count=2), 6) for i in range(2)
    ]
    joined = [image for pair in zip(*shares, strict=True) for image in images_of(pair)]
    np.testing.assert_array_equal(whole, joined)


@pytest.mark.parametrize("threads", [0, 1, 4])
@pytest.mark.parametrize("make", ["training", "evaluation"])
def test_user_error_in_a_reading_thread_reaches_the_caller(make, threads):
    source = Numbered(5, broken={3})
    batches = (
        start(source, threads=threads)
        if make == "training"
        else evaluation_batches(source, batch_size=2, threads=threads)
    )
    with pytest.raises(UserError) as caught:
        take(batches, 5)
    assert type(caught.value) is UserError
    assert str(caught.value) == "pair 3 is broken"


def test_file_damaged_during_training_is_named(cityscapes_root):
    asked = Annotations("smooth", ((2, 4),))
    source = find_pairs(Cityscapes(cityscapes_root, "train"), None, Fitting(SIZE), asked)
    batches = start(source, annotations=asked)
    assert next(batches).batch.boundary[0].shape == (3, 2, 4, 3)
    path = city_file(cityscapes_root, "train", "jena_000003", "gtFine_color")
    path.write_bytes(b"no image")
    with pytest.raises(UserError, match=str(path)):
        take(batches, 10)


def test_close_ends_the_threads():
    before = set(threading.enumerate())
    batches = start(Numbered(20), threads=3)
    next(batches)
    mine = set(threading.enumerate()) - before
    assert mine
    batches.close()
    for thread in mine:
        thread.join(timeout=10)
        assert not thread.is_alive()


@pytest.mark.parametrize("count", [2, 3, 6])
def test_process_shares_make_up_the_global_training_batches(count):
    whole = take(start(Numbered(10), batch_size=6), 8)
    shares = [
        take(start(Numbered(10), batch_size=6, process_index=index, process_count=count), 8)
        for index in range(count)
    ]
    for batch, *parts in zip(whole, *shares, strict=True):
        assert all(len(part.names) == 6 // count for part in parts)
        joined = np.concatenate([part.batch.condition for part in parts])
        np.testing.assert_array_equal(joined, batch.batch.condition)


@pytest.mark.parametrize("threads", [0, 3])
@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (None, [0, 1, 2, 3, 4, 5, 6, 6, 6]),
        (6, [0, 1, 2, 3, 4, 5]),
        (4, [0, 1, 2, 3, 3, 3]),
        (1, [0, 0, 0]),
        (99, [0, 1, 2, 3, 4, 5, 6, 6, 6]),
    ],
)
def test_evaluation_is_one_pass_in_order_padded_to_one_shape(limit, expected, threads):
    batches = list(evaluation_batches(Numbered(7), batch_size=3, threads=threads, limit=limit))
    assert indices(batches) == expected
    assert {host.batch.target.shape for host in batches} == {(3, *SIZE, 3)}
    valid = np.concatenate([host.valid for host in batches])
    assert valid.dtype == bool
    assert valid.tolist() == [True] * len(set(expected)) + [False] * (
        len(expected) - len(set(expected))
    )


def test_process_shares_make_up_the_global_evaluation_batches():
    spec = Annotations("smooth", ((2, 4),))
    options = {"batch_size": 4, "threads": 2, "annotations": spec}
    whole = list(evaluation_batches(Numbered(5), **options))
    shares = [
        list(evaluation_batches(Numbered(5), **options, process_index=index, process_count=2))
        for index in range(2)
    ]
    for batch, *parts in zip(whole, *shares, strict=True):
        assert [name for part in parts for name in part.names] == batch.names
        assert np.concatenate([part.valid for part in parts]).tolist() == batch.valid.tolist()
        joined = jax.tree.map(lambda *rows: np.concatenate(rows), *(part.batch for part in parts))
        jax.tree.map(np.testing.assert_array_equal, joined, batch.batch)
    # The second process has no example of its own in the last batch, and still a batch.
    assert shares[1][-1].valid.tolist() == [False, False]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch size must be 1 or more, not 0"),
        ({"batch_size": 4, "process_count": 3}, "4 does not divide among 3 processes"),
    ],
)
@pytest.mark.parametrize("make", [training_batches, evaluation_batches])
def test_bad_arguments_are_refused_at_the_call(make, options, message):
    options = {"batch_size": 3, "threads": 1} | options
    if make is training_batches:
        options["seed"] = 0
    with pytest.raises(UserError, match=message):
        make(Numbered(5), **options)


def test_sources_without_pairs_are_refused():
    with pytest.raises(UserError, match="nothing to train on"):
        start(Numbered(0))
    with pytest.raises(UserError, match="nothing to evaluate"):
        evaluation_batches(Numbered(0), batch_size=1, threads=0)


def test_batches_read_the_cityscapes_layout(cityscapes_root):
    source = find_pairs(Cityscapes(cityscapes_root, "train"), None, Fitting(SIZE))
    [(batch, names, _)] = evaluation_batches(source, batch_size=5, threads=2)
    for row, name in enumerate(names):
        photo = Image.open(city_file(cityscapes_root, "train", name, "leftImg8bit"))
        expected = photo.resize(SIZE[::-1], Image.Resampling.BILINEAR)
        np.testing.assert_array_equal(batch.target[row], np.asarray(expected))


# --- Cut at random --------------------------------------------------------------------------------


class Grids:
    """Pairs of 6×12 pixels, whose rows and columns can be read off all their images."""

    def __init__(self, length=7):
        self.length = length

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        rows, columns = np.mgrid[:6, :12].astype(np.uint8)
        image = np.dstack([rows, columns, np.full_like(rows, index)])
        ids = 100 * rows.astype(np.int32) + columns
        pair = {"condition": image, "target": 255 - image, "boundary": image, "instances": ids}
        return {**pair, "label": index, "name": f"pair {index}"}


ASKED = Annotations("smooth", ((4, 8),), instances=True, label=True)


def cuts(**options):
    return start(Grids(), annotations=ASKED, size=SIZE, **options)


def corners(batches):
    """(row, column) of each example's first pixel."""
    return [tuple(image[0, 0, :2].tolist()) for b in batches for image in b.batch.condition]


@pytest.mark.parametrize("flip", [False, True])
def test_all_images_of_an_example_are_cut_at_one_place_and_mirrored_together(flip):
    batches = take(cuts(flip=flip), 60)
    for host in batches:
        batch = host.batch
        np.testing.assert_array_equal(batch.target, 255 - batch.condition)
        np.testing.assert_array_equal(batch.boundary[0], batch.condition)
        rows, columns = batch.instances // 100, batch.instances % 100
        np.testing.assert_array_equal(np.stack([rows, columns], -1), batch.condition[..., :2])
        np.testing.assert_array_equal(batch.label, batch.condition[:, 0, 0, 2])
    rows, columns = map(set, zip(*corners(batches), strict=True))
    assert rows == set(range(3))
    assert columns == set(range(5)) | (set(range(7, 12)) if flip else set())


def test_cuts_depend_on_seed_epoch_and_example_alone():
    expected = take(cuts(flip=True), 12)
    for options in ({"threads": 0}, {"threads": 5}):
        batches = cuts(flip=True, **options)
        batches.set_state({"next_batch": 5})  # as if resumed
        for one, other in zip(take(batches, 7), expected[5:], strict=True):
            assert_equal(one, other)
        batches.close()
    assert corners(take(cuts(seed=1), 12)) != corners(take(cuts(), 12))
    places = corners(take(cuts(batch_size=7), 20))
    assert places[:7] != places[7:14]


def test_cutting_changes_neither_the_order_nor_who_is_mirrored():
    whole = start(Grids(), annotations=ASKED, flip=True)
    for one, other in zip(take(cuts(flip=True), 20), take(whole, 20), strict=True):
        assert one.names == other.names
        columns = one.batch.condition[:, 0, :2, 1], other.batch.condition[:, 0, :2, 1]
        mirrored = [(each[:, 0] > each[:, 1]).tolist() for each in columns]
        assert mirrored[0] == mirrored[1]
