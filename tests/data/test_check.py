"""The check reads all of a data set and names every file that is bad, with its reason."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fullglow_jax.config import default_config
from fullglow_jax.data import check as command
from fullglow_jax.data.boundary import boundary_map
from fullglow_jax.data.check import check
from fullglow_jax.data.faults import Fault
from fullglow_jax.data.images import read_ids
from fullglow_jax.data.pairs_grid import pairs_grid
from fullglow_jax.errors import UserError
from fullglow_jax.palette import LABELS
from tests.data.conftest import city_file

HEIGHT, WIDTH = 10, 20
ZOOM = 8  # of such images on the sheet
CONFIGS = Path(__file__).resolve().parents[2] / "configs"
COLOURS = np.array([label.colour for label in LABELS], np.uint8)


def noise(seed, height=HEIGHT, width=WIDTH):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def seed(i, part):
    """Of the image of a pair."""
    return 100 * ord(part) + i


def save(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


@pytest.fixture
def folders(tmp_path):
    """Five pairs to train on, one to validate on, in two folders."""
    for split, count in (("train", 5), ("val", 1)):
        for i in range(count):
            for part in "AB":
                save(tmp_path / "pairs" / split / part / f"{i}.png", noise(seed(i, part)))
    return tmp_path / "pairs"


@pytest.fixture
def cityscapes(tmp_path):
    """Two scenes to train on and one to validate on; colour maps with alpha, as they are."""
    root = tmp_path / "cityscapes"
    for split, names in (("train", ["ulm_0", "ulm_1"]), ("val", ["jena_0"])):
        for i, name in enumerate(names):
            ids = np.random.default_rng(i).integers(0, len(LABELS), (HEIGHT, WIDTH))
            alpha = np.full((HEIGHT, WIDTH, 1), 255, np.uint8)
            save(city_file(root, split, name, "leftImg8bit"), noise(i))
            save(
                city_file(root, split, name, "gtFine_color"),
                np.concatenate([COLOURS[ids], alpha], axis=-1),
            )
            save(city_file(root, split, name, "gtFine_instanceIds"), (ids // 20).astype(np.uint16))
    return root


def config(root, name, **changes):
    whole = default_config()
    whole.model.steps = (2,)
    whole.data.update({"name": name, "root": str(root), "image_size": (HEIGHT, WIDTH), **changes})
    return whole


@pytest.fixture
def run(tmp_path, capsys):
    """Whether all is good, and what was printed of it."""

    def run(root, name="two_folders", **changes):
        good = check(config(root, name, **changes), tmp_path / "check.png")
        return good, capsys.readouterr().out

    return run


def test_all_is_good(folders, run):
    good, told = run(folders)
    assert good
    assert "train: 5 good pairs, 0 bad\n" in told
    assert "val: 1 good pairs, 0 bad\n" in told
    assert told.endswith("Everything is good.\n")


def truncated(path):
    path.write_bytes(path.read_bytes()[:-60])
    return "is damaged or cut short"


def text(path):
    path.write_text("not an image")
    return "is not an image of a format that can be read here"


def floating(path):
    Image.new("F", (WIDTH, HEIGHT)).save(path, "TIFF")
    return "has floating-point pixels, where 8 or 16 bits are expected"


def empty(path):
    path.write_bytes(b"")
    return "is not an image"


@pytest.mark.parametrize("spoil", [truncated, text, floating, empty])
@pytest.mark.parametrize("split", ["train", "val"])
def test_a_bad_file_is_named_with_its_reason(folders, run, split, spoil):
    path = folders / split / "B" / "0.png"
    reason = spoil(path)
    good, told = run(folders)
    assert not good
    assert f"{path} {reason}" in told
    assert f"{split}: {4 if split == 'train' else 0} good pairs, 1 bad\n" in told
    assert told.endswith("Bad in all: 1, listed above.\n")


def test_every_bad_file_is_named_also_where_both_of_a_pair_are_bad(folders, run):
    paths = [folders / "train" / part / f"{i}.png" for part in "AB" for i in range(5)]
    for path in paths:
        text(path)
    _, told = run(folders)
    for path in paths:
        assert f"{path} is not an image" in told
    assert "train: 0 good pairs, 10 bad\n" in told
    assert told.count("Restore these files") == 1  # they are of one kind


def test_sizes_that_differ(folders, run):
    path = save(folders / "train" / "A" / "2.png", noise(0, HEIGHT + 1))
    good, told = run(folders)
    assert not good
    assert f"differ in size (height×width): {path} is 11×20, " in told
    assert "train: 4 good pairs, 1 bad\n" in told


def test_a_file_without_partner(folders, run):
    (folders / "train" / "A" / "3.png").unlink()
    good, told = run(folders)
    assert not good
    assert f"{folders / 'train' / 'B' / '3.png'} needs {folders / 'train' / 'A' / '3.*'}" in told
    assert "train: 4 good pairs, 1 bad\n" in told


@pytest.mark.parametrize("name", ["3.png", "city"])
def test_a_link_that_leads_nowhere(folders, run, name):
    link = folders / "train" / "A" / name
    link.unlink(missing_ok=True)
    link.symlink_to("/no/such/disk")
    good, told = run(folders)
    assert not good
    assert f"links that lead nowhere: 1\n  {link} to /no/such/disk: No such file" in told


def test_what_is_left_alone_is_told_and_is_no_fault(folders, run):
    hidden = save(folders / "train" / "B" / ".ipynb_checkpoints" / "0-checkpoint.png", noise(0))
    (folders / "train" / "B" / "0.heic").write_bytes(b"")
    good, told = run(folders)
    assert good
    assert f"hidden or a system's own: 1 ({hidden.parent})\n" in told
    assert f"not named as images are: 1 ({folders / 'train' / 'B' / '0.heic'})\n" in told


def test_two_halves_of_one_file_are_one_bad_file(tmp_path, run):
    for split in ("train", "val"):
        save(tmp_path / split / "0.png", noise(0, width=2 * WIDTH))
    text(tmp_path / "train" / "0.png")
    good, told = run(tmp_path, "aligned_pairs")
    assert not good
    assert "train: 0 good pairs, 1 bad\n" in told


def test_an_empty_split(folders, run):
    for part in "AB":
        (folders / "val" / part / "0.png").unlink()
    good, told = run(folders)
    assert not good
    assert "val: the split 'val' is empty" in told
    assert "train: 5 good pairs, 0 bad\n" in told


def test_a_test_split_is_read_where_there_is_one(folders, run):
    for part in "AB":
        path = save(folders / "test" / part / "0.png", noise(0))
    assert "test: 1 good pairs, 0 bad\n" in run(folders)[1]
    text(path)
    good, told = run(folders)
    assert not good
    assert f"{path} is not an image" in told


def test_no_split_at_all_is_an_error_of_use(tmp_path, run):
    with pytest.raises(UserError, match="nowhere/train/A does not exist"):
        run(tmp_path / "nowhere")


def test_colour_maps_of_the_palette_are_good(cityscapes, run):
    good, told = run(cityscapes, "cityscapes")
    assert good, told


def test_colours_outside_the_palette(cityscapes, run):
    path = city_file(cityscapes, "train", "ulm_1", "gtFine_color")
    pixels = np.array(Image.open(path))
    pixels[2, :4, :3] = 12, 3, 4
    save(path, pixels)
    good, told = run(cityscapes, "cityscapes")
    assert not good
    assert (
        f"{path}: 2.0% of its pixels have colours outside the palette, for example (12, 3, 4)\n"
    ) in told
    assert "saved as JPEG" in told
    assert "train: 1 good pairs, 1 bad\n" in told


def test_a_single_pixel_of_many_is_no_share_of_zero(cityscapes, run):
    name = city_file(cityscapes, "val", "jena_0", "gtFine_color")
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[5, 6] = 1, 2, 3
    save(name, pixels)
    save(city_file(cityscapes, "val", "jena_0", "leftImg8bit"), noise(0, 64, 64))
    assert f"{name}: less than 0.1% of its pixels" in run(cityscapes, "cityscapes")[1]


def test_a_bad_photo_does_not_hide_its_label_map(cityscapes, run):
    photo = city_file(cityscapes, "train", "ulm_0", "leftImg8bit")
    colours = save(city_file(cityscapes, "train", "ulm_0", "gtFine_color"), noise(0))
    text(photo)
    _, told = run(cityscapes, "cityscapes")
    assert f"{photo} is not an image" in told
    assert f"{colours}: 100.0% of its pixels" in told
    assert "train: 1 good pairs, 2 bad\n" in told


def test_only_parts_that_are_read_are_held_to_their_palette(cityscapes, run):
    save(city_file(cityscapes, "train", "ulm_0", "gtFine_color"), noise(0))
    assert not run(cityscapes, "cityscapes")[0]
    assert run(cityscapes, "cityscapes", label_files="labelIds")[1].count("needs") == 3


GREY = noise(7)[..., 0]
LEGAL = {
    "RGBA": ("a.png", Image.fromarray(noise(1)).convert("RGBA")),
    "palette": ("a.png", Image.fromarray(noise(1)).convert("P")),
    "grey": ("a.png", Image.fromarray(GREY)),
    "grey with alpha": ("a.png", Image.fromarray(GREY).convert("LA")),
    "1 bit": ("a.png", Image.fromarray(GREY).convert("1")),
    "16 bits": ("a.png", Image.fromarray(GREY.astype(np.uint16) * 257)),
    "CMYK": ("a.jpg", Image.fromarray(noise(1)).convert("CMYK")),
    "upper-case suffix": ("a.JPG", Image.fromarray(noise(1))),
    "spaces and Unicode": ("a photo, naïve – 写真.png", Image.fromarray(noise(1))),
    "markup": ("[red]a[blue].png", Image.fromarray(noise(1))),
    "bytes that are no text": (os.fsdecode(b"a\xff.png"), Image.fromarray(noise(1))),
}


@pytest.mark.parametrize("kind", LEGAL)
def test_odd_files_are_good(folders, run, kind):
    name, image = LEGAL[kind]
    image.save(folders / "train" / "A" / name)
    save(folders / "train" / "B" / Path(name).with_suffix(".png"), noise(2))
    good, told = run(folders)
    assert good, told
    assert "train: 6 good pairs, 0 bad\n" in told


def test_a_bad_file_whose_name_is_no_text(folders, run):
    text(folders / "train" / "A" / os.fsdecode(b"a\xff.png"))
    assert f"{folders / 'train' / 'A'}/a\\udcff.png needs" in run(folders)[1]


def test_a_pair_turned_by_exif_is_good(folders, run):
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = folders / "train" / "A" / "0.jpg"
    (folders / "train" / "A" / "0.png").unlink()
    save(turned, noise(0, WIDTH, HEIGHT), exif=exif)
    assert run(folders)[0]
    save(turned, noise(0, HEIGHT, WIDTH), exif=exif)
    assert f"{turned} is 20×10" in run(folders)[1]


def turned_by_exif(folders, orientation, size, suffix=".jpg"):
    """A photo that EXIF turns, beside a map that is as it is stored."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    for part in "AB":
        (folders / "train" / part / "0.png").unlink()
    save(folders / "train" / "A" / "0.png", noise(0, *size))
    return save(folders / "train" / "B" / f"0{suffix}", noise(1, *size), exif=exif)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_exif_that_turns_a_photo_out_of_its_maps_size(folders, run, suffix):
    photo = turned_by_exif(folders, 6, (HEIGHT, WIDTH), suffix)
    good, told = run(folders)
    assert not good
    assert f"{photo} is 20×10" in told
    assert f"{photo} is turned, as its EXIF orientation says, and would fit if it were not" in told


