import shutil

import numpy as np
import pytest
from PIL import Image

from fullglow_jax.runs.metrics import read_metrics
from fullglow_jax.street_scenes.write import scene_paths
from tests.commands.running import ZOOM, grid_shape

SWEEP = ("--count=2", "--samples=3", "--temperature=0", "--temperature=0.7")
NAMES = ["000_dunmere_000000_000019", "001_dunmere_000002_000019"]


def images(folder):
    return {path.name: np.asarray(Image.open(path)) for path in folder.glob("*.png")}


@pytest.fixture(scope="module")
def draw(commands, trained, tmp_path_factory):
    """Runs sample.py into a new folder and gives what it drew, by file name."""

    def draw(*arguments):
        out = tmp_path_factory.mktemp("samples")
        result = commands.here(
            "sample.py", f"--workdir={trained}", f"--out={out}", *arguments, cwd=out
        )
        assert result.code == 0, result.err
        return images(out)

    return draw


@pytest.fixture(scope="module")
def swept(draw):
    return draw(*SWEEP)


def test_an_image_each_and_a_grid(swept):
    wanted = {
        f"{name}__T{t}__{k:03d}.png" for name in NAMES for t in ("0", "0.7") for k in range(3)
    }
    assert swept.keys() == wanted | {"grid.png"}
    assert {swept[name].shape for name in wanted} == {(10, 20, 3)}
    # Each row: condition, photo, three samples at either temperature; all of them enlarged.
    assert swept["grid.png"].shape == grid_shape(rows=2, columns=8)


def test_grid_shows_the_images(swept):
    for row, name in enumerate(NAMES):
        for column, number in enumerate(range(3), start=2 + 3):
            top, left = 20 + row * (10 * ZOOM + 4), 4 + column * (20 * ZOOM + 4)
            shown = swept["grid.png"][top:, left:][: 10 * ZOOM : ZOOM, : 20 * ZOOM : ZOOM]
            np.testing.assert_array_equal(shown, swept[f"{name}__T0.7__{number:03d}.png"])


def test_without_noise_samples_are_identical_with_it_they_differ(swept):
    for name in NAMES:
        still = [swept[f"{name}__T0__{k:03d}.png"] for k in range(3)]
        moved = [swept[f"{name}__T0.7__{k:03d}.png"] for k in range(3)]
        assert all(np.array_equal(image, still[0]) for image in still)
        assert not np.array_equal(moved[0], moved[1])
        assert not np.array_equal(moved[0], still[0])


def test_same_seed_same_pixels(draw, swept):
    again = draw(*SWEEP)
    assert again.keys() == swept.keys()
    for name, image in swept.items():
        np.testing.assert_array_equal(again[name], image, err_msg=name)


def test_other_seed_other_pixels(draw, swept):
    other = draw("--count=2", "--samples=1", "--seed=1")
    for name in NAMES:
        key = f"{name}__T0.7__000.png"
        assert np.abs(other[key].astype(int) - swept[key]).max() > 1


def test_condition_files_of_one_stem_in_batches_of_another_size(commands, draw, swept, tmp_path):
    files = [tmp_path / "one" / "map.png", tmp_path / "other" / "map.png"]
    for file, index in zip(files, (0, 2), strict=True):
        file.parent.mkdir()
        shutil.copy(scene_paths(commands.scenes, "val", index)[1], file)
    drawn = draw(*(f"--condition={file}" for file in files), "--samples=3", "--batch_size=2")
    places = [(place, number) for place in range(2) for number in range(3)]
    wanted = {f"{place:03d}_map__T0.7__{number:03d}.png" for place, number in places}
    assert drawn.keys() == wanted | {"grid.png"}
    # Condition and samples; there is no photo to show.
    assert drawn["grid.png"].shape == grid_shape(rows=2, columns=4)
    # The split's own files, so the split's own samples.
    for place, number in places:
        image = swept[f"{NAMES[place]}__T0.7__{number:03d}.png"]
        file = drawn[f"{place:03d}_map__T0.7__{number:03d}.png"]
        np.testing.assert_allclose(file.astype(int), image, atol=1)


@pytest.mark.parametrize("checkpoint", ["best", "6"])
def test_checkpoint(commands, workdir, tmp_path, checkpoint):
    result = commands.here(
        "sample.py",
        f"--workdir={workdir}",
        f"--checkpoint={checkpoint}",
        "--count=2",
        "--samples=1",
        cwd=tmp_path,
    )
    assert result.code == 0, result.err
    bits = {
        record["step"]: record["validation/bits_per_dim/conditional"]
        for record in read_metrics(workdir)
        if "validation/bits_per_dim/conditional" in record and record["step"] in (6, 8)
    }
    step = min(bits, key=bits.__getitem__) if checkpoint == "best" else int(checkpoint)
    assert (workdir / "samples" / f"step_{step:07d}_seed_0" / "grid.png").is_file()
