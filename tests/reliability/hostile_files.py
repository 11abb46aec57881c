"""Makes files that want to run code, take memory or lead out of their folder, and opens each with linesexp.

A program of its own: `python tests/reliability/hostile_files.py RUN FOLDER [--networks]` copies RUN, a trained
run, into FOLDER for each hostile file of a run, and prints one JSON line for each file that was opened:

    {"case": …, "command": […], "code": exit code, "said": stderr, "seconds": of processor, "megabytes": extra
     memory at its peak, "alarms": what it did that nothing in a file may do, "named": the file that must be named}

An audit hook watches what Python does: starting a process, connecting, loading from a pickle, opening the secret
that lies beside, or reading a device. To add a file: a function under @case that makes it and returns a Case.
"""

import contextlib
import io
import json
import os
import pickle
import resource
import shutil
import struct
import sys
import time
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SECRET = "secret.txt"  # of the user, beside everything: nothing in a file may lead there
CANARY = "canary"  # what a file's code would make
GIBI = 2**30
CASES: dict[str, Callable[["Folder"], "Case"]] = {}
NETWORKS: dict[str, Callable[["Folder"], "Case"]] = {}


@dataclass
class Case:
    """command: words after `linesexp`; named: what its complaint must hold; "" where it need not complain.

    code: the exit code that it must have."""

    command: list[str]
    named: str
    code: int = 3


class Folder:
    """Where a case makes its files; `run` is its copy of the trained run."""

    def __init__(self, path: Path, original: Path) -> None:
        self.path, self._original = path, original
        path.mkdir(parents=True)
        self.secret = path.parent / SECRET

    @property
    def run(self) -> Path:
        run = self.path / "run"
        if not run.exists():
            shutil.copytree(self._original, run, ignore=shutil.ignore_patterns(".*"))
        return run

    def commit(self, name: str, data: bytes) -> Path:
        """Put a file into the run under a manifest that agrees with it, as a hostile sender would."""
        from linesexp.runs.folder import RunFolder

        folder = RunFolder(self.run)
        stage = folder.manifest()[name].stage if name in folder else "train"
        with folder.writing():
            folder.commit({name: data}, stage)
        return self.run / name

    def forget(self, *names: str) -> None:
        from linesexp.runs.folder import RunFolder

        folder = RunFolder(self.run)
        with folder.writing():
            folder.forget(names)

    def entry(self, name: str, **changes: object) -> None:
        """Change what the manifest says of a file, and leave the file."""
        from linesexp.runs.folder import RunFolder
        from linesexp.runs.manifest import Entry

        folder = RunFolder(self.run)
        manifest = folder.manifest()
        old = manifest[name]
        fields = {field: getattr(old, field) for field in Entry.__struct_fields__}
        manifest[name] = Entry(**(fields | changes))
        with folder.writing():
            folder._write_manifest(manifest)

    def file(self, name: str, data: bytes) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def sparse(self, name: str, size: int, start: bytes = b"") -> Path:
        """A file of this size that takes no room on the disk."""
        path = self.file(name, start)
        os.truncate(path, size)
        return path

    @property
    def picture(self) -> str:
        return str(self.run / "dataset.png")


def case(function: Callable[[Folder], Case]) -> Callable[[Folder], Case]:
    CASES[function.__name__] = function
    return function


def network(function: Callable[[Folder], Case]) -> Callable[[Folder], Case]:
    """A case for which Keras is loaded."""
    NETWORKS[function.__name__] = function
    return function


class Trap:
    """Unpickling this makes the canary."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return open, (str(self.path), "w")


# Data sets.


def npz(**members: bytes) -> bytes:
    """A zip file with these members, compressed as hard as can be."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


def npy(array: np.ndarray) -> bytes:
    data = io.BytesIO()
    np.save(data, array, allow_pickle=array.dtype == object)
    return data.getvalue()


def npy_header(shape: tuple[int, ...], dtype: str = "|u1") -> bytes:
    data = io.BytesIO()
    header = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_2_0(data, header)
    return data.getvalue()


