"""What a killed process, or a failing disk, leaves behind, and how the next one brings it in order."""

import errno
import json
import os
import socket
import threading
import time
from pathlib import Path

import pytest

import linesexp.runs.folder as folder_module
from linesexp.errors import FolderBusy, InputError, StorageError
from linesexp.runs import RunFolder
from linesexp.runs.lock import HOLDER
from linesexp.runs.trees import write_tree
from linesexp.runs.waiting import WAITING, commit_waiting, keep_waiting


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.fixture
def run(tmp_path):
    run = RunFolder(tmp_path / "run")
    with run.writing():
        run.commit({"config.json": b"{}", "kernels/00000": b"old"}, stage="train")
    return run


def was_killed(run):
    """As if the process had ended that held the folder."""
    (run.path / HOLDER).write_text(json.dumps({"pid": 0, "host": "", "command": ""}))


def on_disk(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def raising(error):
    def call(*_, **__):
        raise error

    return call


def killed_in(run, monkeypatch, where, name, mortal, act):
    """Act on a run, a function being replaced by one in which the process ends."""
    with monkeypatch.context() as patch, run.writing():
        patch.setattr(where, name, mortal)
        with pytest.raises(Killed):
            act(run)


def replace_a_step(run):
    run.commit({"kernels/00000": b"newer"}, stage="train")


def begin_anew(run):
    run.begin_anew({"config.json": b"{1}"}, stage="generate")


# Files that were being written or replaced.


def test_the_next_writer_removes_what_was_being_written(run):
    for part in (".config.json.part", "kernels/.00001.part", ".model.part.keras"):
        (run.path / part).write_bytes(b"half")
    was_killed(run)
    with run.writing():
        pass
    assert on_disk(run.path) == [".lock", "config.json", "kernels/00000", "manifest.json"]


def test_files_of_others_that_look_alike_stay_where_nobody_was_killed(run):
    (run.path / ".mine.part").write_bytes(b"mine")
    with run.writing():
        pass
    assert ".mine.part" in on_disk(run.path)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_the_next_writer_settles_an_entry_that_says_old_or_new(run, monkeypatch, moment):
    """So that from then on one content is right, and not two."""
    write = folder_module.write_atomically

    def mortal(path, data):
        if path.name == "00000" and moment == "before":
            raise Killed
        write(path, data)
        if path.name == "00000":
            raise Killed

    killed_in(run, monkeypatch, folder_module, "write_atomically", mortal, replace_a_step)
    assert run.entry("kernels/00000").previous
    with run.writing():
        pass
    assert not run.entry("kernels/00000").previous
    assert run.read("kernels/00000") == (b"old" if moment == "before" else b"newer")
    (run.path / "kernels/00000").write_bytes(b"newer" if moment == "before" else b"old")
    assert [error.name for error in run.damaged()] == ["kernels/00000"]


# A new folder in the place of an old one.


@pytest.mark.parametrize("killed_at", [1, 2])
def test_one_that_begins_anew_and_is_killed_leaves_the_old_folder_or_the_new_one(run, monkeypatch, killed_at):
    """Never none: the same command again would take the settings by default for the run's."""
    rename, renames = Path.rename, 0

    def mortal(self, target):
        nonlocal renames
        renames += 1
        if renames == killed_at:
            raise Killed
        return rename(self, target)

    killed_in(run, monkeypatch, Path, "rename", mortal, begin_anew)
    assert RunFolder(run.path).exists()
    assert RunFolder(run.path).read("config.json") == (b"{}", b"{1}")[killed_at - 1]
    assert RunFolder(run.path).damaged() == []


def test_a_new_folder_takes_the_place_of_the_old_one_which_is_kept(run):
    with run.writing():
        kept = run.begin_anew({"config.json": b"{1}"}, stage="generate")
    assert kept.name == "run.old-1"
    assert RunFolder(kept).read("kernels/00000") == b"old"
    assert run.names() == ["config.json"]
    assert sorted(path.name for path in run.path.parent.iterdir()) == ["run", "run.old-1"]


def test_what_was_to_be_the_new_folder_is_removed_where_the_old_one_stayed(run, monkeypatch):
    killed_in(run, monkeypatch, Path, "rename", raising(Killed), begin_anew)
    was_killed(run)
    with run.writing():
        pass
    assert [path.name for path in run.path.parent.iterdir()] == ["run"]


# A disk that cannot be read for a moment.


@pytest.mark.parametrize("code", [errno.EIO, errno.EACCES, errno.EMFILE])
@pytest.mark.parametrize("name", ["manifest.json", "kernels/00000"])
def test_a_file_that_cannot_be_read_is_no_damaged_file(run, monkeypatch, name, code):
    """It may be whole: to set it aside and begin again would throw a training away."""
    opened = os.open

    def failing(path, *how):
        if path == run.path / name:
            raise OSError(code, os.strerror(code))
        return opened(path, *how)

    monkeypatch.setattr(os, "open", failing)
    with pytest.raises(StorageError, match=f"{name}: cannot be read"):
        run.damaged()


def test_a_file_that_is_gone_is_damaged(run):
    (run.path / "kernels/00000").unlink()
    assert [error.name for error in run.damaged()] == ["kernels/00000"]


# Whoever holds the folder.


@pytest.fixture
def held(run):
    """The folder is held, by this process."""
    with run.writing():
        yield run


def test_one_that_has_the_lock_and_not_signed_yet_is_named_all_the_same(held):
    ours = (held.path / HOLDER).read_bytes()
    (held.path / HOLDER).unlink()
    threading.Timer(0.1, (held.path / HOLDER).write_bytes, [ours]).start()
    with pytest.raises(FolderBusy, match=f"process {os.getpid()} on {socket.gethostname()}"):
        RunFolder(held.path).writing().__enter__()


def test_a_killed_process_is_not_named_as_the_holder(held):
    dead = os.fork() if hasattr(os, "fork") else pytest.skip("this system does not fork")
    if not dead:
        os._exit(0)
    os.waitpid(dead, 0)
    signature = {"pid": dead, "host": socket.gethostname(), "command": "linesexp"}
    (held.path / HOLDER).write_text(json.dumps(signature))
    with pytest.raises(FolderBusy, match="it has just begun"):
        RunFolder(held.path).writing().__enter__()


def test_who_asks_while_the_folder_is_being_given_back_gets_it(run):
    taken, free = threading.Event(), threading.Event()

    def hold():
        with RunFolder(run.path).writing():
            taken.set()
            free.wait(20)
            (run.path / HOLDER).unlink()
            time.sleep(0.1)

    holder = threading.Thread(target=hold)
    holder.start()
    assert taken.wait(20)
    free.set()
    while (run.path / HOLDER).exists():
        time.sleep(0.001)
    with RunFolder(run.path).writing():
        pass
    holder.join()


def test_a_signature_that_cannot_be_erased_does_not_keep_the_lock(run, monkeypatch):
    with monkeypatch.context() as patch, run.writing():
        patch.setattr(Path, "unlink", raising(OSError(errno.EIO, "broken")))
    with run.writing():
        pass


# Class folders.

TREE = [("train/a/1.png", b"1"), ("train/b/1.png", b"2"), ("test/a/1.png", b"3")]


def test_a_folder_of_files_appears_whole_or_not_at_all(tmp_path):
    def files():
        yield from TREE[:2]
        raise Killed

    with pytest.raises(Killed):
        write_tree(tmp_path / "pictures", files())
    assert not (tmp_path / "pictures").exists()
    write_tree(tmp_path / "pictures", TREE)
    assert on_disk(tmp_path) == [f"pictures/{name}" for name in sorted(dict(TREE))]


def test_a_folder_that_holds_these_very_files_is_done(tmp_path):
    """The same command again, after a kill at the very end."""
    write_tree(tmp_path / "pictures", TREE)
    (tmp_path / ".pictures.part").mkdir()
    write_tree(tmp_path / "pictures", TREE)
    assert [path.name for path in tmp_path.iterdir()] == ["pictures"]


@pytest.mark.parametrize("others", [[*TREE, ("more", b"")], TREE[1:], [("train/a/1.png", b"0"), *TREE[1:]]])
def test_a_folder_that_holds_others_is_left_alone(tmp_path, others):
    write_tree(tmp_path / "pictures", others)
    with pytest.raises(InputError, match="pictures: not empty"):
        write_tree(tmp_path / "pictures", TREE)
    assert on_disk(tmp_path / "pictures") == sorted(dict(others))


def test_files_are_put_into_an_empty_folder_in_which_the_process_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_tree(Path("."), TREE)
    assert on_disk(tmp_path) == sorted(dict(TREE))
    assert os.listdir(".") == os.listdir(tmp_path)


# What waits for a commit.


def test_what_waited_is_committed_by_the_next_process(run):
    with run.writing():
        keep_waiting(run, {"kernels/00001": b"next", "config.json": b"{2}"}, "train")
    with run.writing():
        commit_waiting(run)
    assert run.read("kernels/00001") == b"next"
    assert run.read("config.json") == b"{2}"
    assert run.entry("kernels/00001").stage == "train"
    assert WAITING not in on_disk(run.path)


def cut(data):
    return data[:-1]


def flip(data):
    return data[:100] + bytes([data[100] ^ 1]) + data[101:]


@pytest.mark.parametrize("harm", [cut, flip, lambda data: b""], ids=["cut", "flip", "empty"])
def test_what_a_power_cut_left_of_what_waited_is_ignored(run, harm):
    with run.writing():
        keep_waiting(run, {"kernels/00001": b"next"}, "train")
        path = run.path / WAITING
        path.write_bytes(harm(path.read_bytes()))
        commit_waiting(run)
    assert "kernels/00001" not in run
    assert WAITING not in on_disk(run.path)


def test_what_waited_before_something_else_was_committed_is_ignored(run):
    with run.writing():
        keep_waiting(run, {"kernels/00001": b"next"}, "train")
        kept = (run.path / WAITING).read_bytes()
        run.commit({"kernels/00001": b"another"}, "train")
        (run.path / WAITING).write_bytes(kept)
        commit_waiting(run)
    assert run.read("kernels/00001") == b"another"


def test_nothing_that_waited_leads_out_of_the_folder(run):
    with run.writing():
        keep_waiting(run, {"../outside": b"next"}, "train")
        commit_waiting(run)
    assert [path.name for path in run.path.parent.iterdir()] == ["run"]


def test_a_disk_that_cannot_keep_what_waits_is_left_to_the_commit_to_tell(run, monkeypatch):
    with run.writing(), monkeypatch.context() as patch:
        patch.setattr(os, "replace", raising(OSError(errno.ENOSPC, "full")))
        keep_waiting(run, {"kernels/00001": b"next"}, "train")
    assert WAITING not in on_disk(run.path)