@pytest.mark.parametrize(("orientation", "size"), [(6, (HEIGHT, HEIGHT)), (3, (HEIGHT, WIDTH))])
def test_exif_that_turns_a_photo_alone_is_noted(folders, run, orientation, size):
    photo = turned_by_exif(folders, orientation, size)
    good, told = run(folders)
    assert good
    partner = folders / "train" / "A" / "0.png"
    assert "worth a look: images that EXIF turns or mirrors, unlike their partners: 1\n" in told
    assert f"  {photo} by its orientation {orientation}, and not so {partner}\n" in told
    assert told.endswith("Nothing is bad; see what is worth a look above.\n")


def test_photos_and_maps_that_exif_turns_alike_are_not_noted(folders, run):
    turned_by_exif(folders, 3, (HEIGHT, WIDTH))
    exif = Image.Exif()
    exif[0x0112] = 3
    save(folders / "train" / "A" / "0.png", noise(0), exif=exif)
    assert run(folders)[1].endswith("Everything is good.\n")


DEEP = np.arange(HEIGHT * WIDTH, dtype=np.uint16).reshape(HEIGHT, WIDTH)


@pytest.mark.parametrize(
    ("pixels", "suffix", "left"),
    [
        (DEEP, ".png", "go up to 199 of 65535, so that of 256 levels 1 are left"),
        (DEEP * 20, ".tif", "go up to 3980 of 65535, so that of 256 levels 16 are left"),
        (DEEP.astype(np.int32), ".tif", "go up to 199 of 65535, so that of 256 levels 1 are left"),
    ],
)
@pytest.mark.parametrize("layout", ["two_folders", "aligned_pairs"])
def test_deep_images_whose_bits_are_unused(folders, run, pixels, suffix, left, layout):
    (folders / "train" / "A" / "0.png").unlink()
    path = save(folders / "train" / "A" / f"0{suffix}", pixels)
    if layout == "aligned_pairs":
        path = path.rename(folders / "train" / path.name)
        save(folders / "val" / "0.png", noise(0))
    good, told = run(folders, layout)
    assert not good
    assert f"in 8 bits: 1\n  {path}: its values {left}\n" in told


