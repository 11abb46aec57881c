import pytest

import linesexp.runs.folder as folder_module
from linesexp.runs import RunFolder
from linesexp.runs.atomic import write_atomically


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.fixture
def run(tmp_path):
    run = RunFolder(tmp_path / "run")
    with run.writing():
        run.commit({"old": b"first", "kept": b"same"}, stage="train")
    return run


def commit_killed_before_write(run, monkeypatch, number):
    """Replace one file and add another; the process dies before its n-th write. True if it lived."""
    write, writes = folder_module.write_atomically, 0

    def mortal(path, data):
        nonlocal writes
        writes += 1
        if writes == number:
            raise Killed
        write(path, data)

    with monkeypatch.context() as patch, run.writing():
        patch.setattr(folder_module, "write_atomically", mortal)
        try:
            run.commit({"old": b"second, longer", "new": b"fresh"}, stage="train")
        except Killed:
            return False
    return True


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_a_commit_killed_anywhere_leaves_every_file_whole(run, monkeypatch, number):
    lived = commit_killed_before_write(run, monkeypatch, number)
    assert lived == (number == 5)  # four writes: new file, manifest, replaced file, manifest
    assert run.damaged() == []
    assert run.read("old") in (b"first", b"second, longer")
    assert "new" not in run or run.read("new") == b"fresh"


@pytest.mark.parametrize("first", [1, 2, 3, 4])
@pytest.mark.parametrize("second", [1, 2, 3, 4])
def test_two_killed_commits_in_a_row_leave_every_file_whole(run, monkeypatch, first, second):
    commit_killed_before_write(run, monkeypatch, first)
    commit_killed_before_write(run, monkeypatch, second)
    assert run.damaged() == []


def test_the_same_commit_again_completes_it(run, monkeypatch):
    commit_killed_before_write(run, monkeypatch, 3)
    commit_killed_before_write(run, monkeypatch, 99)
    assert run.read("old") == b"second, longer"
    assert run.damaged() == []


def test_a_replaced_file_that_is_neither_old_nor_new_is_damaged(run, monkeypatch):
    commit_killed_before_write(run, monkeypatch, 99)
    (run.path / "old").write_bytes(b"another")
    assert [error.name for error in run.damaged()] == ["old"]


def test_what_a_killed_process_left_beside_a_file_is_written_over(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"mine")
    (tmp_path / ".file.part").symlink_to(elsewhere)
    write_atomically(tmp_path / "file", b"whole")
    assert (tmp_path / "file").read_bytes() == b"whole"
    assert elsewhere.read_bytes() == b"mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "file"]
