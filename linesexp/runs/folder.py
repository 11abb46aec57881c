"""RunFolder: commit files under a manifest, and read back only what is in it and unchanged."""

import contextlib
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from linesexp.errors import InputError, LinesexpError, StorageError
from linesexp.runs.atomic import storage_errors, sync_folder, write_atomically
from linesexp.runs.leftovers import place_of_new, put_new_in_place, remove_parts, remove_tree, settled
from linesexp.runs.lock import HOLDER, one_writer
from linesexp.runs.manifest import (
    ITSELF,
    Entry,
    Manifest,
    entry_for,
    lies_inside,
    manifest_json,
    parse_manifest,
    sha256,
)
from linesexp.runs.opening import LEADS_OUT, Refused, digest_of, leads_out, opened
from linesexp.wording import as_argument

MANIFEST = ITSELF
STUDY = "study.json"  # what the folder of a study holds, and no run's
OTHER_CONTENT = "its SHA-256 is not the one in the manifest"
MOST_MANIFEST = 2**28  # bytes, of a million files


class MissingFile(LinesexpError):
    """The manifest does not name the file: the stage that makes it has not run."""


class DamagedFile(InputError):
    """A file is gone, or its size or hash is not what the manifest says."""

    def __init__(self, path: Path, name: str, stage: str, found: str) -> None:
        super().__init__(f"{path}: damaged ({found}); made by stage {stage}")
        self.path = path
        self.name = name
        self.stage = stage
        self.found = found

    def inside(self, folder: str) -> "DamagedFile":
        """The same as seen from outside of a folder: its name begins with the folder's."""
        return DamagedFile(self.path, f"{folder}/{self.name}", self.stage, self.found)


