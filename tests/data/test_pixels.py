"""Ids, whatever mode a PNG stores them in: the same ones, or none."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from fullglow_jax.data.images import read_ids, read_rgb
from fullglow_jax.data.numbering import NUMBERINGS
from fullglow_jax.errors import UserError
from fullglow_jax.palette import LABELS

COLOURS = np.array([label.colour for label in LABELS], np.uint8)
IDS = np.array([[7, 26, 26, 7], [0, 33, 1, 23], [23, 11, 0, 0]], np.uint8)


def write_png(path, samples, bits, colour_type, *chunks):
    """A PNG of one channel with so many bits."""
    height, width = samples.shape

    def chunk(kind, content):
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    rows = b""
    for row in samples:
        spread = np.unpackbits(row[:, None], axis=1)[:, -bits:]
        rows += b"\0" + np.packbits(spread.reshape(-1)).tobytes()
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + b"".join(chunk(*each) for each in chunks)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
    return path


def by_palette(path, ids, colours, order, bits=8):
    """The pixels whose colours are those of the ids, through a palette in some order."""
    palette = np.asarray(order)
    indices = np.argsort(palette)[np.searchsorted(np.sort(palette), ids)].astype(np.uint8)
    return write_png(path, indices, bits, 3, (b"PLTE", colours[palette].astype(np.uint8).tobytes()))


GREYS = np.repeat(np.arange(256)[:, None], 3, axis=1)


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("order", [[0, 1, 7, 11, 23, 26, 33], [23, 0, 33, 7, 1, 26, 11]])
@pytest.mark.parametrize("colours", [None, COLOURS])
def test_a_palette_of_the_greys_that_occur(tmp_path, bits, order, colours):
    path = by_palette(tmp_path / "a.png", IDS, GREYS, order, bits)
    assert Image.open(path).mode == "P"
    np.testing.assert_array_equal(read_ids(path, colours), IDS)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16", "P"])
def test_other_modes(tmp_path, mode):
    Image.fromarray(IDS).convert(mode).save(tmp_path / "a.png")
    for colours in (None, COLOURS):
        read = read_ids(tmp_path / "a.png", colours)
        assert read.dtype == np.int32
        np.testing.assert_array_equal(read, IDS)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_few_bits_of_grey_are_refused_unless_nothing_is_set(tmp_path, bits):
    samples = np.array([[0, 1], [1, 0]], np.uint8)
    path = write_png(tmp_path / "a.png", samples, bits, 0)
    with pytest.raises(UserError, match=r"a\.png has grey values of fewer than 8 bits"):
        read_ids(path)
    write_png(path, 0 * samples, bits, 0)
    np.testing.assert_array_equal(read_ids(path), 0 * samples)


@pytest.mark.parametrize("magic", ["P2", "P5"])
def test_values_of_another_range_are_refused(tmp_path, magic):
    values = b"7 33" if magic == "P2" else bytes([7, 33])
    (tmp_path / "a.pgm").write_bytes(f"{magic}\n2 1\n33\n".encode() + values)
    with pytest.raises(UserError, match="fewer than 8 bits"):
        read_ids(tmp_path / "a.pgm")


def test_colours_are_looked_up_in_any_order(tmp_path):
    """The last of those that share a colour stands for them: all are painted the same."""
    order = [26, 0, 33, 7, 23, 11]
    ids = np.where(IDS == 1, 0, IDS)
    painted = COLOURS[ids]
    by_palette(tmp_path / "palette.png", ids, COLOURS, order)
    Image.fromarray(painted).save(tmp_path / "rgb.png")
    Image.fromarray(painted).convert("RGBA").save(tmp_path / "rgba.png")
    for path in tmp_path.iterdir():
        read = read_ids(path, COLOURS)
        np.testing.assert_array_equal(read, np.where(ids == 0, 4, ids))
        np.testing.assert_array_equal(COLOURS[read], read_rgb(path))


def test_a_palette_of_all_labels_is_indexed_by_their_ids(tmp_path):
    image = Image.fromarray(IDS, "P")
    image.putpalette(COLOURS.tobytes())
    image.save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_ids(tmp_path / "a.png", COLOURS), IDS)


def test_without_colours_indices_of_a_coloured_palette_are_ids(tmp_path):
    image = Image.fromarray(IDS, "P")
    image.putpalette(np.random.default_rng(0).integers(0, 256, 768, np.uint8).tobytes())
    image.save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_ids(tmp_path / "a.png"), IDS)
    with pytest.raises(UserError, match="which is no label's, where ids are expected"):
        read_ids(tmp_path / "a.png", COLOURS)


def test_a_palette_without_colours_tells_no_ids(tmp_path):
    image = Image.fromarray(IDS, "P")
    image.putpalette(bytes(768))
    image.save(tmp_path / "a.png")
    with pytest.raises(UserError, match="several ids in one colour"):
        read_ids(tmp_path / "a.png", COLOURS)


SEE_THROUGH = np.dstack([IDS, IDS, IDS, np.full_like(IDS, 254)])
DEEP_COLOURS = struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)


@pytest.mark.parametrize(
    ("pixels", "name", "why"),
    [
        (COLOURS[IDS], "a.png", "RGB pixels, where a map of ids has one grey channel"),
        (SEE_THROUGH, "a.png", "pixels that one can see through"),
        (SEE_THROUGH[..., 2:], "a.png", "pixels that one can see through"),
        (IDS.astype(np.float32), "a.tif", "F pixels, where a map of ids"),
        (IDS, "a.jpg", "pixels that JPEG may have changed"),
        (IDS, "a.webp", "pixels that WEBP may have changed"),
    ],
)
def test_what_cannot_be_told_is_refused(tmp_path, pixels, name, why):
    Image.fromarray(pixels).save(tmp_path / name)
    with pytest.raises(UserError, match=f"{name} has {why}"):
        read_ids(tmp_path / name)


def test_16_bits_in_three_channels_are_refused(tmp_path):
    path = write_png(tmp_path / "a.png", np.array([[0, 7, 0, 7, 0, 7]], np.uint8), 8, 0)
    content = path.read_bytes()
    wrong = struct.pack(">IIBBBBB", 6, 1, 8, 0, 0, 0, 0)
    right = struct.pack(">I", zlib.crc32(b"IHDR" + DEEP_COLOURS))
    content = content.replace(wrong, DEEP_COLOURS)
    place = content.index(DEEP_COLOURS) + len(DEEP_COLOURS)
    path.write_bytes(content[:place] + right + content[place + 4 :])
    with pytest.raises(UserError, match="16-bit RGB pixels"):
        read_ids(path)


def test_training_ids_painted_are_found_again(tmp_path):
    colours = NUMBERINGS["labelTrainIds"].colours
    ids = np.array([[0, 18, 255]])
    Image.fromarray(colours[ids]).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_ids(tmp_path / "a.png", colours), ids)
