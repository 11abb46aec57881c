"""Picture files that claim, unpack to, or do what no picture should."""

import io
import os
import struct
import zlib

from making import CANARY, CASES, GIBI, Case, Folder, case


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *chunks: bytes, depth: int = 8, colour: int = 0) -> bytes:
    start = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", start) + b"".join(chunks) + chunk(b"IEND", b"")


def zeros(count: int) -> bytes:
    """That many zeros, as zlib holds them."""
    packer = zlib.compressobj(9)
    block = bytes(2**20)
    parts = [packer.compress(block) for _ in range(count // len(block))]
    return b"".join([*parts, packer.compress(bytes(count % len(block))), packer.flush()])


def picture_of_zeros(width: int, height: int, bytes_each: int, **how: int) -> bytes:
    return png(width, height, chunk(b"IDAT", zeros(height * (1 + width * bytes_each))), **how)


def predicted(folder: Folder, name: str, data: bytes) -> Case:
    path = folder.file(name, data)
    return Case(["predict", str(folder.run), str(path)], name)


@case
def picture_that_claims_2_gib(folder: Folder) -> Case:
    return predicted(folder, "claim.png", png(2**15, 2**16, chunk(b"IDAT", zeros(99))))


@case
def picture_that_claims_all_there_is(folder: Folder) -> Case:
    return predicted(folder, "claim.png", png(2**31 - 1, 2**31 - 1, chunk(b"IDAT", zeros(99))))


@case
def picture_of_2_gib(folder: Folder) -> Case:
    return predicted(folder, "large.png", picture_of_zeros(46_000, 46_000, 1))


@case
def picture_as_large_as_is_read(folder: Folder) -> Case:
    """Nothing is wrong with it but that it is black, and 25 million pixels."""
    case = predicted(folder, "black.png", picture_of_zeros(5000, 5000, 3, colour=2))
    return Case(case.command, "", 0)


@case
def picture_as_large_as_is_read_with_transparency(folder: Folder) -> Case:
    case = predicted(folder, "clear.png", picture_of_zeros(5000, 5000, 4, colour=6))
    return Case(case.command, "", 0)


@case
def picture_as_large_as_is_read_of_16_bits(folder: Folder) -> Case:
    case = predicted(folder, "deep.png", picture_of_zeros(5000, 5000, 2, depth=16))
    return Case(case.command, "", 0)


@case
def picture_as_large_as_is_read_to_be_turned(folder: Folder) -> Case:
    exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    data = png(5000, 5000, chunk(b"eXIf", exif), chunk(b"IDAT", zeros(5000 * 15_001)), colour=2)
    return Case(predicted(folder, "turned.png", data).command, "", 0)


@case
def picture_of_49_million_pixels(folder: Folder) -> Case:
    return predicted(folder, "black.png", picture_of_zeros(7000, 7000, 3, colour=2))


@case
def picture_with_endless_text(folder: Folder) -> Case:
    texts = [chunk(b"zTXt", b"k\0\0" + zeros(2**30)) for _ in range(2)]
    return predicted(folder, "text.png", png(8, 8, *texts, chunk(b"IDAT", zeros(72))))


@case
def picture_with_an_endless_profile(folder: Folder) -> Case:
    profile = chunk(b"iCCP", b"k\0\0" + zeros(2**30))
    return predicted(folder, "profile.png", png(8, 8, profile, chunk(b"IDAT", zeros(72))))


@case
def picture_of_stars(folder: Folder) -> Case:
    """FITS, compressed: Pillow would unpack all of it."""
    import gzip

    cards = ["SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 0", "EXTEND  = T", "END"]
    start = "".join(card.ljust(80) for card in cards).ljust(2880).encode()
    cards = [
        *("XTENSION= 'BINTABLE'", "BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = 8", "NAXIS2  = 8", "PCOUNT  = 0"),
        *("GCOUNT  = 1", "TFIELDS = 1", "ZIMAGE  = T", "ZCMPTYPE= 'GZIP_1  '", "ZBITPIX = 8", "ZNAXIS  = 2"),
        *("ZNAXIS1 = 8", "ZNAXIS2 = 8", "END"),
    ]
    second = "".join(card.ljust(80) for card in cards).ljust(2880).encode()
    packed = gzip.compress(bytes(2**30), 9, mtime=0)
    return predicted(folder, "stars.png", start + second + packed)


@case
def picture_that_is_a_program(folder: Folder) -> Case:
    """PostScript: Pillow would start Ghostscript on it."""
    program = (
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n"
        b"(%pipe%touch " + str(folder.path.parent / CANARY).encode() + b") (w) file\nshowpage\n"
    )
    return predicted(folder, "program.png", program)


for kind in ("PSD", "ICNS", "FLI", "WMF", "XPM", "PCD", "MPEG", "HDF5", "GRIB", "BUFR", "DCX", "IMT", "PDF"):
    START = {
        "PSD": b"8BPS\0\x01" + bytes(6) + struct.pack(">HIIHH", 3, 30_000, 30_000, 8, 3),
        "ICNS": b"icns" + struct.pack(">I", 2**31),
        "FLI": b"\0\0\0\0\x11\xaf\xff\xff\xff\xff\xff\xff" + bytes(116),
        "WMF": b"\xd7\xcd\xc6\x9a" + bytes(40),
        "XPM": b'/* XPM */\n"30000 30000 1 1",\n',
        "PCD": bytes(2048) + b"PCD_" + bytes(2**16),
        "MPEG": b"\0\0\1\xb3\xff\xff\xff" + bytes(99),
        "HDF5": b"\x89HDF\r\n\x1a\n",
        "GRIB": b"GRIB" + bytes(3) + b"\x01",
        "BUFR": b"BUFR" + bytes(9),
        "DCX": struct.pack("<I", 0x3ADE68B1) + bytes(4096),
        "IMT": b"\x0c\n" * 99,
        "PDF": b"%PDF-1.4",
    }

    def odd_picture(folder: Folder, kind: str = kind, data: bytes = START[kind]) -> Case:
        return predicted(folder, f"{kind}.png", data)

    CASES[f"picture_of_kind_{kind}"] = odd_picture


@case
def picture_of_8_gib(folder: Folder) -> Case:
    path = folder.sparse("sparse.png", 8 * GIBI, b"\x89PNG\r\n\x1a\n")
    return Case(["predict", str(folder.run), str(path)], "sparse.png")


@case
def picture_of_many_scans(folder: Folder) -> Case:
    """A JPEG that is refined a thousand times: a few bytes for each pass over all pixels."""
    from PIL import Image

    data = io.BytesIO()
    Image.new("RGB", (4000, 4000)).save(data, "JPEG", progressive=True)
    whole = data.getvalue()
    last = whole.rindex(b"\xff\xda")
    scan = whole[last : whole.rindex(b"\xff\xd9")]
    return predicted(folder, "scans.jpg", whole[:last] + scan * 1000 + b"\xff\xd9")


@case
def tiff_with_endless_tags(folder: Folder) -> Case:
    tags = struct.pack("<HHII", 256, 4, 2**31 - 1, 8) * 60_000
    return predicted(folder, "tags.tif", b"II*\0\x08\0\0\0" + struct.pack("<H", 60_000) + tags + bytes(4))


@case
def tiff_of_2_gib(folder: Folder) -> Case:
    entries = [(256, 4, 1, 40_000), (257, 4, 1, 50_000), (258, 3, 1, 8), (259, 3, 1, 8), (262, 3, 1, 1)]
    entries += [(273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, 50_000), (279, 4, 1, 99)]
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return predicted(
        folder, "large.tif", b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + body + bytes(4)
    )


@case
def gif_of_4_gib(folder: Folder) -> Case:
    start = b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0x80, 0, 0) + bytes(6)
    image = b"," + struct.pack("<HHHHB", 0, 0, 65_535, 65_535, 0) + b"\x02\x02\x44\x01\0;"
    return predicted(folder, "large.gif", start + image)


@case
def class_folders_with_bombs(folder: Folder) -> Case:
    for name in ("a", "b"):
        for number in range(2):
            folder.file(f"mine/{name}/{number}.png", picture_of_zeros(8, 8 + number + (name == "b") * 2, 1))
        folder.file(f"mine/{name}/stars.png", (folder.file("x", b"SIMPLE  =").read_bytes()))
        folder.sparse(f"mine/{name}/sparse.png", 8 * GIBI, b"\x89PNG\r\n\x1a\n")
        os.mkfifo(folder.path / f"mine/{name}/pipe.png")
        (folder.path / f"mine/{name}/device.png").symlink_to("/dev/zero")
        (folder.path / f"mine/{name}/loop").symlink_to(folder.path / "mine")
    return Case(["train", str(folder.path / "new"), "--data", str(folder.path / "mine")], "a/sparse.png")


@case
def class_folders_with_names_of_commands(folder: Folder) -> Case:
    for name in ("a\x1b]0;evil\x07", "$(touch canary)"):
        folder.file(f"mine/{name}/words.png", b"no picture")
        folder.file(f"mine/{name}/more.png", b"no picture")
        folder.file(f"mine/{name}/other.png", b"no picture")
    return Case(["train", str(folder.path / "new"), "--data", str(folder.path / "mine")], "'a\\x1b]0;evil\\x07")
