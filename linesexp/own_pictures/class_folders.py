"""Class folders of picture files on disk: which there are, what they hold, and their pictures.

Either DIR/CLASS/*.png, or DIR/train/CLASS/*.png with validation and test beside it, as
`linesexp generate --as-folders DIR` writes them.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from linesexp.errors import InputError
from linesexp.given import OF_A_PICTURE, TooLarge, read_given
from linesexp.images.dataset import SPLITS
from linesexp.images.own import FEWEST, without_colour
from linesexp.images.pictures import decode_picture

KINDS = (".png", ".jpg", ".jpeg", ".bmp", ".gif")
NAMED = 5  # broken files that are named, the rest being counted
Progress = Callable[[int, int, str], None]  # files done, files in all, a few words


@dataclass(frozen=True)
class PictureFile:
    """A picture file: its name inside the folder of class folders, its class, and its split if it has one."""

    name: str
    label: int
    split: int | None


@dataclass(frozen=True)
class ClassFolders:
    """A folder of class folders: the classes in order, and the files by split, class and name."""

    path: Path
    classes: tuple[str, ...]
    files: tuple[PictureFile, ...]

    @property
    def split_given(self) -> bool:
        """Whether train, validation and test are folders."""
        return self.files[0].split is not None


@dataclass(frozen=True)
class Pictures:
    """What was read. pixels: uint8 (size, size, 1 or 3) for each of files; broken: names and reasons."""

    pixels: list[np.ndarray]
    files: list[PictureFile]
    broken: list[str]
    sha256: str


def find_class_folders(path: Path) -> ClassFolders:
    """The class folders in a folder. Raises InputError where they cannot make a data set.

    Hidden files and folders, and files of other kinds, are passed over.
    """
    if not path.is_dir():
        what = "a file" if path.exists() else "no such folder"
        raise InputError(f"{path}: {what}; name the folder that holds a folder of pictures for each class")
    splits = _split_folders(path)
    homes = {None: path} if splits is None else dict(enumerate(splits))
    names = sorted({folder.name for home in homes.values() for folder in _folders(home)})
    _check_classes(path, names)
    files, empty, few = [], [], []
    for split, home in homes.items():
        for label, name in enumerate(names):
            found = _pictures(home / name)
            files += [PictureFile(file.relative_to(path).as_posix(), label, split) for file in found]
            if not found:
                empty.append((home / name).relative_to(path).as_posix())
            elif split is None and len(found) < FEWEST:
                few.append(f"{name} ({len(found)})")
    if empty:
        raise InputError(
            f"{path}: no pictures ({', '.join(KINDS)}) in {_listed(empty)}; remove an empty class or fill it"
        )
    if few:
        raise InputError(
            f"{path}: too few pictures in {_listed(few)}; train, validation and test need one each, "
            f"so at least {FEWEST}"
        )
    return ClassFolders(path, tuple(names), tuple(files))


def digest_of(folders: ClassFolders, progress: Progress) -> str:
    """SHA-256 of the names and contents of all picture files, none of them decoded."""
    digest = hashlib.sha256()
    for index, file in enumerate(folders.files):
        progress(index, len(folders.files), "comparing with the run's")
        try:
            data = read_given(folders.path / file.name, OF_A_PICTURE)
        except TooLarge:
            data = b""
        _enter(digest, file, data)
    return digest.hexdigest()


def read_pictures(
    folders: ClassFolders, size: int, skip_broken: bool, progress: Progress, most_pixels: int | None = None
) -> Pictures:
    """Every picture, stretched to size×size and in colour where it is coloured.

    One of more than most_pixels counts as broken. Raises InputError that names the first broken files,
    unless these are to be skipped.
    """
    digest = hashlib.sha256()
    pixels, files, broken = [], [], []
    for index, file in enumerate(folders.files):
        progress(index, len(folders.files), "reading")
        try:
            data = read_given(folders.path / file.name, OF_A_PICTURE)
        except TooLarge as error:
            _enter(digest, file, b"")
            broken.append(f"{plain(file.name)} ({error.limit})")
            continue
        _enter(digest, file, data)
        try:
            picture = decode_picture(data, size, 3, "", most_pixels=most_pixels)
        except InputError as error:
            broken.append(f"{plain(file.name)} ({str(error).removeprefix(': ')})")
            continue
        pixels.append(without_colour(picture))
        files.append(file)
    progress(len(folders.files), len(folders.files), "read")
    if broken and not skip_broken:
        raise InputError(
            f"{folders.path}: {len(broken)} of {len(folders.files)} files cannot be used: {_listed(broken)}\n"
            "Mend or remove them, or leave them out with --skip-broken."
        )
    if not pixels:
        raise InputError(
            f"{folders.path}: none of the {len(folders.files)} files is a picture that can be used"
        )
    return Pictures(pixels, files, broken, digest.hexdigest())


def plain(name: str) -> str:
    """A file's name on one line, without what a terminal would obey."""
    return name if name.isprintable() else repr(name)


def _split_folders(path: Path) -> list[Path] | None:
    """The folders train, validation and test, or None where classes are not sorted into them."""
    inside = {folder.name for folder in _folders(path)}
    if "train" not in inside or not _folders(path / "train") or _pictures(path / "train"):
        return None
    if missing := [name for name in SPLITS if name not in inside]:
        raise InputError(
            f"{path}: there is train, but no {' and no '.join(missing)}; either all of {', '.join(SPLITS)} "
            f"hold class folders, or name {path / 'train'} to have its pictures split"
        )
    if others := sorted(inside - set(SPLITS)):
        raise InputError(f"{path}: {_listed(others)} beside train, validation and test; what split is it?")
    return [path / name for name in SPLITS]


def _check_classes(path: Path, names: list[str]) -> None:
    if not names:
        raise InputError(
            f"{path}: no class folders in it; put the pictures of each class into a folder of their own, "
            "such as cats/1.png and dogs/1.png"
        )
    if len(names) == 1:
        raise InputError(f"{path}: one class only ({plain(names[0])}); a network needs two to tell apart")
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise InputError(f"{path}: the name of a class folder, {name!r}, is not UTF-8; rename it") from None


def _folders(path: Path) -> list[Path]:
    return [entry for entry in _entries(path) if entry.is_dir()]


def _pictures(path: Path) -> list[Path]:
    """Picture files by name; none where the folder is not there."""
    return [entry for entry in _entries(path) if entry.suffix.lower() in KINDS and entry.is_file()]


def _entries(path: Path) -> list[Path]:
    try:
        found = list(path.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    return sorted(entry for entry in found if not entry.name.startswith((".", "__MACOSX")))


def _enter(digest: "hashlib._Hash", file: PictureFile, data: bytes) -> None:
    name = file.name.encode(errors="surrogateescape")
    digest.update(hashlib.sha256(name).digest() + hashlib.sha256(data).digest())


def _listed(names: list[str]) -> str:
    named = ", ".join(map(plain, names[:NAMED]))
    return named if len(names) <= NAMED else f"{named} and {len(names) - NAMED} more"