def repeated(start: bytes, size: int, byte: bytes = b"\0") -> bytes:
    """A zip file whose member images.npy begins with `start` and goes on with `size` equal bytes."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        with archive.open("images.npy", "w", force_zip64=True) as member:
            member.write(start)
            block = byte * 2**24
            for _ in range(size // len(block)):
                member.write(block)
        for name in ("labels", "split", "class_names"):
            archive.writestr(f"{name}.npy", npy(np.zeros(3, dtype=np.int64)))
    return data.getvalue()


def data_set(folder: Folder, data: bytes, *command: str) -> Case:
    folder.commit("dataset.npz", data)
    return Case([*(command or ("predict", str(folder.run), folder.picture))], "dataset.npz")


@case
def data_set_of_pickled_objects(folder: Folder) -> Case:
    trap = np.empty(3, dtype=object)
    trap[:] = [Trap(folder.path.parent / CANARY)] * 3
    return data_set(folder, npz(**{f"{name}.npy": npy(trap) for name in ("images", "labels", "split")}))


@case
def data_set_that_is_a_pickle(folder: Folder) -> Case:
    return data_set(folder, pickle.dumps(Trap(folder.path.parent / CANARY)))


@case
def data_set_with_a_pickle_for_an_array(folder: Folder) -> Case:
    return data_set(folder, npz(**{"images.npy": pickle.dumps(Trap(folder.path.parent / CANARY))}))


@case
def data_set_of_4_gib_of_zeros(folder: Folder) -> Case:
    size = 4 * GIBI
    return data_set(folder, repeated(npy_header((size // 400, 20, 20, 1)), size))


@case
def data_set_with_a_header_of_2_gib(folder: Folder) -> Case:
    start = b"\x93NUMPY\x02\x00" + struct.pack("<I", 2 * GIBI - 1)
    return data_set(folder, repeated(start, 2 * GIBI, b" "))


@case
def data_set_that_claims_a_header_of_2_gib(folder: Folder) -> Case:
    return data_set(
        folder, npz(**{"images.npy": b"\x93NUMPY\x02\x00" + struct.pack("<I", 2 * GIBI) + b"{" * 99})
    )


@case
def data_set_that_claims_2_gib_of_pixels(folder: Folder) -> Case:
    return data_set(folder, npz(**{"images.npy": npy_header((2 * GIBI // 400, 20, 20, 1)) + b"\0" * 99}))


@case
def data_set_that_claims_more_than_there_is(folder: Folder) -> Case:
    return data_set(
        folder, npz(**{"images.npy": npy_header((2**40, 2**20, 1, 1)) + b"\0" * 99}), "report", str(folder.run)
    )


@case
def data_set_with_endless_text(folder: Folder) -> Case:
    names = npy_header((1,), f"<U{2**28}")
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("class_names.npy", "w", force_zip64=True) as member:
            member.write(names)
            for _ in range(64):
                member.write(bytes(2**24))
    return data_set(folder, data.getvalue())


@case
def data_set_with_members_outside(folder: Folder) -> Case:
    names = ["../../evil.npy", "/tmp/linesexp-evil.npy", "..\\evil.npy", "images.npy"]
    return data_set(folder, npz(**{name: npy(np.zeros(3, np.uint8)) for name in names}))


@case
def data_set_with_half_a_million_members(folder: Folder) -> Case:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for number in range(65_000):
            archive.writestr(zipfile.ZipInfo(str(number)), b"")
    return data_set(folder, data.getvalue())


# Tensors.


def tensors(folder: Folder, data: bytes) -> Case:
    folder.commit("kernels/00003.safetensors", data)
    return Case(["report", str(folder.run)], "kernels/00003.safetensors")


def header(text: bytes, length: int | None = None) -> bytes:
    return struct.pack("<Q", len(text) if length is None else length) + text


@case
def tensors_with_a_header_of_2_gib(folder: Folder) -> Case:
    return tensors(folder, header(b"{}" + b" " * 99, 2 * GIBI))


@case
def tensors_with_an_endless_header(folder: Folder) -> Case:
    return tensors(folder, header(b"{}" + b" " * 99, 2**64 - 1))


@case
def tensors_that_claim_2_gib(folder: Folder) -> Case:
    about = {"a": {"dtype": "F32", "shape": [2**29], "data_offsets": [0, 2**31]}}
    return tensors(folder, header(json.dumps(about).encode()))


@case
def tensors_beside_themselves(folder: Folder) -> Case:
    about = {"a": {"dtype": "F32", "shape": [4], "data_offsets": [-16, 0]}}
    return tensors(folder, header(json.dumps(about).encode()) + bytes(16))


@case
def tensors_with_a_deep_header(folder: Folder) -> Case:
    return tensors(folder, header(b'{"__metadata__":' + b"[" * 1_000_000))


@case
def tensors_of_a_checkpoint(folder: Folder) -> Case:
    folder.forget("model.keras")
    folder.commit("checkpoint.safetensors", header(b"{}", 2 * GIBI))
    return Case(["train", str(folder.run)], "checkpoint.safetensors")


@case
def tensors_without_what_a_checkpoint_holds(folder: Folder) -> Case:
    folder.forget("model.keras")
    folder.commit("checkpoint.safetensors", header(b"{}"))
    return Case(["train", str(folder.run)], "checkpoint.safetensors")


# Settings, tables and numbers.


@case
def settings_nested_without_end(folder: Folder) -> Case:
    folder.commit("config.json", b'{"images":' * 100_000)
    return Case(["train", str(folder.run)], "config.json")


@case
def settings_with_an_endless_number(folder: Folder) -> Case:
    folder.commit("config.json", b'{"images": {"size": ' + b"9" * 100_000 + b"}}")
    return Case(["train", str(folder.run)], "config.json")


@case
def settings_of_another_kind(folder: Folder) -> Case:
    folder.commit("config.json", b'{"images": {"folders": {"classes": [["a"]], "channels": {}}}}')
    return Case(["report", str(folder.run)], "config.json")


@case
def settings_file_nested_without_end(folder: Folder) -> Case:
    path = folder.file("deep.toml", b"images = " + b"[" * 100_000)
    return Case(["generate", str(folder.path / "new"), "--config", str(path)], "deep.toml")


@case
def settings_file_with_an_endless_number(folder: Folder) -> Case:
    path = folder.file("long.toml", b"[images]\nsize = " + b"9" * 100_000)
    return Case(["generate", str(folder.path / "new"), "--config", str(path)], "long.toml")


@case
def settings_file_of_8_gib(folder: Folder) -> Case:
    path = folder.sparse("large.toml", 8 * GIBI)
    return Case(["generate", str(folder.path / "new"), "--config", str(path)], "large.toml")


@case
def settings_for_a_network_of_a_terabyte(folder: Folder) -> Case:
    path = folder.file("wide.toml", b"[network]\nfilters = [1000000, 1000000]\nkernel_sizes = [5, 3]\n")
    return Case(["train", str(folder.run), "--force", "--config", str(path)], "filters")


@case
def log_of_other_columns(folder: Folder) -> Case:
    folder.commit("history.csv", b"step,loss\n0,1\n")
    folder.forget("analysis.json")
    return Case(["report", str(folder.run)], "history.csv")


@case
def versions_of_another_kind(folder: Folder) -> Case:
    folder.forget("model.keras")
    folder.commit("environment.json", b'{"versions": [1], "machine": 3}')
    return Case(["train", str(folder.run)], "environment.json")


@case
def analysis_nested_without_end(folder: Folder) -> Case:
    return analysis(folder, b'{"kernels":' + b"[" * 1_000_000)


def analysis(folder: Folder, data: bytes) -> Case:
    """As if it had been made from what is there; the page has still to be made."""
    entry = json.loads((folder.run / "manifest.json").read_bytes())["analysis.json"]
    folder.commit("analysis.json", data)
    folder.entry("analysis.json", made_from=entry["made_from"])
    folder.forget("report.html")
    return Case(["report", str(folder.run)], "analysis.json")


@case
def analysis_without_kernels(folder: Folder) -> Case:
    known = json.loads((folder.run / "analysis.json").read_bytes())
    return analysis(folder, json.dumps(known | {"kernels": [], "untrained": []}).encode())


@case
def kernel_in_a_file_of_8_gib(folder: Folder) -> Case:
    path = folder.sparse("kernel.csv", 8 * GIBI)
    return Case(
        ["filter", folder.picture, "--kernel", str(path), "--out", str(folder.path / "out")], "kernel.csv"
    )


@case
def kernel_of_ten_million_numbers(folder: Folder) -> Case:
    path = folder.file("kernel.csv", b"1 " * 10_000_000)
    return Case(
        ["filter", folder.picture, "--kernel", str(path), "--out", str(folder.path / "out")], "kernel.csv"
    )


@case
def kernel_of_a_million_rows(folder: Folder) -> Case:
    path = folder.file("kernel.csv", b"1\n" * 1_000_000)
    return Case(
        ["filter", folder.picture, "--kernel", str(path), "--out", str(folder.path / "out")], "kernel.csv"
    )


# Manifests, links and things that are no files.


def manifest_with(folder: Folder, name: str) -> Case:
    manifest = json.loads((folder.run / "manifest.json").read_bytes())
    manifest[name] = manifest["config.json"]
    manifest.pop("manifest.json", None)
    (folder.run / "manifest.json").write_text(json.dumps(manifest))
    return Case(["verify", str(folder.run)], "manifest.json")


for number, outside in enumerate(("../secret.txt", "/etc/passwd", "kernels/../../secret.txt", "C:\\evil")):

    def outside_the_folder(folder: Folder, outside: str = outside) -> Case:
        return manifest_with(folder, outside)

    CASES[f"manifest_that_leads_out_{number}"] = outside_the_folder


@case
def manifest_nested_without_end(folder: Folder) -> Case:
    (folder.run / "manifest.json").write_bytes(b'{"a":' * 1_000_000)
    return Case(["verify", str(folder.run)], "manifest.json")


@case
def manifest_of_8_gib(folder: Folder) -> Case:
    os.truncate(folder.run / "manifest.json", 8 * GIBI)
    return Case(["verify", str(folder.run)], "manifest.json")


@case
def manifest_that_is_a_device(folder: Folder) -> Case:
    (folder.run / "manifest.json").unlink()
    (folder.run / "manifest.json").symlink_to("/dev/zero")
    return Case(["verify", str(folder.run)], "manifest.json")


@case
def manifest_that_nobody_writes(folder: Folder) -> Case:
    (folder.run / "manifest.json").unlink()
    os.mkfifo(folder.run / "manifest.json")
    return Case(["verify", str(folder.run)], "manifest.json")


def other_thing(folder: Folder, make: Callable[[Path], None], command: str = "verify") -> Case:
    """Something else in the place of the data set, of which the manifest says that it is empty."""
    path = folder.commit("dataset.npz", b"")
    path.unlink()
    make(path)
    return Case([command, str(folder.run)], "dataset.npz")


@case
def device_for_a_file(folder: Folder) -> Case:
    return other_thing(folder, lambda path: path.symlink_to("/dev/zero"))


@case
def pipe_for_a_file(folder: Folder) -> Case:
    return other_thing(folder, os.mkfifo)


@case
def file_of_8_gib(folder: Folder) -> Case:
    case = other_thing(folder, lambda path: (path.touch(), os.truncate(path, 8 * GIBI)))
    folder.entry("dataset.npz", bytes=8 * GIBI)
    return case


@case
def file_that_is_being_replaced_by_8_gib(folder: Folder) -> Case:
    """Its size may be another than the manifest says, while it is being replaced."""
    case = other_thing(folder, lambda path: (path.touch(), os.truncate(path, 8 * GIBI)))
    folder.entry("dataset.npz", previous="0" * 64)
    return case


@case
def link_to_a_file_of_the_users(folder: Folder) -> Case:
    from linesexp.runs.manifest import sha256

    secret = folder.secret.read_bytes()
    path = folder.commit("dataset.npz", secret)
    path.unlink()
    path.symlink_to(folder.secret)
    folder.entry("dataset.npz", sha256=sha256(secret), bytes=len(secret))
    return Case(["verify", str(folder.run)], "dataset.npz")


@case
def link_to_a_folder_of_the_users(folder: Folder) -> Case:
    """A report would write its figures there."""
    theirs = folder.path / "theirs"
    theirs.mkdir()
    (theirs / "training.png").write_bytes(b"mine")
    shutil.rmtree(folder.run / "figures")
    (folder.run / "figures").symlink_to(theirs)
    return Case(["report", str(folder.run)], "figures")


@case
def link_for_the_controls(folder: Folder) -> Case:
    theirs = folder.path / "theirs"
    theirs.mkdir()
    (theirs / "config.json").write_bytes(b"mine")
    (folder.run / "controls").mkdir()
    (folder.run / "controls/frozen-random").symlink_to(theirs)
    return Case(["train", str(folder.run), "--controls"], "frozen-random")


@case
def link_for_the_lock(folder: Folder) -> Case:
    theirs = folder.file("theirs.txt", b"mine")
    (folder.run / ".lock").symlink_to(theirs)
    return Case(["generate", str(folder.run)], ".lock", 5)


@case
def pipe_for_the_lock(folder: Folder) -> Case:
    (folder.run / ".lock").unlink(missing_ok=True)
    os.mkfifo(folder.run / ".lock")
    return Case(["generate", str(folder.run)], "", 0)


@case
def link_for_the_holder(folder: Folder) -> Case:
    theirs = folder.file("theirs.txt", b"mine")
    (folder.run / ".holder.json").symlink_to(theirs)
    return Case(["generate", str(folder.run)], "", 0)


# Pictures.


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
def picture_between_old_and_new_limits(folder: Folder) -> Case:
    return predicted(folder, "black.png", picture_of_zeros(7000, 7000, 3, colour=2))


@case
def picture_with_endless_text(folder: Folder) -> Case:
    texts = [chunk(b"zTXt", b"k\0\0" + zeros(2**30)) for _ in range(2)]
    return predicted(folder, "text.png", png(8, 8, *texts, chunk(b"IDAT", zeros(72))))


@case
def picture_with_an_endless_profile(folder: Folder) -> Case:
    profile = chunk(b"iCCP", b"k\0\0" + zeros(2**30))
    case = predicted(folder, "profile.png", png(8, 8, profile, chunk(b"IDAT", zeros(72))))
    return Case(case.command, "", 0)


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


# Networks of others.


def keras_file(folder: Folder, config: object, weights: bytes | None = None, **more: bytes) -> Path:
    path = folder.path / "model.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.json", b'{"keras_version": "3.14.0", "date_saved": "2026-01-01@00:00:00"}')
        archive.writestr("config.json", config if isinstance(config, bytes) else json.dumps(config))
        archive.writestr("model.weights.h5", weights if weights is not None else h5_bytes())
        for name, data in more.items():
            archive.writestr(name, data)
    return path


def h5_bytes(make: Callable | None = None) -> bytes:
    import h5py

    data = io.BytesIO()
    with h5py.File(data, "w") as file:
        if make:
            make(file)
    return data.getvalue()


def layer_config(
    kind: str, home: str = "keras.layers", registered: str | None = None, /, **config: object
) -> dict:
    return {"module": home, "class_name": kind, "config": config, "registered_name": registered}


def sequential(*layers: dict, shape: tuple = (None, 8, 8, 1)) -> dict:
    first = layer_config("InputLayer", batch_shape=list(shape), dtype="float32", name="input")
    return layer_config(
        "Sequential", "keras", name="hostile", layers=[first, *layers], trainable=True, dtype="float32"
    )


CONVOLUTION = layer_config("Conv2D", name="conv", filters=2, kernel_size=[3, 3])


def inspected(folder: Folder, config: object, weights: bytes | None = None, **more: bytes) -> Case:
    path = keras_file(folder, config, weights, **more)
    return Case(["inspect", str(path), "--out", str(folder.path / "out")], "model.keras")


def code(folder: Folder) -> str:
    return f"open({str(folder.path.parent / CANARY)!r}, 'w')"


@network
def network_with_a_lambda_layer(folder: Folder) -> Case:
    import base64
    import marshal

    packed = base64.b64encode(marshal.dumps(compile(f"lambda x: {code(folder)}", "x", "eval"))).decode()
    function = {"class_name": "__lambda__", "config": {"code": packed, "defaults": None, "closure": None}}
    return inspected(folder, sequential(layer_config("Lambda", name="l", function=function), CONVOLUTION))


@network
def network_with_a_lambda_by_another_name(folder: Folder) -> Case:
    import base64
    import marshal

    packed = base64.b64encode(marshal.dumps(compile(code(folder), "x", "eval"))).decode()
    function = {"class_name": "__lambda__", "config": {"code": packed, "defaults": None, "closure": None}}
    activation = layer_config("Activation", name="a", activation=function)
    return inspected(folder, sequential(activation, CONVOLUTION))


for number, (module, name, words) in enumerate(
    (
        ("os", "system", "touch"),
        ("subprocess", "run", "touch"),
        ("builtins", "exec", "code"),
        ("builtins", "eval", "code"),
        ("keras.utils", "get_file", "https://localhost/x"),
        ("keras.config", "enable_unsafe_deserialization", ""),
        ("keras.src.saving.serialization_lib", "enable_unsafe_deserialization", ""),
        ("numpy", "load", "x.npy"),
        ("pickle", "loads", "x"),
        ("tensorflow", "io.read_file", "x"),
    )
):

    def borrowed(folder: Folder, module: str = module, name: str = name, words: str = words) -> Case:
        argument = {"touch": f"touch {folder.path.parent / CANARY}", "code": code(folder)}.get(words, words)
        function = {"module": module, "class_name": "function", "config": name, "registered_name": name}
        stranger = layer_config(name, module, None, name="a", fn=argument, command=argument, origin=argument)
        activation = layer_config("Activation", name="b", activation=function)
        loss = {"module": module, "class_name": name, "config": argument, "registered_name": None}
        dense = layer_config("Dense", name="d", units=1, kernel_initializer=loss)
        layers = [stranger, activation, dense][number_of(module) % 3 :]
        return inspected(folder, sequential(*layers, CONVOLUTION))

    NETWORKS[f"network_that_borrows_{module}.{name}"] = borrowed


def number_of(module: str) -> int:
    return sum(module.encode())


@network
def network_of_a_class_of_its_own(folder: Folder) -> Case:
    (folder.path / "evil_module.py").write_text(code(folder))
    sys.path.insert(0, str(folder.path))  # even where it could be imported
    return inspected(
        folder, sequential(layer_config("Evil", "evil_module", "Custom>Evil", name="e"), CONVOLUTION)
    )


@network
def network_with_a_module_of_torch(folder: Folder) -> Case:
    trap = pickle.dumps(Trap(folder.path.parent / CANARY)).hex()
    wrapper = layer_config("TorchModuleWrapper", name="t", module={"class_name": "__bytes__", "value": trap})
    return inspected(folder, sequential(wrapper, CONVOLUTION))


@network
def network_that_reads_the_users_files(folder: Folder) -> Case:
    lookup = layer_config("StringLookup", name="s", vocabulary=str(folder.secret))
    return inspected(folder, sequential(lookup, CONVOLUTION))


@network
def network_with_external_links(folder: Folder) -> Case:
    import h5py

    def make(file: object) -> None:
        group = file.create_group("layers/conv2d/vars")
        group["0"] = h5py.ExternalLink(str(folder.secret), "/")
        group["1"] = h5py.SoftLink("/nowhere")

    return inspected(folder, sequential(CONVOLUTION), h5_bytes(make))


@network
def network_with_external_storage(folder: Folder) -> Case:
    def make(file: object) -> None:
        group = file.create_group("layers/conv2d/vars")
        group.create_dataset("0", (3, 3, 1, 2), "f4", external=[(str(folder.secret), 0, 72)])
        group.create_dataset("1", (2,), "f4")

    return inspected(folder, sequential(CONVOLUTION), h5_bytes(make))


@network
def network_whose_weights_claim_2_gib(folder: Folder) -> Case:
    def make(file: object) -> None:
        group = file.create_group("layers/conv2d/vars")
        group.create_dataset("0", (2**29,), "f4", chunks=(2**20,), compression="gzip")
        group.create_dataset("1", (2,), "f4")

    return inspected(folder, sequential(CONVOLUTION), h5_bytes(make))


@network
def network_whose_settings_are_4_gib(folder: Folder) -> Case:
    path = folder.path / "model.keras"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
        archive.open("config.json", "w", force_zip64=True) as member,
    ):
        for _ in range(256):
            member.write(b" " * 2**24)
    return Case(["inspect", str(path), "--out", str(folder.path / "out")], "model.keras")


@network
def network_whose_weights_are_2_gib_of_zeros(folder: Folder) -> Case:
    path = keras_file(folder, sequential(CONVOLUTION))
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
    ):
        archive.writestr("metadata.json", b"{}")
        archive.writestr("config.json", json.dumps(sequential(CONVOLUTION)))
        with archive.open("model.weights.h5", "w", force_zip64=True) as member:
            member.write(h5_bytes())
            for _ in range(128):
                member.write(bytes(2**24))
    return Case(["inspect", str(path), "--out", str(folder.path / "out")], "model.keras")


@network
def network_of_40_gigabytes_in_its_settings(folder: Folder) -> Case:
    flat = layer_config("Flatten", name="f")
    dense = [layer_config("Dense", name=f"d{number}", units=100_000) for number in range(2)]
    return inspected(folder, sequential(CONVOLUTION, flat, *dense))


@network
def network_that_takes_pictures_of_a_gigapixel(folder: Folder) -> Case:
    return looked_into(folder, sequential(CONVOLUTION, shape=(None, 32_768, 32_768, 1)))


@network
def network_that_enlarges_pictures_to_a_gigapixel(folder: Folder) -> Case:
    enlarge = layer_config("UpSampling2D", name="up", size=[4096, 4096])
    return looked_into(folder, sequential(CONVOLUTION, enlarge))


def looked_into(folder: Folder, config: object) -> Case:
    def make(file: object) -> None:
        group = file.create_group("layers/conv2d/vars")
        group.create_dataset("0", (3, 3, 1, 2), "f4")
        group.create_dataset("1", (2,), "f4")

    path = keras_file(folder, config, h5_bytes(make))
    command = ["see", str(path), folder.picture, "--out", str(folder.path / "out"), "--attribution", "none"]
    return Case(command, "model.keras")


@network
def network_with_members_outside(folder: Folder) -> Case:
    more = {"assets/../../../evil.txt": b"evil", "../evil.txt": b"evil", "/tmp/linesexp-evil": b"evil"}

    def make(file: object) -> None:
        group = file.create_group("layers/conv2d/vars")
        group.create_dataset("0", (3, 3, 1, 2), "f4")
        group.create_dataset("1", (2,), "f4")

    case = inspected(folder, sequential(CONVOLUTION), h5_bytes(make), **more)
    return Case(case.command, "", 0)


@network
def network_whose_layers_are_called_like_paths(folder: Folder) -> Case:
    import keras

    names = ["../../evil", "/tmp/linesexp-evil", "<img src=x onerror=alert(1)>", "a\\..\\b", ".", "\x1b[2J"]
    layers = [keras.layers.Conv2D(1, 1, name="x") for _ in names]
    model = keras.Sequential([keras.Input((8, 8, 1)), *layers]) if False else None
    config = sequential(*(layer_config("Conv2D", name=name, filters=1, kernel_size=[1, 1]) for name in names))

    def make(file: object) -> None:
        for number in range(len(names)):
            group = file.create_group("layers/conv2d" + (f"_{number}" if number else "") + "/vars")
            group.create_dataset("0", (1, 1, 1, 1), "f4")
            group.create_dataset("1", (1,), "f4")

    del layers, model
    case = inspected(folder, config, h5_bytes(make))
    return Case(case.command, "", 0)


@network
def network_nested_without_end(folder: Folder) -> Case:
    return inspected(folder, b'{"a":' * 1_000_000)


@network
def network_in_a_file_of_8_gib(folder: Folder) -> Case:
    path = folder.sparse("model.keras", 8 * GIBI, b"PK\x03\x04")
    return Case(["inspect", str(path), "--out", str(folder.path / "out")], "model.keras")


# Opening them.


class Watch:
    """An audit hook that notes what no file may bring about."""

    FORBIDDEN = ("os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "os.fork", "pickle.find_class")
    NETWORK = ("socket.connect", "socket.getaddrinfo", "socket.sendto", "urllib.Request")

    def __init__(self, secret: Path) -> None:
        self._secret, self.alarms, self.on = str(secret), [], False
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple) -> None:
        if not self.on:
            return
        if event in self.FORBIDDEN + self.NETWORK:
            self.alarms.append(f"{event} {arguments!r}"[:200])
        if event == "open" and str(arguments[0]) == self._secret:
            self.alarms.append(f"open {arguments[0]}")


def memory(key: str) -> float:
    """VmRSS or VmHWM of this process, MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) / 1024
    return 0.0


