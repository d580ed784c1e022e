"""Label maps of photos: the modes of sample.py on three validation scenes, and scores of maps."""

import json
import re
import shutil
import signal
from dataclasses import replace

import jax
import numpy as np
import pytest
from PIL import Image

import fullglow_jax
from fullglow_jax.errors import UserError
from fullglow_jax.sampling.modes import MODES
from fullglow_jax.sampling.request import SampleRequest
from fullglow_jax.sampling.session import Session
from fullglow_jax.street_scenes.write import scene_paths
from tests.commands.running import digests, grid_shape

NAMES = ["dunmere_000000_000019", "dunmere_000002_000019", "eastport_000001_000019"]


def image(path):
    return np.asarray(Image.open(path)).astype(int)


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def trained(commands, tmp_path_factory):
    """A run in which images have come to depend on their conditions; not to be written to."""
    workdir = tmp_path_factory.mktemp("photo2label") / "run"
    run = commands.tiny(
        workdir,
        data__direction="photo2label",
        train__steps=40,
        train__checkpoint_every=40,
        train__validate_every=40,
        train__sample_every=40,
        optimizer__learning_rate=0.02,
        optimizer__constant_epochs=100,
    )
    result = commands.here("train.py", *run, cwd=workdir.parent)
    assert result.code == 0, result.err
    return workdir


@pytest.fixture(scope="module")
def draw(commands, trained, tmp_path_factory):
    """Runs sample.py into a folder and gives that and what was printed."""

    def draw(*arguments, out=None, **kwargs):
        out = out or tmp_path_factory.mktemp("samples")
        run = f"--workdir={trained}", f"--out={out}", *arguments
        call = commands if kwargs else commands.here
        result = call("sample.py", *run, cwd=out, **kwargs)
        assert result.code == 0, result.err
        page = (out / "index.html").read_text()
        assert "http" not in page
        return out, result.out

    return draw


@pytest.fixture(scope="module")
def scene(commands):
    """The files of a validation scene as it was made, by its number: photo and label map."""

    def scene(index):
        return scene_paths(commands.scenes, "val", index)[:2]

    return scene


@pytest.fixture(scope="module")
def model(trained):
    jax.config.update("jax_disable_most_optimizations", True)
    yield fullglow_jax.load(trained)
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture
def draw_here(trained, model, tmp_path):
    """Does in this process what sample.py does, and gives the folder."""

    def draw_here(**asked):
        request = SampleRequest(workdir=trained, out=tmp_path / "drawn", **asked)
        MODES[request.mode].draw(Session(model.config, request, model._operations))
        return request.out

    return draw_here


def test_the_flag_knows_every_mode(commands, tmp_path):
    helped = commands("sample.py", "--help", cwd=tmp_path).out
    (named,) = re.findall(r"--mode: <([^>]*)>", helped)
    assert set("".join(named.split()).split("|")) == MODES.keys()
    assert "(default: 'random')" in helped


def test_random_over_a_sweep(draw_here):
    out = draw_here(count=2, samples=1, sweep=3)
    stems = [f"{place:03d}_{name}" for place, name in enumerate(NAMES[:2])]
    samples = {f"{stem}__T{t}__000.png" for stem in stems for t in ("0", "0.5", "1")}
    beside = {f"{folder}/{s}.png" for s in stems for folder in ("condition", "ground_truth")}
    assert files(out) == samples | beside | {"grid.png", "index.html"}
    page = (out / "index.html").read_text()
    assert re.findall(r"<th>([^<]+)</th>", page) == [
        "condition",
        "ground truth",
        "T = 0",
        "T = 0.5",
        "T = 1",
    ]
    assert page.count("<img loading") == 2 * 5


def test_reconstruct(draw):
    out, printed = draw("--mode=reconstruct")
    report = json.loads((out / "reconstruction.json").read_text())
    assert 0 <= report["mean"] <= report["largest"] <= 1e-3
    assert report["largest"] == max(each["largest"] for each in report["images"].values())
    assert f"{report['largest']:.2g} at most" in printed
    for place, name in enumerate(NAMES):
        stem = f"{place:03d}_{name}"
        assert stem in report["images"]
        truth = image(out / "ground_truth" / f"{stem}.png")
        again = image(out / f"{stem}__reconstruction.png")
        np.testing.assert_array_equal(again, truth)
    assert (image(out / "grid.png")).shape == grid_shape(rows=3, columns=3)


