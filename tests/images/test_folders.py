"""Class folders of PNG files, and picture files of all kinds read back into arrays."""

import io
import struct
import zlib

import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image

from linesexp.errors import InputError
from linesexp.images.dataset import Dataset
from linesexp.images.folders import class_folder_files, encode_png
from linesexp.images.pictures import decode_picture

GREY = np.arange(64, dtype=np.uint8).reshape(8, 8) * 4
COLOUR = np.stack([GREY, GREY.T, 255 - GREY], axis=-1)


def file_of(picture, **options):
    """The bytes of a picture file that Pillow writes."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, **{"format": "png"} | options)
    return buffer.getvalue()


def dataset_of(*shape):
    pixels = np.random.default_rng(0).integers(256, size=(6, *shape), dtype=np.uint8)
    labels, split = np.array([0, 1, 0, 1, 0, 0]), np.array([0, 0, 0, 1, 2, 2])
    return Dataset(pixels, labels, split, ("horizontal", "vertical"))


def test_files_lie_in_a_folder_of_their_split_and_class():
    names = [name for name, _ in class_folder_files(dataset_of(5, 5, 1))]
    assert names == [
        "train/horizontal/0001.png",
        "train/vertical/0001.png",
        "train/horizontal/0002.png",
        "validation/vertical/0001.png",
        "test/horizontal/0001.png",
        "test/horizontal/0002.png",
    ]


@pytest.mark.parametrize("channels", [1, 3])
def test_files_hold_the_pictures_unchanged(channels):
    dataset = dataset_of(5, 7, channels)
    for (_, data), pixels in zip(class_folder_files(dataset), dataset.pixels, strict=True):
        assert np.array_equal(iio.imread(data).reshape(pixels.shape), pixels)


def test_a_grey_picture_becomes_a_grey_png():
    assert Image.open(io.BytesIO(encode_png(GREY))).mode == "L"
    assert Image.open(io.BytesIO(encode_png(COLOUR))).mode == "RGB"


@pytest.mark.parametrize(("pixels", "channels"), [(GREY[..., None], 1), (COLOUR, 3)])
def test_a_picture_that_fits_is_read_unchanged(pixels, channels):
    data = encode_png(pixels[..., 0] if channels == 1 else pixels)
    assert np.array_equal(decode_picture(data, 8, channels, "x.png"), pixels)


def test_channels_decide_between_grey_and_colour():
    assert decode_picture(encode_png(COLOUR), 8, 1, "x.png").shape == (8, 8, 1)
    as_colour = decode_picture(encode_png(GREY), 8, 3, "x.png")
    assert np.array_equal(as_colour, np.stack([GREY] * 3, axis=-1))


def test_a_picture_is_stretched_to_the_size():
    halves = np.repeat(np.array([[0, 255]], dtype=np.uint8), 20, axis=1).repeat(10, axis=0)
    small = decode_picture(encode_png(halves), 8, 1, "x.png")[..., 0]
    assert np.array_equal(small[:, [0, -1]], [[0, 255]] * 8)


def test_a_picture_is_turned_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held turned by 90°
    turned = decode_picture(file_of(GREY, exif=exif), 8, 1, "x.png")[..., 0]
    assert np.array_equal(turned, np.rot90(GREY, -1))


def test_what_is_transparent_becomes_white():
    clear = np.zeros((8, 8, 4), dtype=np.uint8)
    clear[:4, :, 3] = 255  # the upper half is opaque black
    assert np.unique(decode_picture(file_of(clear), 8, 1, "x.png")[:, 0, 0]).tolist() == [0, 255]
    assert decode_picture(file_of(clear), 8, 1, "x.png")[0, 0, 0] == 0


@pytest.mark.parametrize("kind", ["png", "tiff"])
def test_a_picture_of_16_bits_keeps_its_greys(kind):
    deep = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    pixels = decode_picture(file_of(deep, format=kind), 8, 1, "x")[..., 0]
    np.testing.assert_allclose(pixels, deep / 257, atol=1)


@pytest.mark.parametrize(
    "data", [b"", b"not a picture", encode_png(GREY)[:50]], ids=["empty", "text", "cut short"]
)
def test_what_is_no_whole_picture_is_refused_by_name(data):
    with pytest.raises(InputError, match=r"^mine\.png: not a picture that can be read"):
        decode_picture(data, 8, 1, "mine.png")


def png_that_claims(width, height):
    """A PNG file of a few bytes whose header promises this many pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"")), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize("width", [6_000, 10_000, 20_000])  # Pillow itself is silent, warns, refuses
def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(width):
    with pytest.raises(InputError, match=r"^bomb\.png: .*pixels"):
        decode_picture(png_that_claims(width, 10_000), 8, 1, "bomb.png")
