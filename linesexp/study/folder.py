"""A study's folder: begun, gone on with, and the results of its blocks committed in groups."""

import contextlib
import time
from collections.abc import Callable

import msgspec

from linesexp.environment import check_environment, describe_environment
from linesexp.errors import InputError, StorageError
from linesexp.runs.folder import STUDY as SETTINGS
from linesexp.runs.folder import RunFolder
from linesexp.runs.formats import parse_json
from linesexp.runs.manifest import sha256
from linesexp.study.blocks import Block
from linesexp.study.plan import StudySettings, grown, parse_settings, settings_json

STAGE = "study"
ENVIRONMENT = "environment.json"
CONVOLUTION = "member_convolution"  # in it: all ways in which members were convolved, see learning/members.py
FAILURES = "failures.json"  # block's key → why it was given up
SPACING = 40.0  # a commit may take a fortieth of the time until the next
MOST_WAITING = 64_000_000  # bytes of results that wait to be committed
Say = Callable[[str], None]


def is_study(folder: RunFolder) -> bool:
    """Whether a study was begun there."""
    return SETTINGS in folder


def has_blocks(folder: RunFolder) -> bool:
    """Whether a study there has trained anything."""
    return is_study(folder) and bool(folder.names(prefix="blocks/"))


def settings_of_study(folder: RunFolder) -> StudySettings:
    """What a study trains. Raises MissingFile where there is none, DamagedFile or InputError."""
    return parse_settings(folder.read(SETTINGS), str(folder.path / SETTINGS))


def failures_of(folder: RunFolder) -> dict[str, str]:
    """Block's key → cause, for the blocks that were given up and are not done yet."""
    if FAILURES not in folder:
        return {}
    source = str(folder.path / FAILURES)
    return {key: str(cause) for key, cause in parse_json(folder.read(FAILURES), source).items()}


def begin(folder: RunFolder, wanted: StudySettings, say: Say) -> StudySettings:
    """Make the folder, which must be open for writing, that of this study; returns the settings to go on with.

    Damaged results are set aside, to be trained again. A study that has no block yet is nothing that other
    settings, or other versions, could spoil. Raises InputError for a folder that holds something else, a
    study with other settings, or one that other versions began.
    """
    refuse_other_folder(folder)
    source = str(folder.path)
    if not has_blocks(folder):
        files = {SETTINGS: settings_json(wanted), ENVIRONMENT: describe_environment()}
        there = folder.manifest().get(SETTINGS)
        if FAILURES in folder and (there is None or there.sha256 != sha256(files[SETTINGS])):
            files[FAILURES] = b"{}\n"  # what was given up was of other settings
        folder.commit(files, STAGE)
        return wanted
    before = settings_of_study(folder)
    settings = grown(before, wanted, source)
    for error in folder.damaged():
        if error.name != SETTINGS and error.stage == STAGE:
            say(f"{error}; set aside")
            folder.set_aside(error.name)
            folder.forget([error.name])  # a block without an entry is one that is still to be trained
    if ENVIRONMENT in folder:
        place = str(folder.path / ENVIRONMENT)
        check_environment(parse_json(folder.read(ENVIRONMENT), place), place, say)
    else:
        folder.commit({ENVIRONMENT: describe_environment()}, STAGE)
    if settings != before:
        say(f"{source} grows from {before.members} to {settings.members} members")
        folder.commit({SETTINGS: settings_json(settings)}, STAGE)
    return settings


def refuse_file(folder: RunFolder) -> None:
    """Raise InputError for a path that is a file, such as a study's own page."""
    if folder.path.exists() and not folder.path.is_dir():
        raise InputError(f"{folder.path}: is a file; name a folder for the study")


def refuse_other_folder(folder: RunFolder) -> None:
    """Raise InputError for a path that holds something, but no study."""
    path = folder.path
    refuse_file(folder)
    if folder.exists():
        if folder.names() and not is_study(folder):
            raise InputError(f"{path}: holds a run or something else; name a new folder for the study")
    elif path.is_dir():
        # Files of ours may be there without a manifest, if an earlier call was killed.
        ours = {SETTINGS, ENVIRONMENT}
        others = {entry.name for entry in path.iterdir() if not entry.name.startswith(".")} - ours
        if others:
            raise InputError(f"{path}: holds other files ({min(others)} …) and no study; name a new folder")


class ResultKeeper:
    """Takes the results of blocks, and commits as many together as keeps that cheap and memory small.

    What a kill takes away is trained again.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._files: dict[str, bytes] = {}
        self._waiting = 0  # bytes
        self._due = 0.0  # on the clock of time.perf_counter
        self._failed = dict(failures_of(folder))
        self._told = dict(self._failed)
        self._ways: set[str] = set()

    def keep(self, block: Block, data: bytes, convolution: str = "") -> None:
        """Take one block's result; convolution: how its members were convolved, for environment.json.

        Raises StorageError where the disk refuses.
        """
        self._ways |= {convolution} - {""}
        self._files[block.file] = data
        self._waiting += len(data)
        self._failed.pop(block.key, None)
        if self._waiting > MOST_WAITING or time.perf_counter() >= self._due:
            self.commit()

    def give_up(self, block: Block, cause: str) -> None:
        """Note that a block failed, and why."""
        self._failed[block.key] = cause

    def commit(self) -> None:
        """Commit whatever waits."""
        files, self._files, self._waiting = self._files, {}, 0
        if self._failed != self._told:
            files[FAILURES] = msgspec.json.format(msgspec.json.encode(self._failed), indent=2) + b"\n"
        if self._ways:
            with contextlib.suppress(InputError):  # damaged meanwhile, which the next call sets aside
                files |= _with_convolution(self._folder, self._ways)
            self._ways = set()
        if not files:
            return
        began = time.perf_counter()
        try:
            self._folder.commit(files, STAGE)
        except StorageError:
            self._commit_singly(files)
        self._told = dict(self._failed)
        ended = time.perf_counter()
        self._due = ended + SPACING * (ended - began)

    def _commit_singly(self, files: dict[str, bytes]) -> None:
        """One after the other, as many as the disk still takes. Raises the first StorageError."""
        refused = None
        for name, data in files.items():
            try:
                self._folder.commit({name: data}, STAGE)
            except StorageError as error:
                refused = refused or error
        if refused:
            raise refused


def _with_convolution(folder: RunFolder, ways: set[str]) -> dict[str, bytes]:
    """A study's environment.json with these ways of convolving members; nothing if it names them already."""
    environment = parse_json(folder.read(ENVIRONMENT), str(folder.path / ENVIRONMENT))
    before = environment.get(CONVOLUTION, [])
    after = sorted({*before, *ways})
    if after == before:
        return {}
    changed = environment | {CONVOLUTION: after}
    return {ENVIRONMENT: msgspec.json.format(msgspec.json.encode(changed), indent=2) + b"\n"}
