"""Manifests that lead out of the folder; links, devices and pipes where files should be."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from making import CASES, GIBI, Case, Folder, case, network


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


def gibibyte(path: Path) -> None:
    """A file of zeros, read once: at first the system makes pages for it, which is no time of linesexp's."""
    path.touch()
    os.truncate(path, GIBI)
    with open(path, "rb") as file:
        while file.read(2**20):
            pass


@case
def device_for_a_file(folder: Folder) -> Case:
    return other_thing(folder, lambda path: path.symlink_to("/dev/zero"))


@case
def pipe_for_a_file(folder: Folder) -> Case:
    return other_thing(folder, os.mkfifo)


@case
def file_of_a_gibibyte(folder: Folder) -> Case:
    case = other_thing(folder, gibibyte)
    folder.entry("dataset.npz", bytes=GIBI)
    return case


@case
def file_that_is_being_replaced_by_a_gibibyte(folder: Folder) -> Case:
    """Its size may be another than the manifest says, while it is being replaced."""
    case = other_thing(folder, gibibyte)
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


@network
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
    return Case(["generate", str(folder.run)], "link_for_the_lock/run", 5)


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