@pytest.mark.parametrize("pixels", [DEEP * 0, DEEP * 300])
def test_deep_images_that_are_black_or_bright_are_good(folders, run, pixels):
    save(folders / "train" / "A" / "0.png", pixels)
    assert run(folders)[0]


def with_boundaries(root, run, tmp_path, capsys):
    whole = config(root, "cityscapes")
    whole.data.boundary = "smooth"
    return check(whole, tmp_path / "check.png"), capsys.readouterr().out


@pytest.mark.parametrize("cut", ["wrapped", "clipped"])
def test_instance_ids_cut_to_eight_bits(cityscapes, run, tmp_path, capsys, cut):
    ids = np.full((HEIGHT, WIDTH), 7, np.int32)
    ids[:4, :4], ids[6:, 6:] = 26001, 24017
    path = city_file(cityscapes, "train", "ulm_0", "gtFine_instanceIds")
    save(path, ids.astype(np.uint16))
    assert with_boundaries(cityscapes, run, tmp_path, capsys)[0]
    save(path, (ids % 256 if cut == "wrapped" else ids.clip(max=255)).astype(np.uint8))
    good, told = with_boundaries(cityscapes, run, tmp_path, capsys)
    assert good  # ids of one's own data may well be of eight bits
    assert f"look cut to eight bits: 1\n  {path}: it has ids up to " in told


