"""A set is gone on with where that gives what drawing it anew would give, and only there."""

import json
from copy import copy
from dataclasses import replace

import jax
import numpy as np
import pytest
from PIL import Image

from fullglow_jax.errors import UserError
from fullglow_jax.evaluation.split_scores import depends_on
from fullglow_jax.models.batch import Batch
from fullglow_jax.sampling.request import SampleRequest
from fullglow_jax.sampling.session import Session
from fullglow_jax.sampling.whole_set import _made_of, whole_set
from tests.commands.running import digests
from tests.layers.variables import perturbed
from tests.test_loaded_model import SIZE, loaded, trained

NAMES = ["a", "b", "c"]
ROUNDS = ["round_1", "round_2"]


@pytest.fixture(autouse=True, scope="module")
def _compiled_sooner():
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


def write(root, name, part, seed):
    path = root / "val" / part / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.random.default_rng([seed, ord(part)]).integers(0, 256, (*SIZE, 3), np.uint8)
    Image.fromarray(image).save(path)


@pytest.fixture
def data(tmp_path):
    for seed, name in enumerate(NAMES):
        for part in "AB":
            write(tmp_path / "data", name, part, seed)
    return tmp_path / "data"


@pytest.fixture
def draw(data, tmp_path, capsys):
    """Draws a set, and gives its files' digests, which of them were written, and what was said."""

    def draw(out="out", operations=None, **asked):
        model = loaded()
        config = model.config.copy_and_resolve_references()
        config.data.update(name="two_folders", root=str(data))
        request = SampleRequest(
            workdir=tmp_path,
            mode="set",
            rounds=len(ROUNDS),
            batch_size=2,
            out=tmp_path / out,
        )
        request = replace(request, **asked)
        places = {path: path.stat().st_ino for path in request.out.rglob("*.png")}
        whole_set(Session(config, request, operations or model._operations))
        written = {
            path.relative_to(request.out).with_suffix("").as_posix()
            for path in request.out.glob("*/*.png")
            if path.stat().st_ino != places.get(path)
        }
        return digests(request.out), written, capsys.readouterr().out

    return draw


def all_of(*names, folders=("condition", "ground_truth", *ROUNDS)):
    return {f"{folder}/{name}" for folder in folders for name in names}


def test_what_has_not_changed_is_kept(draw):
    first, written, said = draw()
    assert written == all_of(*NAMES)
    assert "drawn again" not in said
    again, written, said = draw()
    assert written == set()
    assert again == first
    assert "6 kept" in said
    assert "drawn again" not in said


def test_what_has_another_condition_is_drawn_again(draw, data):
    first, _, _ = draw()
    write(data, "b", "A", seed=7)
    second, written, said = draw()
    assert written == all_of("b", folders=("condition", *ROUNDS))
    assert "2 of them lay there and were drawn again" in said
    anew, _, _ = draw("anew")
    assert second == anew
    assert first["round_1/b.png"] != second["round_1/b.png"]


def test_what_has_another_truth_alone_is_kept(draw, data):
    draw()
    write(data, "b", "B", seed=7)
    second, written, said = draw()
    assert written == {"ground_truth/b"}
    assert "drawn again" not in said
    assert second == draw("anew")[0]


def test_pairs_that_have_moved_are_drawn_again(draw, data):
    """Their noise is that of their place."""
    draw()
    for part in "AB":
        write(data, "aa", part, seed=8)
    second, written, said = draw()
    assert written >= all_of("aa") | all_of("b", "c", folders=ROUNDS)
    assert not written & all_of("a")
    assert "4 of them" in said
    assert second == draw("anew")[0]


def test_what_other_variables_drew_is_drawn_again(draw, tmp_path):
    draw()
    was = json.loads((tmp_path / "out" / "set.json").read_text())
    _, model = trained("full_glow", "")
    other = model._replace(variables=perturbed(model.variables, 1))
    operations = copy(loaded()._operations)  # with what it has compiled
    operations.trained = other
    operations.__dict__.pop("digest")
    second, written, said = draw(operations=operations)
    assert written == all_of(*NAMES, folders=ROUNDS)
    assert "6 of them" in said
    assert second == draw("anew", operations=operations)[0]
    now = json.loads((tmp_path / "out" / "set.json").read_text())
    assert {key for key in was if was[key] != now[key]} == {"variables"}


