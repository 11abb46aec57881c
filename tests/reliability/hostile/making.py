"""What a hostile file needs to be made: a folder with a copy of a run, and its manifest brought in line."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

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