def opened(made: Case, watch: Watch) -> dict:
    """What came of a command in this process."""
    from linesexp.cli import cli
    from linesexp.commands.ending import explain

    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before, began = memory("VmRSS"), time.process_time()
    said, watch.alarms, watch.on = io.StringIO(), [], True
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            code = cli.main(made.command, standalone_mode=False) or 0
        except (SystemExit, Exception) as error:
            code = explain(error) if isinstance(error, Exception) else 1
    watch.on = False
    return {
        "code": code,
        "said": said.getvalue()[-2000:],
        "seconds": round(time.process_time() - began, 2),
        "megabytes": round(memory("VmHWM") - before),
        "alarms": watch.alarms,
    }


def contents(folder: Path, besides: set[Path]) -> Iterator[Path]:
    """Everything in a folder and below, links not followed, but for these."""
    for path in folder.iterdir():
        if path not in besides:
            yield path


def main(run: Path, folder: Path, networks: bool, only: list[str]) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (600, 600))
    folder.mkdir(parents=True)
    secret = folder / SECRET
    secret.write_text("nobody's business\n")
    watch = Watch(secret)
    warm_up(run, folder / "warm", networks, watch)
    for name, make in (NETWORKS if networks else CASES).items():
        if only and name not in only:
            continue
        place = folder / name
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = make(Folder(place, run))
        found = opened(made, watch)
        theirs = [
            path for path in place.rglob("*") if "theirs" in str(path.relative_to(place)) and path.is_file()
        ]
        spoilt = [str(path) for path in theirs if path.read_bytes() != b"mine"]
        canary = [
            str(path) for path in [folder / CANARY, Path("/tmp/linesexp-evil"), Path("canary")] if path.exists()
        ]
        canary += [str(path) for path in folder.parent.rglob("*evil*") if path.suffix in (".txt", ".npy")]
        found["alarms"] += [f"made {path}" for path in canary] + [f"changed {path}" for path in spoilt]
        about = {"case": name, "command": made.command, "named": made.named, "expected": made.code}
        print(json.dumps(about | found), flush=True)
        shutil.rmtree(place, ignore_errors=True)


def warm_up(run: Path, place: Path, networks: bool, watch: Watch) -> None:
    """Import what opening takes, so that it counts for none of the files."""
    folder = Folder(place, run)
    folder.forget("report.html")
    out = str(place / "out")
    for command in (
        ["verify", str(folder.run)],
        ["predict", str(folder.run), folder.picture],
        ["report", str(folder.run)],
        ["filter", folder.picture, "--out", out],
    ):
        assert opened(Case(command, ""), watch)["code"] == 0, command
    if networks:
        path = str(folder.run / "model.keras")
        for command in (
            ["inspect", path, "--out", out],
            ["see", path, folder.picture, "--out", out, "--attribution", "none"],
        ):
            found = opened(Case(command, ""), watch)
            assert found["code"] == 0, found


if __name__ == "__main__":
    words = sys.argv[1:]
    loads = "--networks" in words
    words = [word for word in words if word != "--networks"]
    main(Path(words[0]).resolve(), Path(words[1]).resolve(), loads, words[2:])
