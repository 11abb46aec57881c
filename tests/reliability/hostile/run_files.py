"""Data sets, tensors, settings, tables and kernels that are not what they should be."""

import io
import json
import pickle
import struct
import zipfile

import numpy as np
from making import CANARY, GIBI, Case, Folder, Trap, case, network

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
    with (
        zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("class_names.npy", "w", force_zip64=True) as member,
    ):
        member.write(names)
        for _ in range(64):
            member.write(bytes(2**24))
    return data_set(folder, data.getvalue())


@case
def data_set_with_members_outside(folder: Folder) -> Case:
    names = ["../../evil.npy", str(folder.path.parent / "evil.npy"), "..\\evil.npy", "images.npy"]
    return data_set(folder, npz(**{name: npy(np.zeros(3, np.uint8)) for name in names}))


@case
def data_set_with_65_thousand_members(folder: Folder) -> Case:
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


@network
def tensors_of_a_checkpoint(folder: Folder) -> Case:
    folder.forget("model.keras")
    folder.commit("checkpoint.safetensors", header(b"{}", 2 * GIBI))
    return Case(["train", str(folder.run)], "checkpoint.safetensors")


@network
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
    return Case(["report", str(folder.run)], "config.json", 2)


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
    from linesexp.report.making import _made_from
    from linesexp.run import open_run

    folder.commit("analysis.json", data)
    folder.entry("analysis.json", made_from=_made_from(open_run(folder.run)))
    folder.forget("report.html")
    return Case(["report", str(folder.run)], "analysis.json")


@case
def analysis_without_kernels(folder: Folder) -> Case:
    known = json.loads((folder.run / "analysis.json").read_bytes())
    case = analysis(folder, json.dumps(known | {"kernels": [], "untrained": []}).encode())
    return Case(case.command, "", 0)


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
