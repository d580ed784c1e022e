"""What counts as an image, what is left alone, and what is told of, in every layout."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

from fullglow_jax.data.faults import described
from fullglow_jax.data.file_pairs import find_pairs
from fullglow_jax.data.fitting import Fitting
from fullglow_jax.data.image_files import described_left_alone, find_images
from fullglow_jax.data.image_kinds import image_suffixes
from fullglow_jax.data.images import read_rgb
from fullglow_jax.data.layouts import AlignedPairs, Cityscapes, Images, TwoFolders
from fullglow_jax.errors import UserError

SIZE = (4, 4)
HIDDEN = (".ipynb_checkpoints", ".Trash-1000", "@eaDir", "__MACOSX", "$RECYCLE.BIN")


def write(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", SIZE[::-1], (1, 2, 3)).save(path)
    return path


def images(root, *names):
    for name in names:
        write(root / "train" / name)
    return lambda: find_pairs(Images(root, "train"), None, Fitting(SIZE))


def aligned(root, *names):
    for name in names:
        write(root / "train" / name)
    return lambda: find_pairs(AlignedPairs(root, "train"), None, Fitting(SIZE))


def two_folders(root, *names):
    for name in names:
        write(root / "train" / "A" / name)
        write(root / "train" / "B" / name)
    return lambda: find_pairs(TwoFolders(root, "train", ("A", "B")), None, Fitting(SIZE))


def cityscapes(root, *names):
    for name in names:
        for folder, ending in (("leftImg8bit", "leftImg8bit"), ("gtFine", "gtFine_color")):
            path = root / folder / "train" / name
            write(path.with_name(f"{path.stem}_{ending}{path.suffix}"))
    return lambda: find_pairs(Cityscapes(root, "train"), None, Fitting(SIZE))


DEEP = (images, two_folders, cityscapes)
LAYOUTS = (aligned, *DEEP)


def names(found):
    return [pair["name"].removesuffix(".png") for pair in map(found.__getitem__, range(len(found)))]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_image_is_what_pillow_reads_in_any_case(tmp_path, layout):
    kinds = [
        "png",
        "JPG",
        "jfif",
        "jpe",
        "tga",
        "jp2",
        "Tiff",
        "gif",
        "webp",
        "ppm",
        "dib",
        "bmp",
        "pcx",
    ]
    found = layout(tmp_path, *(f"{i:02d}.{kind}" for i, kind in enumerate(kinds)))()
    assert found.faults == ()
    assert len(list(found)) == len(kinds)


def test_kinds_that_pillow_does_not_decode_by_itself_are_none():
    suffixes = image_suffixes()
    assert not suffixes & {".pdf", ".eps", ".ps", ".mpg", ".h5", ".grib", ".wmf", ".txt", ".db", ""}
    assert {".png", ".jpeg", ".mpo", ".tga", ".jp2"} <= suffixes


def test_what_only_other_programs_decode_is_not_given_to_them(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.eps")
    path = (tmp_path / "a.eps").rename(tmp_path / "a.png")
    with pytest.raises(UserError, match="not an image of a format that can be read here"):
        read_rgb(path)


@pytest.mark.parametrize("layout", DEEP)
@pytest.mark.parametrize("depth", ["", "city/"])
def test_hidden_folders_are_left_alone(tmp_path, layout, depth):
    hidden = [f"{depth}{folder}/x.png" for folder in HIDDEN]
    found = layout(tmp_path, "ulm/x.png", *hidden, f"{depth}.x.png", ".hidden/deep/er/y.png")()
    assert [name.split("/")[-1] for name in names(found)] == ["x"]
    assert found.faults == ()
    assert {each.why for each in found.left_alone} == {"hidden or a system's own"}


def test_the_data_itself_may_lie_in_a_hidden_folder(tmp_path):
    assert len(images(tmp_path / ".cache" / "@eaDir", "x.png")()) == 1


@pytest.mark.parametrize("layout", DEEP)
def test_links_to_folders_are_followed(tmp_path, layout):
    find = layout(tmp_path, "ulm/x.png", "jena/y.png")
    for folder in sorted(tmp_path.rglob("jena")):
        elsewhere = tmp_path / "elsewhere" / folder.relative_to(tmp_path)
        elsewhere.parent.mkdir(parents=True)
        shutil.move(folder, elsewhere)
        folder.symlink_to(elsewhere, target_is_directory=True)
    found = find()
    assert [name.split("/")[-1] for name in names(found)] == ["y", "x"]
    assert found.faults == ()


def test_one_folder_may_be_linked_to_twice(tmp_path):
    find = images(tmp_path, "a/x.png")
    (tmp_path / "train" / "b").symlink_to("a")
    assert names(find()) == ["a/x", "b/x"]


@pytest.mark.parametrize("target", [".", "..", "../..", "../../train", "../other"])
def test_circles_end(tmp_path, target):
    find = images(tmp_path, "ulm/x.png", "other/z.png", "../val/v.png")
    (tmp_path / "train" / "ulm" / "back").symlink_to(target)
    (tmp_path / "train" / "other" / "back").symlink_to("../ulm")
    found = find()
    assert found.faults == ()
    assert all("ulm" in name or "other" in name for name in names(found))
    assert {"ulm/x", "other/z"} <= set(names(found))
    assert len(found) <= 4
    assert {each.why for each in found.left_alone} == {"links to a folder that they lie in"}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["gone.png", "gone"])
def test_links_that_lead_nowhere_are_named(tmp_path, layout, name):
    find = layout(tmp_path, "x.png", "y.png")
    [folder, *_] = sorted(path.parent for path in tmp_path.rglob("x*.png"))
    (folder / name).symlink_to("../nowhere")
    (folder / "itself").symlink_to("itself")
    found = find()
    told = described(found.faults)
    assert len(found) == 2
    assert f"links that lead nowhere: 2\n  {folder / name} to ../nowhere: No such file" in told
    assert f"  {folder / 'itself'} to itself: Too many levels" in told


def test_a_split_of_nothing_but_such_links(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "city").symlink_to("/no/such/disk")
    found = find_pairs(Images(tmp_path, "train"), None, Fitting(SIZE))
    assert (len(found), len(found.faults)) == (0, 1)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_names_that_mean_something_to_patterns(tmp_path, layout):
    root = tmp_path / "[a-c]*?" / "{x}"
    deep = "" if layout is aligned else "[ulm]*/"
    assert len(layout(root, f"{deep}[1].png", f"{deep}x?*.png")()) == 2


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_is_left_alone_is_counted_by_reason(tmp_path, layout):
    find = layout(tmp_path, "ulm.png")
    [folder, *_] = sorted(path.parent for path in tmp_path.rglob("ulm*.png"))
    for name in ("notes.txt", "a.heic", "b.heic", ".DS_Store", "c.heic"):
        (folder / name).write_bytes(b"")
    write(folder / ".thumbnails" / "large" / "0.png")
    write(folder / ".thumbnails" / "1.png")
    os.mkfifo(folder / "pipe.png")
    left_alone = find().left_alone
    assert described_left_alone(left_alone) == [
        "files left alone, hidden or a system's own: 3 "
        f"({folder / '.DS_Store'}, {folder / '.thumbnails'})",
        f"files left alone, neither files nor folders: 1 ({folder / 'pipe.png'})",
        "files left alone, not named as images are: 4 "
        f"({folder / 'a.heic'}, {folder / 'b.heic'}, {folder / 'c.heic'}, …)",
    ]


def test_subfolders_of_aligned_pairs_are_told_of(tmp_path):
    found = aligned(tmp_path, "x.png", "more/y.png", "more/z.png")()
    assert names(found) == ["x"]
    more = tmp_path / "train" / "more"
    told = f"files left alone, in sub-folders, where none are expected: 2 ({more})"
    assert described_left_alone(found.left_alone) == [told]


def test_other_files_of_cityscapes_are_not_told_of_and_strange_ones_are(tmp_path):
    find = cityscapes(tmp_path, "ulm/ulm_0.png")
    city = tmp_path / "gtFine" / "train" / "ulm"
    write(city / "ulm_0_gtFine_instanceIds.png")
    (city / "ulm_0_gtFine_polygons.json").write_text("{}")
    strange = write(tmp_path / "leftImg8bit" / "train" / "ulm" / "ulm_1.png")
    assert [each.path for each in find().left_alone] == [strange]


def test_an_empty_split_says_what_there_is_instead(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "a.heic").write_bytes(b"")
    with pytest.raises(
        UserError, match=r"is empty.*\nfiles left alone, not named.*: 1 \(.*a\.heic\)"
    ):
        find_pairs(Images(tmp_path, "train"), None, Fitting(SIZE))


COMPOSED, DECOMPOSED = "caf\u00e9 \u1112\u1161\u11ab", "cafe\u0301 \ud55c"


def test_names_are_paired_however_their_accents_are_encoded(tmp_path):
    write(tmp_path / "train" / "A" / COMPOSED / f"{DECOMPOSED}.png")
    write(tmp_path / "train" / "B" / DECOMPOSED / f"{COMPOSED}.jpg")
    found = two_folders(tmp_path)()
    assert found.faults == ()
    assert names(found) == ["caf\u00e9 \ud55c/caf\u00e9 \ud55c"]


def test_cities_and_scenes_are_paired_however_their_accents_are_encoded(tmp_path):
    write(tmp_path / "leftImg8bit" / "train" / COMPOSED / f"{DECOMPOSED}_0_leftImg8bit.png")
    write(tmp_path / "gtFine" / "train" / DECOMPOSED / f"{COMPOSED}_0_gtFine_color.png")
    found = cityscapes(tmp_path)()
    assert found.faults == ()
    assert names(found) == ["caf\u00e9 \ud55c_0"]


@pytest.mark.parametrize("layout", [two_folders, cityscapes])
def test_two_names_that_look_the_same_are_two_of_one_name(tmp_path, layout):
    found = layout(tmp_path, f"{COMPOSED}.png", f"{DECOMPOSED}.png")()
    assert len(found) == 1
    assert "look the same" in described(found.faults)


def test_walks_are_in_the_order_of_paths(tmp_path):
    images(tmp_path, "b/x.png", "b.png", "B.png", "a.jpg", "10.png", "9.png")
    there = find_images(tmp_path / "train").images
    assert list(there) == sorted(there)
    assert np.array_equal(
        [p.name for p in there], ["10.png", "9.png", "B.png", "a.jpg", "x.png", "b.png"]
    )