def test_transfer_to_neighbours(draw, model):
    out, _ = draw("--mode=transfer", "--batch_size=2", devices=2)
    pictures = {}
    for place in range(3):
        stem = f"{place:03d}_{NAMES[place]}__onto__{NAMES[(place + 1) % 3]}.png"
        for kind in ("content", "structure", "ground_truth", "."):
            pictures.setdefault(kind, []).append(image(out / kind / stem))
    of = {kind: np.stack(images).astype(np.uint8) for kind, images in pictures.items()}
    # What one couple takes the structure from, the next one takes the content from.
    conditions = np.roll(of["structure"], 1, axis=0)
    expected = model.transfer(of["content"], conditions, of["structure"]) * 255
    np.testing.assert_allclose(of["."], expected, atol=1)
    np.testing.assert_array_equal(np.roll(of["content"], -1, axis=0), of["ground_truth"])
    assert (image(out / "grid.png")).shape == grid_shape(rows=3, columns=4)


def test_transfer_between_pairs_that_are_named(draw_here, scene, tmp_path):
    own = [shutil.copy(path, tmp_path) for path in scene(1)]
    pairs = f"{NAMES[0]}:{NAMES[0]}", f"1:{own[0]}", f"{own[0]},{own[1]}:2"
    out = draw_here(mode="transfer", pair=pairs)
    # Onto its own photo, the label map comes back.
    stem = f"000_{NAMES[0]}__onto__{NAMES[0]}.png"
    np.testing.assert_array_equal(image(out / stem), image(out / "content" / stem))
    # A photo alone has no ground truth.
    (one,) = out.glob("001_*.png")
    assert not (out / "ground_truth" / one.name).exists()
    # Files are resized as the split's are: number 2 is this very scene.
    (other,) = out.glob("002_*.png")
    for kind, expected in (("content", "ground_truth"), (".", "ground_truth")):
        np.testing.assert_array_equal(
            image(out / kind / other.name), image(out / expected / other.name)
        )


def test_interpolate(draw, model):
    out, _ = draw("--mode=interpolate", f"--pair={NAMES[0]}:{NAMES[1]}", "--frames=3")
    lines, ends = {}, {}
    for kind in ("latents", "conditions"):
        stem = f"000_{NAMES[0]}__to__{NAMES[1]}__{kind}"
        lines[kind] = [image(out / f"{stem}__{number:03d}.png") for number in range(3)]
        ends[kind] = np.stack([image(out / end / f"{stem}.png") for end in ("from", "to")])
    targets, conditions = (ends[kind].astype(np.uint8) for kind in ("latents", "conditions"))
    latents = model.encode(targets, conditions)
    halves = {
        "latents": (tuple((z[:1] + z[1:]) / 2 for z in latents), conditions[:1]),
        "conditions": (tuple(z[:1] for z in latents), conditions[:1] / 510 + conditions[1:] / 510),
    }
    onto, back = model.transfer(targets, conditions, onto=conditions[::-1]) * 255
    for kind, last in (("latents", back), ("conditions", onto)):
        half = model.decode(*halves[kind])[0] * 255
        np.testing.assert_allclose(lines[kind], [targets[0], half, last], atol=1)
        assert np.abs(last - targets[0]).max() > 3  # far beyond what is alike above


def test_latents_times_two_temperatures_under_a_condition(draw_here, model):
    out = draw_here(mode="temperatures", count=1, temperature=(0.5, 1.0))
    stem = f"000_{NAMES[0]}"
    condition, truth = (
        image(out / folder / f"{stem}.png")[None].astype(np.uint8)
        for folder in ("condition", "ground_truth")
    )
    halves = tuple(latent / 2 for latent in model.encode(truth, condition))
    expected = model.decode(halves, condition)[0] * 255
    np.testing.assert_allclose(image(out / f"{stem}__T0.5.png"), expected, atol=1)
    np.testing.assert_array_equal(image(out / f"{stem}__T1.png"), truth[0])


def test_unconditional(draw, model):
    out, _ = draw("--mode=unconditional", "--count=2", "--samples=2", "--seed=3")
    conditions = np.stack([image(out / "condition" / f"00{i}__T0.7.png") for i in range(2)])
    expected = model.sample_conditions(2, seed=3) * 255
    np.testing.assert_allclose(conditions, expected, atol=1)
    images = model.sample(conditions.astype(np.uint8), samples=2, seed=3) * 255
    for place, number in np.ndindex(2, 2):
        drawn = image(out / f"00{place}__T0.7__00{number}.png")
        np.testing.assert_allclose(drawn, images[place, number], atol=1)