def test_instance_ids_without_instances_are_good_in_eight_bits(cityscapes, run, tmp_path, capsys):
    ids = np.random.default_rng(0).integers(0, len(LABELS), (HEIGHT, WIDTH), np.uint8)
    save(city_file(cityscapes, "train", "ulm_0", "gtFine_instanceIds"), ids)
    assert with_boundaries(cityscapes, run, tmp_path, capsys)[0]


def test_frames_that_are_not_read_are_noted(folders, run):
    (folders / "train" / "A" / "0.png").unlink()
    path = folders / "train" / "A" / "0.gif"
    others = [Image.fromarray(noise(n)) for n in (1, 2)]
    Image.fromarray(noise(0)).save(path, save_all=True, append_images=others)
    good, told = run(folders)
    assert good
    assert f"{path}: it has 3, of which the first is read\n" in told


def test_links_are_followed(folders, run, tmp_path):
    link = folders / "train" / "A" / "0.png"
    elsewhere = link.rename(tmp_path / "elsewhere.png")
    link.symlink_to(elsewhere)
    good, told = run(folders)
    assert good
    assert "train: 5 good pairs, 0 bad\n" in told


class InMemory:
    """A source of another kind than files."""

    faults = (Fault("clouds", "cloud 7 is missing", "Wait for rain."),)

    def __len__(self):
        return 3

    def __getitem__(self, index):
        if index == 1:
            raise UserError("pair 1 is garbled")
        return {"condition": noise(0), "target": noise(1), "name": str(index)}


