import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fullglow_jax.data.images import read_ids, read_rgb, resize_bilinear
from fullglow_jax.errors import UserError

RGB = np.random.default_rng(0).integers(0, 256, (6, 10, 3), np.uint8)


def save(tmp_path, image, name="image.png", **options):
    path = tmp_path / name
    image.save(path, **options)
    return path


def png_bytes(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_rgb_is_read_as_stored(tmp_path):
    read = read_rgb(save(tmp_path, Image.fromarray(RGB)))
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, RGB)


def test_result_is_writable_and_owns_its_pixels(tmp_path):
    assert read_rgb(save(tmp_path, Image.fromarray(RGB))).flags.writeable


@pytest.mark.parametrize("alpha", [0, 1, 255])
def test_alpha_is_dropped_whatever_it_is(tmp_path, alpha):
    rgba = np.dstack([RGB, np.full(RGB.shape[:2], alpha, np.uint8)])
    np.testing.assert_array_equal(read_rgb(save(tmp_path, Image.fromarray(rgba))), RGB)


def test_palette_becomes_its_colours(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 150, 100])
    image.putpixel((1, 0), 1)
    expected = [[[10, 20, 30], [200, 150, 100]]]
    np.testing.assert_array_equal(read_rgb(save(tmp_path, image)), expected)


def test_grey_fills_three_channels(tmp_path):
    grey = RGB[..., 0]
    read = read_rgb(save(tmp_path, Image.fromarray(grey)))
    np.testing.assert_array_equal(read, np.dstack([grey] * 3))


def test_one_bit_is_black_and_white(tmp_path):
    image = Image.new("1", (2, 1))
    image.putpixel((1, 0), 1)
    np.testing.assert_array_equal(read_rgb(save(tmp_path, image)), [[[0] * 3, [255] * 3]])


def test_16_bit_grey_is_scaled_not_clipped(tmp_path):
    grey = np.array([[0, 255, 256, 32768, 65535]], np.uint16)
    read = read_rgb(save(tmp_path, Image.fromarray(grey)))
    np.testing.assert_array_equal(read[0, :, 1], [0, 0, 1, 128, 255])


def test_cmyk_becomes_rgb(tmp_path):
    image = Image.new("CMYK", (4, 4), (0, 255, 255, 0))
    read = read_rgb(save(tmp_path, image, "image.tif"))
    np.testing.assert_array_equal(read, np.broadcast_to([255, 0, 0], (4, 4, 3)))


def test_exif_rotation_is_honoured(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned a quarter clockwise
    path = save(tmp_path, Image.fromarray(RGB), exif=exif)
    np.testing.assert_array_equal(read_rgb(path), np.rot90(RGB, -1))


def test_resize_stretches_with_antialiasing():
    stripes = np.zeros((8, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    read = resize_bilinear(stripes, (4, 8))
    assert read.shape == (4, 8, 3)
    # Without antialiasing, every 8th column would be picked: all 0 or all 255.
    assert np.all(np.abs(read.astype(int) - 127) <= 8)


def test_resize_is_pillows_bilinear():
    read = resize_bilinear(RGB, (9, 4))
    expected = Image.fromarray(RGB).resize((4, 9), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(read, np.asarray(expected))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_ids_keep_their_values(tmp_path, dtype):
    ids = np.array([[0, 7], [np.iinfo(dtype).max, 33]], dtype)
    read = read_ids(save(tmp_path, Image.fromarray(ids)))
    assert read.dtype == np.int32
    np.testing.assert_array_equal(read, ids)


def test_ids_of_a_palette_image_are_its_indices(tmp_path):
    image = Image.new("P", (2, 1), 1)
    image.putpalette([9, 9, 9, 9, 9, 9])
    np.testing.assert_array_equal(read_ids(save(tmp_path, image)), [[1, 1]])


def test_colour_image_is_no_id_map(tmp_path):
    path = save(tmp_path, Image.fromarray(RGB))
    with pytest.raises(UserError, match=r"image\.png has RGB pixels, where a map of ids"):
        read_ids(path)


@pytest.mark.parametrize("read", [read_rgb, read_ids])
def test_missing_file_is_named(tmp_path, read):
    with pytest.raises(UserError, match=r"absent\.png does not exist"):
        read(tmp_path / "absent.png")


@pytest.mark.parametrize("read", [read_rgb, read_ids])
def test_folder_is_named(tmp_path, read):
    with pytest.raises(UserError, match="cannot be read"):
        read(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\x89PNG", b"a letter, not a picture" * 9])
def test_other_content_is_named(tmp_path, content):
    path = tmp_path / "letter.png"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"letter\.png"):
        read_rgb(path)


def test_floating_point_image_is_refused(tmp_path):
    path = save(tmp_path, Image.fromarray(np.ones((2, 2), np.float32)), "depth.tif")
    with pytest.raises(UserError, match=r"depth\.tif has floating-point pixels"):
        read_rgb(path)


@pytest.mark.parametrize("limit", [59, 30, 29])
def test_bomb_is_refused_before_it_is_decoded(tmp_path, monkeypatch, recwarn, limit):
    path = save(tmp_path, Image.fromarray(RGB))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)  # the image has 60
    with pytest.raises(UserError, match="too large to be decoded safely"):
        read_rgb(path)


@pytest.mark.parametrize("name", ["cut.png", "cut.jpg"])
def test_truncated_file_is_named(tmp_path, name):
    path = save(tmp_path, Image.fromarray(RGB.repeat(20, 0).repeat(20, 1)), name)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(UserError, match=r"cut\.\w+ is damaged or cut short"):
        read_rgb(path)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_file_is_read_or_raises_user_error(tmp_path_factory, data):
    whole = bytearray(png_bytes(RGB))
    for position in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=4)):
        whole[position] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / "image.png"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    message = str(path)
    try:
        read_rgb(path)
    except UserError as error:
        message = str(error)
    assert str(path) in message
