"""A run on somebody's own pictures: their class folders become its data set."""

import os
from pathlib import Path

import msgspec

from linesexp import experiment
from linesexp.config import ExperimentConfig, differences
from linesexp.errors import InputError
from linesexp.images.own import arrange
from linesexp.own_pictures.class_folders import (
    ClassFolders,
    Progress,
    digest_of,
    find_class_folders,
    plain,
    read_pictures,
)
from linesexp.picture_settings import OF_OWN, FolderPictures, ImagesConfig
from linesexp.run import Run
from linesexp.runs.atomic import check_writable
from linesexp.runs.folder import RunFolder
from linesexp.wording import as_argument


def for_own_pictures(before: ExperimentConfig | None) -> ExperimentConfig:
    """The settings so far without those of lines, for pictures that may still have to be read."""
    before = before or ExperimentConfig()
    kept = {name: getattr(before.images, name) for name in OF_OWN}
    if before.images.folders is None:
        kept["folders"] = FolderPictures()
    return msgspec.structs.replace(before, images=ImagesConfig(**kept))


def take_pictures(
    path: str | os.PathLike[str],
    config: ExperimentConfig,
    directory: Path,
    *,
    force: bool,
    skip_broken: bool,
    say: experiment.Say,
    progress: Progress,
    most_pixels: int | None = None,
) -> ExperimentConfig:
    """Make a run's data set from class folders; returns the settings, which then tell of them.

    Does nothing if it is there, undamaged, from these very pictures and settings. Raises InputError for
    pictures or settings other than the run's, unless `force` is to keep the run aside and begin anew.
    """
    folder = RunFolder(path)
    experiment.refuse_other_folder(folder, force)
    folders = find_class_folders(directory)
    # Checked before anything is decoded, which may take minutes.
    if "config.json" in folder and not force:
        _check_same(Run(folder), config, folders, progress)
    made = not any(error.stage == "generate" for error in folder.damaged())
    if made and not force and folder.manifest().keys() >= experiment.GENERATED:
        return config
    check_writable(folder.path)  # before all are read, which may take minutes
    pictures = read_pictures(folders, config.images.size, skip_broken, progress, most_pixels)
    given = [file.split for file in pictures.files if file.split is not None]
    labels = [file.label for file in pictures.files]
    try:
        arranged = arrange(pictures.pixels, labels, given or None, folders.classes, config.images)
    except InputError as error:
        raise InputError(f"{directory}: {error}") from None
    for words, names in (
        ("cannot be read and are left out", pictures.broken),
        ("equal another one of their class and are left out", _names(pictures.files, arranged.repeated)),
        ("lie in several classes and are left out", _names(pictures.files, arranged.ambiguous)),
    ):
        if names:
            say(f"note: {len(names)} of {len(folders.files)} pictures {words}, the first being {names[0]}")
    known = FolderPictures(
        classes=folders.classes,
        channels=arranged.dataset.pixels.shape[-1],
        pictures=len(arranged.dataset.labels) if _counts(folder, force) else 0,
        sha256=pictures.sha256,
        split_given=folders.split_given,
        broken=len(pictures.broken),
        repeated=len(arranged.repeated),
        ambiguous=len(arranged.ambiguous),
    )
    config = msgspec.structs.replace(config, images=msgspec.structs.replace(config.images, folders=known))
    experiment.generate(
        path, config, force=_begins_anew(folder, config, force), say=say, dataset=arranged.dataset
    )
    splits = ", ".join(f"{sum(parts.values())} {split}" for split, parts in arranged.dataset.counts().items())
    colour = "in colour" if known.channels == 3 else "grey"
    count = len(arranged.dataset.labels)
    say(f"{count} pictures of {len(known.classes)} classes, {colour} ({splits}) in {path}")
    return config


def _check_same(run: Run, config: ExperimentConfig, folders: ClassFolders, progress: Progress) -> None:
    """Raise InputError unless a run was made from these pictures, with these settings."""
    path, known = run.folder.path, run.config.images.folders
    if known is None:
        command = f"linesexp train results/mine --data {as_argument(folders.path)}"
        raise InputError(
            f"{path}: holds drawn lines; name another folder for your own pictures, such as "
            f"`{command}`, or use --force to keep this one aside"
        )
    experiment.check_settings(run, config)
    if digest_of(folders, progress) != known.sha256:
        raise InputError(
            f"{path}: the data set was made from other pictures than {folders.path} holds now; choose another "
            "folder, or use --force to keep this one aside and begin anew"
        )


def _counts(folder: RunFolder, force: bool) -> bool:
    """Whether the record of a run's pictures tells how many they are: a run with an old record goes on so."""
    if force or "config.json" not in folder:
        return True
    known = Run(folder).config.images.folders
    return known is None or known.pictures > 0


def _begins_anew(folder: RunFolder, config: ExperimentConfig, force: bool) -> bool:
    """As `train --force` does: only where something was learned, or the pictures are others."""
    if not force or not folder.exists():
        return False
    if "config.json" not in folder or folder.damaged() or folder.names(stage="train"):
        return True
    return bool(differences(Run(folder).config, config, "images"))


def _names(files: list, indices: list[int]) -> list[str]:
    return [plain(files[index].name) for index in indices]