# --- Sets -----------------------------------------------------------------------------------------

SET = "--mode=set", "--batch_size=3", "--rounds=2"


@pytest.fixture(scope="module")
def whole(draw):
    return draw(*SET)[0]


def test_set(whole, model):
    folders = ("condition", "ground_truth", "round_1", "round_2")
    pictures = {f"{folder}/{name}.png" for folder in folders for name in NAMES}
    assert files(whole) == pictures | {"grid.png", "index.html", "set.json"}
    of = {f: np.stack([image(whole / f / f"{name}.png") for name in NAMES]) for f in folders}
    # The same as in the library, in other batches.
    images = model.sample(of["condition"].astype(np.uint8), samples=2) * 255
    np.testing.assert_allclose(of["round_1"], images[:, 0], atol=1)
    np.testing.assert_allclose(of["round_2"], images[:, 1], atol=1)
    assert np.abs(of["round_1"] - of["round_2"]).max() > 1


def test_set_goes_on_to_the_same_pixels(commands, draw, trained, whole, tmp_path):
    out = tmp_path / "set"
    run = f"--workdir={trained}", f"--out={out}", *SET
    commands.until("sampling val", signal.SIGINT, "sample.py", *run, cwd=tmp_path)
    # Whatever it had drawn by then, some of it is lost, and some is damaged.
    shutil.copytree(whole / "round_1", out / "round_1", dirs_exist_ok=True)
    (out / "round_1" / f"{NAMES[0]}.png").unlink()
    damaged = out / "round_1" / f"{NAMES[2]}.png"
    damaged.write_bytes(damaged.read_bytes()[:-40])
    kept = out / "round_1" / f"{NAMES[1]}.png"
    before = kept.stat().st_mtime_ns
    _, printed = draw(*SET, out=out)
    assert "kept" in printed
    assert digests(out) == digests(whole)
    assert kept.stat().st_mtime_ns == before


def test_drawn_maps_are_scored(commands, trained, tmp_path):
    workdir = shutil.copytree(trained, tmp_path / "run")
    arguments = ("--metrics=photo2label", "--rounds=2", "--batch_size=2")
    result = commands.here("eval.py", f"--workdir={workdir}", *arguments, cwd=tmp_path)
    assert result.code == 0, result.err
    scores = json.loads((workdir / "eval.json").read_text())["images"]["photo2label"]
    for name in ("pixel_accuracy", "class_accuracy", "class_iou"):
        assert 0 < scores[name]["mean"] < 0.9
    assert "class IoU, %" in (workdir / "eval.md").read_text()


# --- What is refused ------------------------------------------------------------------------------


def test_flags_that_do_not_go_together(commands, trained, tmp_path):
    for arguments, named in (
        (["--pair=0:1"], "--pair means nothing to --mode random"),
        (["--mode=sets"], "is not one of random, reconstruct"),
    ):
        result = commands("sample.py", f"--workdir={trained}", *arguments, cwd=tmp_path)
        assert result.code == 1
        assert result.err.startswith("error: ")
        assert named in result.err


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"mode": "transfer", "pair": ("0",)}, "--pair 0: expected two .*CONTENT:STRUCTURE"),
        ({"mode": "transfer", "pair": ("0:dunmere_000000_00019",)}, f"did you mean '{NAMES[0]}'"),
        ({"mode": "transfer", "pair": ("0:3",)}, "--pair 3: the split 'val' has 3 pairs"),
        ({"mode": "transfer", "pair": ("{photo}:0",)}, "here is a condition alone"),
        ({"mode": "reconstruct", "pair": ("{photo},{photo},{photo}",)}, "expected files COND"),
        ({"mode": "set", "temperature": (0.0, 0.7)}, "one --temperature"),
        ({"mode": "set", "seed": 1}, "another set: seed was 0 and is 1 now"),
    ],
    ids=str,
)
def test_refused(trained, model, whole, scene, asked, message):
    request = SampleRequest(workdir=trained, rounds=2, out=whole)
    pair = tuple(pair.format(photo=scene(0)[0]) for pair in asked.get("pair", ()))
    before = digests(whole)
    session = Session(model.config, replace(request, **{**asked, "pair": pair}), model._operations)
    with pytest.raises(UserError, match=message):
        MODES[session.request.mode].draw(session)
    assert digests(whole) == before
