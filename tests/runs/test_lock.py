"""One writer for each folder, tested with real processes."""

import errno
import fcntl
import os
import signal
import subprocess
import sys

import pytest

from linesexp.errors import FolderBusy, StorageError
from linesexp.runs import RunFolder

HOLDER = """
import sys
from linesexp.runs import RunFolder

with RunFolder(sys.argv[1]).writing() as run:
    run.commit({"config.json": b"{}"}, stage="generate")
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def held(tmp_path):
    """(folder, process that writes there)."""
    folder = tmp_path / "run"
    command = [sys.executable, "-c", HOLDER, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield folder, process
        process.kill()


def test_a_second_process_is_told_who_writes(held):
    folder, process = held
    with pytest.raises(FolderBusy, match=f"another process writes here \\(process {process.pid} on "):
        RunFolder(folder).writing().__enter__()


def test_reading_needs_no_lock(held):
    folder, _ = held
    assert RunFolder(folder).read("config.json") == b"{}"


def test_the_lock_is_free_once_its_holder_is_killed(held):
    folder, process = held
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with RunFolder(folder).writing() as run:
        run.commit({"config.json": b"next"}, stage="generate")
    assert run.read("config.json") == b"next"


def test_the_lock_is_free_once_its_holder_ends(held):
    folder, process = held
    process.stdin.close()
    process.wait()
    with RunFolder(folder).writing():
        pass


def test_one_process_cannot_hold_a_folder_twice(tmp_path):
    run = RunFolder(tmp_path)
    with run.writing():
        for other in (run, RunFolder(tmp_path)):
            with pytest.raises(FolderBusy, match=f"process {os.getpid()} on "):
                other.writing().__enter__()
        run.commit({"config.json": b"{}"}, stage="generate")  # the first one still holds it


def test_an_error_frees_the_lock(tmp_path):
    run = RunFolder(tmp_path)
    with pytest.raises(ZeroDivisionError), run.writing():
        raise ZeroDivisionError
    with run.writing():
        pass
    assert not (tmp_path / ".holder.json").exists()


def test_a_holder_that_has_not_signed_yet_is_busy_all_the_same(held):
    folder, _ = held
    (folder / ".holder.json").write_text("{")
    with pytest.raises(FolderBusy, match="it has just begun"):
        RunFolder(folder).writing().__enter__()


def test_a_disk_without_locks_is_said_to_have_none(tmp_path, monkeypatch):
    def none(*_):
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", none)
    with pytest.raises(StorageError, match="run: its disk has no file locks; name a folder on another"):
        RunFolder(tmp_path / "run").writing().__enter__()


def test_a_path_that_is_a_file_cannot_be_locked(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="file: cannot be written"):
        RunFolder(tmp_path / "file").writing().__enter__()
