"""The run folder: whole files or none, a manifest that decides what exists, nothing ever lost."""

import errno
import json
import os
import stat

import pytest

from linesexp.errors import InputError, StorageError
from linesexp.runs import RunFolder
from linesexp.runs.atomic import check_writable, write_atomically
from linesexp.runs.folder import DamagedFile, MissingFile
from linesexp.runs.manifest import entry_for, manifest_json, parse_manifest

FILES = {"config.json": b"{}", "kernels/00000.safetensors": b"zero", "kernels/00001.safetensors": b"ones"}


@pytest.fixture
def run(tmp_path):
    """A folder with three committed files of two stages."""
    run = RunFolder(tmp_path / "run")
    with run.writing():
        run.commit({"config.json": FILES["config.json"]}, stage="generate")
        run.commit({name: FILES[name] for name in list(FILES)[1:]}, stage="train")
    return run


def full_disk(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def parts_left(folder):
    return [path for path in folder.rglob("*") if path.name.endswith(".part")]


# Whole or not at all.


def test_a_file_is_written_with_the_folders_above_it(tmp_path):
    write_atomically(tmp_path / "a/b/c.bin", b"data")
    assert (tmp_path / "a/b/c.bin").read_bytes() == b"data"
    assert os.listdir(tmp_path / "a/b") == ["c.bin"]


@pytest.mark.parametrize("call", ["replace", "fsync"])
@pytest.mark.parametrize("name", ["config.json", "new.json"])
def test_a_full_disk_is_named_and_leaves_what_was_there(run, monkeypatch, call, name):
    with run.writing():
        with monkeypatch.context() as patch:
            patch.setattr(os, call, full_disk)
            with pytest.raises(StorageError, match=r"\.json: cannot be written \(No space left") as error:
                run.commit({name: b"new"}, stage="generate")
        assert str(run.path) in str(error.value)
    assert dict(run.read_all(run.names())) == FILES
    assert not parts_left(run.path)


@pytest.mark.parametrize("full", ["manifest.json", *FILES])
def test_a_disk_that_is_full_at_any_file_leaves_all_that_was_committed(run, monkeypatch, full):
    replace = os.replace

    def full_there(source, target):
        if os.fspath(target).endswith(full):
            full_disk()
        replace(source, target)

    with run.writing(), monkeypatch.context() as patch:
        patch.setattr(os, "replace", full_there)
        with pytest.raises(StorageError, match=f"{full}: cannot be written"):
            run.commit(dict.fromkeys(FILES, b"new"), stage="train")
    assert run.damaged() == []
    assert full not in FILES or run.read(full) == FILES[full]
    assert not parts_left(run.path)


def test_a_replacement_that_failed_is_not_taken_for_made_from_the_new_sources(run, monkeypatch):
    replace = os.replace

    def full_at_the_page(source, target):
        if os.fspath(target).endswith("page.html"):
            full_disk()
        replace(source, target)

    with run.writing():
        run.commit({"page.html": b"old"}, stage="report", made_from="old sources")
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", full_at_the_page)
            with pytest.raises(StorageError):
                run.commit({"page.html": b"new"}, stage="report", made_from="new sources")
    assert run.read("page.html") == b"old"
    assert run.entry("page.html").made_from != "new sources"


def test_an_interrupt_while_writing_leaves_the_old_content_and_no_parts(tmp_path, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    path = tmp_path / "file"
    write_atomically(path, b"old")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_data_is_synced_before_it_takes_its_place_and_the_folder_after(tmp_path, monkeypatch):
    order = []
    fsync, replace = os.fsync, os.replace

    def note_fsync(handle):
        order.append("sync folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "sync file")
        fsync(handle)

    def note_replace(*paths):
        order.append("replace")
        replace(*paths)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(os, "replace", note_replace)
    write_atomically(tmp_path / "file", b"data")
    assert order == ["sync file", "replace", "sync folder"]


def sync_gives(monkeypatch, code):
    """Let each syncing of a folder, and of nothing else, give this error."""
    fsync = os.fsync

    def refuse(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(code, os.strerror(code))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", refuse)


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP, errno.EBADF])
def test_a_file_system_that_cannot_sync_folders_takes_files_all_the_same(tmp_path, monkeypatch, code):
    sync_gives(monkeypatch, code)
    write_atomically(tmp_path / "file", b"data")
    assert (tmp_path / "file").read_bytes() == b"data"


def test_a_folder_whose_syncing_fails_is_named(tmp_path, monkeypatch):
    sync_gives(monkeypatch, errno.EIO)
    with pytest.raises(StorageError, match="file: cannot be written"):
        write_atomically(tmp_path / "file", b"data")


def test_a_folder_that_may_be_written_and_not_read_takes_files(tmp_path, monkeypatch):
    opens = os.open

    def refuse(path, *how):
        if os.path.isdir(path):
            raise PermissionError(errno.EACCES, "Permission denied")
        return opens(path, *how)

    monkeypatch.setattr(os, "open", refuse)
    write_atomically(tmp_path / "file", b"data")
    assert (tmp_path / "file").read_bytes() == b"data"


def test_whether_a_folder_can_be_written_is_found_out_without_a_trace(tmp_path):
    check_writable(tmp_path / "new/folder")
    check_writable(tmp_path)
    assert os.listdir(tmp_path) == []
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="file/below: cannot be written"):
        check_writable(tmp_path / "file/below")
    with pytest.raises(StorageError, match="file: cannot be written"):
        check_writable(tmp_path / "file")


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
def test_files_have_the_permissions_that_the_umask_leaves(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        write_atomically(tmp_path / "file", b"data")
        assert os.umask(mask) == mask
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode


def test_a_path_below_a_file_is_a_storage_error(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="file/below: cannot be written"):
        write_atomically(tmp_path / "file/below", b"data")


# What the manifest says, exists.


def test_what_was_committed_is_read_back(run):
    again = RunFolder(run.path)
    assert dict(again.read_all(again.names())) == FILES
    assert {name: again.read(name) for name in FILES} == FILES
    assert again.damaged() == []


def test_names_can_be_chosen_by_stage_and_prefix(run):
    assert run.names() == sorted(FILES)
    assert run.names(stage="generate") == ["config.json"]
    assert run.names(prefix="kernels/") == ["kernels/00000.safetensors", "kernels/00001.safetensors"]
    assert run.names(stage="generate", prefix="kernels/") == []


def test_an_entry_knows_size_stage_and_source(run):
    with run.writing():
        run.commit({"page.html": b"<p>"}, stage="report", made_from="abc")
    entry = run.entry("page.html")
    assert (entry.bytes, entry.stage, entry.made_from) == (3, "report", "abc")
    assert run.entry("config.json").made_from == ""


def test_a_file_that_is_not_in_the_manifest_does_not_exist(run):
    (run.path / "stray.json").write_bytes(b"{}")
    assert "stray.json" not in run
    assert "config.json" in run
    for attempt in (
        lambda: run.entry("stray.json"),
        lambda: run.read("stray.json"),
        lambda: list(run.read_all(["config.json", "stray.json"])),
    ):
        with pytest.raises(MissingFile, match=r"run: no stray\.json yet"):
            attempt()


def test_a_folder_that_is_not_there_is_empty(tmp_path):
    run = RunFolder(tmp_path / "none")
    assert run.manifest() == {}
    assert run.names() == []
    assert not (tmp_path / "none").exists()


def test_committing_again_replaces(run):
    with run.writing():
        run.commit({"config.json": b"new"}, stage="generate")
    assert run.read("config.json") == b"new"
    assert run.names() == sorted(FILES)


@pytest.mark.parametrize(
    "action",
    [
        lambda run: run.commit({}, stage="train"),
        lambda run: run.forget([]),
        lambda run: run.set_aside("config.json"),
        lambda run: run.move_aside(),
    ],
    ids=["commit", "forget", "set aside", "move aside"],
)
def test_changing_a_folder_needs_its_lock(run, action):
    with pytest.raises(RuntimeError, match="writing"):
        action(run)
    assert dict(run.read_all(run.names())) == FILES


def test_forgotten_files_stay_on_disk(run):
    with run.writing():
        run.forget(["config.json", "never-there"])
    assert run.names() == sorted(FILES)[1:]
    assert (run.path / "config.json").read_bytes() == b"{}"


# Damage is found before anything is parsed.


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def edit(path):
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def replace_by_folder(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (cut, "3 bytes instead of 4"),
        (edit, "its SHA-256 is not the one in the manifest"),
        (os.unlink, "No such file or directory"),
        (replace_by_folder, ""),
    ],
    ids=["cut short", "edited", "missing", "a folder"],
)
def test_a_changed_file_is_found_and_named_with_its_stage(run, damage, found):
    name = "kernels/00001.safetensors"
    damage(run.path / name)
    with pytest.raises(DamagedFile, match=f"{name}: damaged .*{found}.*; made by stage train"):
        run.read(name)
    with pytest.raises(DamagedFile):
        list(run.read_all(run.names()))
    assert [(error.name, error.stage) for error in run.damaged()] == [(name, "train")]
    assert run.read("config.json") == b"{}"


def test_two_files_that_changed_places_are_both_found(run):
    first, second = (run.path / name for name in run.names(prefix="kernels/"))
    kept = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(kept)
    assert [error.name for error in run.damaged()] == run.names(prefix="kernels/")


def test_replaced_content_that_is_put_back_is_found(run):
    with run.writing():
        run.commit({"config.json": b"[]"}, stage="generate")
    (run.path / "config.json").write_bytes(FILES["config.json"])
    assert [error.name for error in run.damaged()] == ["config.json"]


@pytest.mark.parametrize("data", [b"", b"[]", b'{"a": 1}', b"\xff", b'{"a": {"sha256": ""}}'])
def test_a_damaged_manifest_is_an_input_error(run, data):
    (run.path / "manifest.json").write_bytes(data)
    with pytest.raises(InputError, match=r"manifest\.json: damaged"):
        run.names()


def test_a_path_that_is_a_file_has_no_manifest(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match="is a file; name a folder"):
        RunFolder(tmp_path / "file").manifest()


OUTSIDE = ["../evil", "/evil", "kernels/../../evil", "..\\evil", "C:/evil", "nul\0"]


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_manifest_with_a_name_outside_the_folder_is_refused(name):
    data = json.dumps({name: {"sha256": "", "bytes": 0, "stage": ""}}).encode()
    with pytest.raises(InputError, match=r"^mine: damaged \(.* outside the folder\)"):
        parse_manifest(data, "mine")


@pytest.mark.parametrize("name", ["../evil", "kernels/../../evil", "{here}/evil"])
def test_a_name_outside_the_folder_cannot_be_committed(tmp_path, name):
    # A name of one's own temporary folder, always: where this fails, the file is written.
    run = RunFolder(tmp_path / "run")
    with run.writing():
        with pytest.raises(ValueError, match="outside"):
            run.commit({name.format(here=tmp_path): b"evil"}, stage="train")
        assert run.names() == []
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("name", ["plain", "with space", "größe.png", 'quoted "x".png', "line\nbreak", "a/b/c"])
def test_a_manifest_keeps_any_name_inside_the_folder(name):
    manifest = {name: entry_for(b"data", "train", "abc"), "other": entry_for(b"", "generate")}
    assert parse_manifest(manifest_json(manifest), "mine") == manifest


def test_a_manifest_does_not_depend_on_the_order_of_commits():
    entries = {name: entry_for(name.encode(), "train") for name in "abc"}
    assert manifest_json(entries) == manifest_json(dict(reversed(entries.items())))


# Nothing is deleted.


def test_setting_aside_keeps_the_damaged_bytes_under_a_free_name(run):
    for _ in range(2):
        with run.writing():
            run.commit({"config.json": b"whole"}, stage="generate")
            (run.path / "config.json").write_bytes(b"broken")
            kept = run.set_aside("config.json")
        assert kept.read_bytes() == b"broken"
        assert [error.name for error in run.damaged()] == ["config.json"]  # still to be made again
    assert sorted(path.name for path in run.path.glob("config.json*")) == [
        "config.json.damaged-1",
        "config.json.damaged-2",
    ]


def test_setting_aside_a_file_that_is_gone_keeps_nothing(run):
    os.unlink(run.path / "config.json")
    with run.writing():
        assert run.set_aside("config.json") is None
    assert [error.name for error in run.damaged()] == ["config.json"]


def test_moving_aside_keeps_the_whole_folder_under_a_free_name(run):
    with run.writing():
        first = run.move_aside()
    with run.writing():
        run.commit({"config.json": b"second"}, stage="generate")
        second = run.move_aside()
    assert not run.path.exists()
    assert (first.name, second.name) == ("run.old-1", "run.old-2")
    assert dict(RunFolder(first).read_all(FILES)) == FILES
    assert RunFolder(second).read("config.json") == b"second"