class RunFolder:
    """A folder of committed files. Reading needs no lock; `writing` holds it for one process."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._writable = False
        self._parsed: tuple[bytes | None, Manifest] = None, {}  # the last manifest that was read or written

    def __repr__(self) -> str:
        return f"RunFolder({str(self.path)!r})"

    def manifest(self) -> Manifest:
        """What the folder holds now; empty for a folder that does not exist yet."""
        try:
            with opened(self.path, MANIFEST) as (file, size):
                if size > MOST_MANIFEST:
                    raise Refused(f"{size:,} bytes; at most {MOST_MANIFEST:,} are read")
                data = file.read(size)
        except FileNotFoundError:
            return self.manifest() if put_new_in_place(self.path) else {}
        except NotADirectoryError:
            raise InputError(f"{self.path}: is a file; name a folder for the run") from None
        except Refused as error:
            raise InputError(f"{self.path / MANIFEST}: cannot be read ({error})") from None
        except OSError as error:
            raise StorageError(f"{self.path / MANIFEST}: cannot be read ({error.strerror})") from None
        if data != self._parsed[0]:
            try:
                self._parsed = data, parse_manifest(data, str(self.path / MANIFEST))
            except InputError as error:
                again = f"`linesexp generate {as_argument(self.path)} --force`"
                raise InputError(f"{error}; put the right one back, or begin anew: {again}") from None
        return dict(self._parsed[1])

    def neighbours(self) -> list[str]:
        """Names of the other folders beside it that hold a manifest; none where nobody may look."""
        with contextlib.suppress(OSError):
            beside = self.path.resolve().parent.iterdir()
            return sorted(path.name for path in beside if (path / MANIFEST).exists())
        return []

    def within(self, name: str) -> "RunFolder":
        """The run folder of this name inside. Raises InputError where a link leads out of this one."""
        if leads_out(self.path, name):
            raise InputError(f"{self.path / name}: {LEADS_OUT}; put a folder in its place")
        return RunFolder(self.path / name)

    def exists(self) -> bool:
        """Whether the folder holds a manifest, damaged or not."""
        return (self.path / MANIFEST).exists() or put_new_in_place(self.path)

    def names(self, stage: str | None = None, prefix: str = "") -> list[str]:
        """Names of committed files in order, of one stage or all, that start with `prefix`."""
        return sorted(
            name
            for name, entry in self.manifest().items()
            if name.startswith(prefix) and stage in (None, entry.stage)
        )

    def __contains__(self, name: str) -> bool:
        return name in self.manifest()

    def entry(self, name: str) -> Entry:
        """Raises MissingFile if the file was never committed."""
        try:
            return self.manifest()[name]
        except KeyError:
            raise MissingFile(f"{self.path}: no {name} yet") from None

    def read(self, name: str) -> bytes:
        """The bytes of a committed file, checked against its entry before anybody parses them.

        Raises MissingFile or DamagedFile.
        """
        return self._checked(name, self.entry(name))

    def read_all(self, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """(name, bytes) for each of several files; the manifest is read once."""
        manifest = self.manifest()
        for name in names:
            if name not in manifest:
                raise MissingFile(f"{self.path}: no {name} yet")
            yield name, self._checked(name, manifest[name])

    def damaged(self) -> list[DamagedFile]:
        """Every committed file that is gone or not what it was."""
        found = []
        for name, entry in self.manifest().items():
            try:
                self._check(name, entry)
            except DamagedFile as error:
                found.append(error)
        return found

    @contextlib.contextmanager
    def writing(self, patience_s: float = 0.0) -> Iterator["RunFolder"]:
        """Hold the folder's lock. Raises FolderBusy, after this patience, or StorageError."""
        with one_writer(self.path, patience_s) as unfinished:
            self._writable = True
            try:
                if unfinished:
                    remove_parts(self.path)
                    remove_tree(place_of_new(self.path))
                self._settle()
                yield self
            finally:
                self._writable = False

    def commit(self, files: Mapping[str, bytes], stage: str, made_from: str = "") -> None:
        """Write the files and enter them in the manifest.

        A process killed at any moment leaves every file of the manifest whole: new files are written
        before the manifest names them; others are replaced while it names their old and new content.
        Raises ValueError for a name that leads out of the folder, StorageError where the disk refuses.
        """
        self._must_write()
        if outside := [name for name in files if not lies_inside(name)]:
            raise ValueError(f"{outside[0]!r} lies outside the run folder")
        for name in files:
            self._refuse_way_out(name)
        manifest = self.manifest()
        replaced = [name for name in files if name in manifest]
        for name in files.keys() - replaced:
            write_atomically(self.path / name, files[name])
        after = manifest | {name: entry_for(data, stage, made_from) for name, data in files.items()}
        if replaced:
            meanwhile = {
                name: entry_for(
                    files[name], stage, manifest[name].made_from, self._previous(name, manifest[name])
                )
                for name in replaced
            }
            self._write_manifest(after | meanwhile)
            for name in replaced:
                write_atomically(self.path / name, files[name])
        self._write_manifest(after)

    def forget(self, names: Iterable[str]) -> None:
        """Take files out of the manifest. They stay on disk until they are written again."""
        self._must_write()
        gone = set(names)
        kept = {name: entry for name, entry in self.manifest().items() if name not in gone}
        self._write_manifest(kept)

    def set_aside(self, name: str) -> Path | None:
        """Keep what is left of a damaged file under a free name; its entry stays until it is made again.

        So a process that is killed in between leaves a damaged file, as it found one, and no hole.
        """
        self._must_write()
        path = self.path / name
        if not os.path.lexists(path) or leads_out(self.path, Path(name).parent.as_posix()):
            return None
        with storage_errors(path):
            return path.rename(_free_name(path.parent.resolve() / path.name, "damaged"))

    def begin_anew(self, files: Mapping[str, bytes], stage: str) -> Path:
        """Put a new folder with these files in the place of this one, which is kept under a free name.

        Killed at any moment, one of the two is in its place, or comes there with the next look at the folder.
        Returns where the old one is.
        """
        self._must_write()
        new = RunFolder(place_of_new(self.path))
        remove_tree(new.path)
        with new.writing():
            new.commit(files, stage)
        kept = self.move_aside()
        put_new_in_place(self.path)
        with storage_errors(self.path):
            if not self.path.exists():
                new.path.rename(self.path)
            sync_folder(kept.parent)
        return kept

    def move_aside(self) -> Path:
        """Rename the whole folder to a free name beside it, so that a new run can take its place."""
        self._must_write()
        with storage_errors(self.path):
            kept = self.path.resolve().rename(_free_name(self.path.resolve(), "old"))  # "." has no name
            (kept / HOLDER).unlink(missing_ok=True)  # nobody writes there any more
        return kept

    def _checked(self, name: str, entry: Entry) -> bytes:
        """A file's bytes; none of a file that is too large to be it are held in memory."""
        with self._sized(name, entry) as (file, size):
            if size != entry.bytes and digest_of(file) != entry.previous:
                raise DamagedFile(self.path / name, name, entry.stage, OTHER_CONTENT)
            data = file.read(size)
        if sha256(data) not in (entry.sha256, entry.previous):
            raise DamagedFile(self.path / name, name, entry.stage, OTHER_CONTENT)
        return data

    def _check(self, name: str, entry: Entry) -> None:
        """Raise DamagedFile unless a file is whole; it is not held in memory."""
        with self._sized(name, entry) as (file, _):
            if digest_of(file) not in (entry.sha256, entry.previous):
                raise DamagedFile(self.path / name, name, entry.stage, OTHER_CONTENT)

    @contextlib.contextmanager
    def _sized(self, name: str, entry: Entry) -> Iterator[tuple[io.BufferedReader, int]]:
        """(file of the right size, or, while it is being replaced, of any; its size). Raises DamagedFile."""
        path = self.path / name
        try:
            with opened(self.path, name) as (file, size):
                if size != entry.bytes and not entry.previous:
                    raise DamagedFile(path, name, entry.stage, f"{size} bytes instead of {entry.bytes}")
                yield file, size
        except (FileNotFoundError, NotADirectoryError, Refused) as error:
            raise DamagedFile(path, name, entry.stage, error.strerror or str(error)) from None
        except OSError as error:  # which says nothing about the file: it may be whole
            raise StorageError(f"{path}: cannot be read ({error.strerror or error})") from None

    def _refuse_way_out(self, name: str) -> None:
        """Raise InputError where writing a name would follow a link out of the folder."""
        above = Path(name).parent
        if leads_out(self.path, above.as_posix()):
            raise InputError(f"{self.path / above}: {LEADS_OUT}; put a folder in its place")

    def _write_manifest(self, manifest: Manifest) -> None:
        data = manifest_json(manifest)
        write_atomically(self.path / MANIFEST, data)
        self._parsed = data, {name: manifest[name] for name in sorted(manifest)}

    def _previous(self, name: str, entry: Entry) -> str:
        """Digest of what stands on disk under a committed name; none if that is damaged."""
        try:
            return sha256(self._checked(name, entry))
        except DamagedFile:
            return ""

    def _settle(self) -> None:
        """Bring in order the entries of files whose replacing came to no end: a kill, a full disk."""
        try:
            manifest = self.manifest()
        except InputError:  # whoever reads it will say so
            return
        if any(entry.previous for entry in manifest.values()):
            self._write_manifest(settled(manifest, self.path))

    def _must_write(self) -> None:
        if not self._writable:
            raise RuntimeError("changing a run folder needs `with run.writing():` around it")


def _free_name(path: Path, word: str) -> Path:
    number = 1
    while os.path.lexists(free := path.with_name(f"{path.name}.{word}-{number}")):
        number += 1
    return free