def test_a_source_without_files(tmp_path, run, monkeypatch):
    monkeypatch.setattr(command, "find_source", lambda *_, **__: InMemory())
    good, told = run(tmp_path)
    assert not good
    assert "train: 2 good pairs, 2 bad\n" in told
    assert "clouds: 1\n  cloud 7 is missing\nWait for rain.\n" in told
    assert "pair 1 is garbled" in told


def holds(sheet, image):
    """Whether the image stands somewhere on the sheet, enlarged as it is there."""
    shown = image.repeat(ZOOM, axis=0).repeat(ZOOM, axis=1)
    windows = np.lib.stride_tricks.sliding_window_view(sheet, shown.shape)[..., 0, :, :, :]
    corners = np.argwhere((sheet == shown[0, 0])[: len(windows), : windows.shape[1]].all(axis=-1))
    return any((windows[top, left] == shown).all() for top, left in corners)


def test_grid_has_every_good_pair(folders, run, tmp_path):
    text(folders / "train" / "B" / "1.png")
    _, told = run(folders)
    sheet = np.array(Image.open(tmp_path / "check.png"))
    shown = {(i, p): holds(sheet, noise(seed(i, p))) for i in range(5) for p in "AB"}
    assert shown == {(i, p): i != 1 for i in range(5) for p in "AB"}
    assert f"{tmp_path / 'check.png'}, 5 pairs as condition | target\n" in told


def test_grid_of_some_of_many_is_drawn_by_the_seed(folders, tmp_path):
    for i in range(5, 20):
        for part in "AB":
            save(folders / "train" / part / f"{i}.png", noise(seed(i, part)))
    sheets = []
    for config_seed in (0, 0, 1):
        whole = config(folders, "two_folders")
        whole.seed = config_seed
        check(whole, tmp_path / "check.png")
        sheets.append(np.array(Image.open(tmp_path / "check.png")))
    assert (sheets[0] == sheets[1]).all()
    assert (sheets[0] != sheets[2]).any()


def test_large_images_are_made_smaller():
    pair = {part: np.zeros((512, 1024, 3), np.uint8) for part in ("condition", "target")}
    sheet = pairs_grid([{**pair, "name": "large"}], ["large"])
    assert sheet.shape[0] < 300
    assert sheet.shape[1] < 1100


def test_boundaries_are_on_the_sheet(cityscapes, tmp_path, capsys):
    whole = config(cityscapes, "cityscapes")
    whole.data.boundary = "smooth"
    assert check(whole, tmp_path / "check.png")
    assert "3 pairs as condition | target | boundary\n" in capsys.readouterr().out
    instances = read_ids(city_file(cityscapes, "val", "jena_0", "gtFine_instanceIds"))
    assert holds(np.array(Image.open(tmp_path / "check.png")), boundary_map(instances))


def test_no_sheet_where_nothing_is_good(folders, run, tmp_path):
    for path in folders.rglob("*.png"):
        text(path)
    good, _ = run(folders)
    assert not good
    assert not (tmp_path / "check.png").exists()


@pytest.mark.parametrize("out", ["no/such/folder/check.png", "."])
def test_a_sheet_that_cannot_be_written(folders, tmp_path, capsys, out):
    with pytest.raises(UserError, match=r"--out .* cannot be written: "):
        check(config(folders, "two_folders"), tmp_path / out)
    assert "train: 5 good pairs" in capsys.readouterr().out


def as_command(cwd, root, *arguments):
    return subprocess.run(
        [
            *(sys.executable, "-m", "fullglow_jax.data.check"),
            *("--config", str(CONFIGS / "two_folders_256.py"), f"--config.data.root={root}"),
            *arguments,
        ],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def test_exit_codes(folders, tmp_path):
    done = as_command(tmp_path, folders)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "check.png").exists()
    text(folders / "train" / "A" / "0.png")
    done = as_command(tmp_path, folders, "--out", str(tmp_path / "sheet.jpg"))
    assert (done.returncode, done.stderr) == (1, "")
    assert f"{folders / 'train' / 'A' / '0.png'} is not an image" in done.stdout
    assert Image.open(tmp_path / "sheet.jpg").format == "PNG"


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--config.data.name=two_folder", "is not one of ade20k, aligned_pairs"),
        ("--config.data.rot=x", "the config has no key 'rot'"),
    ],
)
def test_errors_of_use(folders, tmp_path, argument, message):
    done = as_command(tmp_path, folders, argument)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
