"""Picture files of all kinds as luminance in their own size."""

import io

import numpy as np
import pytest
from PIL import Image

from linesexp.errors import InputError
from linesexp.images.pictures import TooManyPixels, decode_grey

GREY = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
COLOUR = np.stack([GREY, GREY[::-1], 255 - GREY], axis=-1)


def file_of(picture, **options):
    """The bytes of a picture file that Pillow writes."""
    buffer = io.BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(buffer, **{"format": "png"} | options)
    return buffer.getvalue()


def test_a_grey_picture_comes_as_it_is():
    decoded = decode_grey(file_of(GREY), "x.png")
    assert np.array_equal(decoded.pixels, GREY)
    assert decoded.notes == ()


def test_colour_becomes_luminance_and_it_is_said():
    decoded = decode_grey(file_of(COLOUR), "x.png")
    np.testing.assert_allclose(decoded.pixels, COLOUR @ [0.299, 0.587, 0.114], atol=1)
    assert "luminance" in decoded.notes[0]


def test_a_colour_file_of_grey_pixels_is_grey():
    assert decode_grey(file_of(np.stack([GREY] * 3, axis=-1)), "x.png").notes == ()


@pytest.mark.parametrize("kind", ["png", "tiff"])
def test_16_bits(kind):
    deep = np.linspace(0, 65535, 48).astype(np.uint16).reshape(6, 8)
    np.testing.assert_allclose(decode_grey(file_of(deep, format=kind), "x").pixels, deep / 257, atol=1)


@pytest.mark.parametrize(("most", "white"), [(255, 255), (65535, 65535), (2**31 - 1, 2**31 - 1)])
def test_32_bits_are_read_by_the_bytes_that_they_fill(most, white):
    deep = np.linspace(0, most, 48).astype(np.int32).reshape(6, 8)
    decoded = decode_grey(file_of(Image.fromarray(deep), format="tiff"), "x.tif")
    np.testing.assert_allclose(decoded.pixels, deep * (255 / white), atol=1)
    assert decoded.notes == ("more than 8 bits a pixel brought to 8",)


def test_16_bits_with_a_transparent_grey():
    deep = np.full((6, 8), 300, np.uint16)
    deep[0] = 301
    decoded = decode_grey(file_of(Image.fromarray(deep), transparency=301), "x.png")
    assert (decoded.pixels[0] == 255).all()
    assert (decoded.pixels[1:] == 1).all()


def test_an_animation_is_its_first_frame_and_it_is_said():
    later = [Image.fromarray(255 - GREY)]
    decoded = decode_grey(file_of(GREY, format="gif", save_all=True, append_images=later), "x.gif")
    assert np.array_equal(decoded.pixels, GREY)
    assert decoded.notes == ("animated: its first frame",)


def test_a_palette():
    palette = Image.fromarray(COLOUR).quantize(256)
    expected = np.asarray(palette.convert("RGB").convert("L"))
    np.testing.assert_allclose(decode_grey(file_of(palette), "x.png").pixels, expected, atol=1)


def test_what_is_transparent_is_laid_on_white_and_it_is_said():
    clear = np.dstack([GREY, GREY, GREY, np.full_like(GREY, 255)])
    clear[0, :, 3] = 0
    decoded = decode_grey(file_of(clear), "x.png")
    assert (decoded.pixels[0] == 255).all()
    assert np.array_equal(decoded.pixels[1:], GREY[1:])
    assert decoded.notes == ("transparent: laid on white",)


def test_cmyk():
    picture = Image.fromarray(COLOUR).resize((64, 48), Image.Resampling.NEAREST).convert("CMYK")
    decoded = decode_grey(file_of(picture, format="tiff"), "x.tif")
    expected = np.asarray(picture.convert("RGB").convert("L")).astype(int)
    np.testing.assert_allclose(decoded.pixels, expected, atol=2)


def test_a_picture_is_turned_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held turned by 90°
    assert np.array_equal(decode_grey(file_of(GREY, exif=exif), "x.png").pixels, np.rot90(GREY, -1))


@pytest.mark.parametrize(
    ("longest", "shape"), [(4, (3, 4)), (8, (6, 8)), (1, (1, 1)), (100, (6, 8)), (None, (6, 8))]
)
def test_a_picture_is_scaled_down_but_never_up(longest, shape):
    decoded = decode_grey(file_of(GREY), "x.png", longest)
    assert decoded.pixels.shape == shape
    assert bool(decoded.notes) == (shape != GREY.shape)
    words = f"scaled down from 8×6 to {shape[1]}×{shape[0]} pixels (width × height)"
    assert decoded.notes in ((), (words,))


def test_the_limit_on_pixels_is_named_and_can_be_moved():
    with pytest.raises(TooManyPixels, match=r"^x\.png: 8×6 pixels; at most 47 are read"):
        decode_grey(file_of(GREY), "x.png", most_pixels=47)
    assert decode_grey(file_of(GREY), "x.png", most_pixels=48).pixels.shape == (6, 8)


def test_pillows_own_limit_is_as_it_was():
    before = Image.MAX_IMAGE_PIXELS
    with pytest.raises(TooManyPixels):
        decode_grey(file_of(GREY), "x.png", most_pixels=2)
    assert before == Image.MAX_IMAGE_PIXELS


def test_what_is_no_picture_is_refused_by_name():
    with pytest.raises(InputError, match=r"^mine\.png: not a picture"):
        decode_grey(b"text", "mine.png")


def test_whatever_a_decoder_raises_is_no_picture(monkeypatch):
    def decoder(*_):
        raise NotImplementedError("pixel format 4")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", decoder)
    with pytest.raises(InputError, match=r"^mine\.png: not a picture that can be read \(NotImplementedError\)"):
        decode_grey(file_of(COLOUR), "mine.png")


def test_formats_that_are_not_taken_are_no_pictures():
    """Pillow has decoders that start programs, or unpack without a bound; DDS stands for them."""
    with pytest.raises(InputError, match=r"^mine\.dds: not a picture that can be read"):
        decode_grey(file_of(COLOUR, format="dds"), "mine.dds")