def test_what_does_not_say_what_it_is_of_is_drawn_again(draw, tmp_path):
    """As of an earlier version, or of whatever else has the name."""
    first, _, _ = draw()
    out = tmp_path / "out"
    record = json.loads((out / "set.json").read_text())
    del record["variables"]
    (out / "set.json").write_text(json.dumps(record))
    for name in NAMES[:2]:
        path = out / "round_1" / f"{name}.png"
        Image.open(path).copy().save(path)
    again, written, said = draw()
    assert written == all_of(*NAMES[:2], folders=["round_1"])
    assert "2 of them" in said
    assert again == first


@pytest.mark.parametrize("asked", [{"seed": 1}, {"temperature": (0.5,)}], ids=str)
def test_a_set_that_was_asked_for_otherwise_is_refused(draw, asked):
    draw()
    with pytest.raises(UserError, match=r"holds another set: .* was .* and is"):
        draw(**asked)


@pytest.mark.parametrize("record", ["[]", "7", "{", "null"])
def test_a_record_that_is_none(draw, tmp_path, record):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "set.json").write_text(record)
    if record == "[]":  # nothing is recorded there
        with pytest.raises(UserError, match="another set"):
            draw()
    else:
        with pytest.raises(UserError, match=r"set\.json cannot be read"):
            draw()


# --- What it all depends on -----------------------------------------------------------------------


def test_everything_that_decides_a_picture_is_in_its_digest():
    image, other = np.zeros((1, 4, 4, 3), np.uint8), np.ones((1, 4, 4, 3), np.uint8)
    batch = Batch(image, image, (image,), np.zeros((1, 4, 4), np.int32), np.zeros(1, np.int32))

    def made_of(changes=None, first=0, of_images=0):
        return _made_of(replace(batch, **(changes or {})), first, 1, 2, of_images)[0]

    condition, target, *rounds = made_of()
    assert len({condition, *rounds}) == 3
    assert made_of() == [condition, target, *rounds]
    for changed in (
        made_of({"condition": other}),
        made_of({"boundary": (other,)}),
        made_of({"instances": np.ones((1, 4, 4), np.int32)}),
        made_of({"label": np.ones(1, np.int32)}),
        made_of(first=1),
        made_of(of_images=1),
    ):
        assert not set(rounds) & set(changed[2:])
    assert made_of({"condition": other})[0] != condition
    assert made_of({"target": other}) == [condition, made_of({"target": other})[1], *rounds]
    assert made_of({"target": other})[1] != target


def test_all_that_decides_scores_is_in_their_digest():
    config, model = trained("full_glow", "")
    of = [(config, model, "bits/dim", 0)]
    for key, value in (("data.bits", 5), ("model.memory_mode", "store")):
        other = config.copy_and_resolve_references()
        other.update_from_flattened_dict({key: value})
        of.append((other, model, "bits/dim", 0))
    of += [(config, model, "bits/dim", 1), (config, model, "re-draws", 0)]
    of.append((config, model._replace(variables=perturbed(model.variables, 1)), "bits/dim", 0))
    found = {depends_on(*each) for each in of}
    assert len(found) == len(of)
    assert depends_on(*of[0]) in found


@pytest.mark.parametrize("theirs", ["ground_truth/a.png", "index.html"])
def test_a_folder_of_other_files_is_left_alone(draw, tmp_path, theirs):
    file = tmp_path / "out" / theirs
    file.parent.mkdir(parents=True)
    file.write_text("mine")
    with pytest.raises(UserError, match=r"no set\.json: it is not of a set"):
        draw()
    assert file.read_text() == "mine"
    assert not (tmp_path / "out" / "round_1").exists()
