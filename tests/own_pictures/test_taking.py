"""Taking somebody's own pictures: what can be known at once is said before they are read."""

import tempfile

import pytest

from linesexp.errors import StorageError
from linesexp.own_pictures import taking


def refuse(*_, **__):
    raise PermissionError(13, "Permission denied")


def read(*_, **__):
    raise AssertionError("pictures were read, which may take minutes")


def test_a_run_that_cannot_be_written_is_named_before_pictures_are_read(tmp_path, monkeypatch):
    for name in ("cats", "dogs"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for picture in ("1.png", "2.png", "3.png"):
            (tmp_path / "photos" / name / picture).write_bytes(b"")
    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    monkeypatch.setattr(taking, "read_pictures", read)
    config = taking.for_own_pictures(None)
    how = {"force": False, "skip_broken": False, "say": read, "progress": lambda *_: None}
    with pytest.raises(StorageError, match=r"run: cannot be written \(Permission denied\)"):
        taking.take_pictures(tmp_path / "run", config, tmp_path / "photos", **how)
