"""The commands whose promises are tried, each with what is there before. A further one is one more line.

States are made once, by commands that nothing disturbs, and copied.
"""

import hashlib
import io
import json
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from warm import Ended, Warm

from linesexp.experiment import write_class_folders
from linesexp.runs import RunFolder
from linesexp.runs.formats import parse_csv, parse_tensors, tensors_bytes
from linesexp.runs.lock import HOLDER
from linesexp.runs.waiting import WAITING


@dataclass(frozen=True)
class Scenario:
    """One command: what is there before (a state of STATES), and the words of the command.

    same: the folders in which every file must be the same after a fault and the same command again; with
    --force that may put one more folder aside. costly: whether it takes long, Keras being in it.
    """

    state: str
    words: tuple[str, ...]
    same: tuple[str, ...] = (".",)
    costly: bool = False


DAMAGED = {
    "data damaged": ("trained", ["dataset.npz"]),
    "step damaged": ("trained", ["kernels/00001.safetensors"]),
    "figures damaged": ("reported", ["figures/training.png", "analysis.json"]),
}
ASIDE = ("run", "run.old-1")
GENERATE = Scenario("nothing", ("generate", "run", "--config", "tiny.toml"))
TRAIN = Scenario("generated", ("train", "run"), costly=True)
REPORT = Scenario("trained", ("report", "run"))
OF_STUDY = "--conditions default,frozen-prewitt --seeds 4 --block-size 2 --epochs 1"
STUDY = Scenario(
    "nothing", ("study", "out", "--config", "tiny.toml", *OF_STUDY.split(), "--jobs", "1"), costly=True
)
STUDY_ON_WORKERS = Scenario("nothing", (*STUDY.words[:-1], "2"), costly=True)
WRITING = {
    "generate": GENERATE,
    "generate --as-folders": Scenario("generated", ("generate", "run", "--as-folders", "pictures")),
    "generate --force": Scenario("trained", ("generate", "run", "--force", "--data-seed", "5"), ASIDE),
    "generate, data damaged": Scenario("data damaged", ("generate", "run")),
    "train": TRAIN,
    "train --force": Scenario("trained", ("train", "run", "--force", "--seed", "5"), ASIDE, costly=True),
    "train --data": Scenario(
        "own pictures",
        ("train", "run", "--data", "pictures/train", "--config", "own.toml"),
        costly=True,
    ),
    "train, step damaged": Scenario("step damaged", ("train", "run"), costly=True),
    "report": REPORT,
    "report, figures damaged": Scenario("figures damaged", ("report", "run")),
}


def but_of_costly(*names: str) -> dict[str, Scenario]:
    """All that write, but of those in which Keras is only these; the others are tried for hours."""
    return {name: scenario for name, scenario in WRITING.items() if not scenario.costly or name in names}


READING = {
    "predict": Scenario("trained", ("predict", "run", "run/dataset.png")),
    "verify": Scenario("reported", ("verify", "run")),
}


class States:
    """Makes each state once, and what becomes of it where nothing disturbs the command.

    Every state is one that a finished run has been in; settings: the file that it was begun with.
    """

    def __init__(self, warm: Warm, folder: Path, finished: Path, settings: Path) -> None:
        self.warm, self._folder, self._finished, self._settings = warm, folder, finished, settings
        self._ends: dict[tuple[Scenario, bool], tuple[Path, Ended]] = {}

    def state(self, name: str) -> Path:
        """The folder of a state; to be copied."""
        place = self._folder / name.replace(" ", "-")
        if place.exists():
            return place
        if name in DAMAGED:
            before, files = DAMAGED[name]
            shutil.copytree(self.state(before), place)
            for file in files:
                (place / "run" / file).write_bytes(b"damaged")
            return place
        place.mkdir(parents=True)
        shutil.copy(self._settings, place / "tiny.toml")
        if name == "own pictures":
            write_class_folders(self._finished, place / "pictures")
            learning = self._settings.read_text().partition("[network]")[2]
            (place / "own.toml").write_text(f"[images]\nsize = 20\n[network]{learning}")
        elif name != "nothing":
            shutil.copytree(self._finished, place / "run", ignore=shutil.ignore_patterns(".*"))
            later = {"generated": ("train", "report"), "trained": ("report",), "reported": ()}[name]
            _take_back(RunFolder(place / "run"), later)
        return place

    def copy(self, scenario: Scenario, place: Path) -> Path:
        """A scenario's beginning in this new folder."""
        if place.exists():
            shutil.rmtree(place)
        return shutil.copytree(self.state(scenario.state), place)

    def undisturbed_place(self, scenario: Scenario) -> Path:
        """The folder in which nothing disturbed the command."""
        self.undisturbed(scenario)
        return self._ends[scenario, False][0]

    def run(self, scenario: Scenario, place: Path, *, really: bool = False, **how: Any) -> Ended:
        """Run a scenario's command in a place.

        Unless it is to draw and learn really, it takes figures and steps from a finished run: the disk alone
        is in question then.
        """
        made = None if really else self._finished
        return self.warm.run(place, *scenario.words, made=made, **how)

    def undisturbed(self, scenario: Scenario, *, really: bool = False) -> tuple[dict[str, str], Ended]:
        """What every file is where nothing disturbs the command, and how that ended."""
        key = (scenario, really)
        if key not in self._ends:
            place = self._folder / f"end-{len(self._ends)}"
            ended = self.run(scenario, self.copy(scenario, place), really=really)
            assert ended.code == 0, ended.err
            self._ends[key] = (place, ended)
        place, ended = self._ends[key]
        return same_files(scenario, place), ended


def _take_back(run: RunFolder, stages: tuple[str, ...]) -> None:
    """A run as it was before these stages, on disk too."""
    later = [name for stage in stages for name in run.names(stage=stage)]
    with run.writing():
        run.forget(later)
    for name in later:
        (run.path / name).unlink()
    for folder in {(run.path / name).parent for name in later} - {run.path}:
        folder.rmdir()
    (run.path / ".lock").unlink()


def same_files(scenario: Scenario, place: Path) -> dict[str, str]:
    """`files_of` the folders that must be the same in the end."""
    found = {folder: files_of(place / folder) for folder in scenario.same}
    return {f"{folder}/{name}": digest for folder, files in found.items() for name, digest in files.items()}


def files_of(place: Path) -> dict[str, str]:
    """Every file below a folder, hidden ones too, as a digest of what it says.

    That is all of its bytes but for the files that hold seconds or dates: of those, the rest. The lock's own
    file stays, and says nothing; nor does what is left of the signature of a process that is
    gone, or of what waited for a commit that has been made since, where a disk would not remove it.
    """
    found = {}
    for path in sorted(place.rglob("*")):
        if path.is_file() and path.name not in (".lock", HOLDER, WAITING):
            digest = hashlib.sha256(_lasting(path)).hexdigest()
            found[path.relative_to(place).as_posix()] = digest
    return found


def damaged_in(place: Path) -> list[str]:
    """What is damaged in any of the run folders below a folder."""
    folders = [RunFolder(path.parent) for path in place.rglob("manifest.json")]
    return [str(error.path) for folder in folders for error in folder.damaged()]


def kernels_of(place: Path) -> dict[str, bytes]:
    """The committed kernel files of the run in this place."""
    run = RunFolder(place / "run")
    return dict(run.read_all(run.names(prefix="kernels/")))


def _lasting(path: Path) -> bytes:
    """A file's content without what the clock has put into it."""
    data = path.read_bytes()
    if path.name == "history.csv":
        return json.dumps(_timeless(parse_csv(data, path.name))).encode()
    if path.name == "checkpoint.safetensors":
        tensors, about = parse_tensors(data, path.name)
        about["history"] = _timeless(about["history"])
        return json.dumps([about, {name: tensors[name].tobytes().hex() for name in sorted(tensors)}]).encode()
    if "blocks" in path.parts:  # of a study
        tensors, about = parse_tensors(data, path.name)
        del about["seconds"]
        return tensors_bytes(tensors, about)
    if path.suffix == ".keras":
        return json.dumps(_weights(data)).encode()
    if path.name == "manifest.json":  # whose digests are those of the files
        entries = json.loads(data)
        return json.dumps(
            {name: [entry["stage"], "previous" in entry] for name, entry in entries.items()}
        ).encode()
    return data


def _timeless(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def _weights(data: bytes) -> dict[str, str]:
    """Every array in a .keras file."""
    import h5py

    found = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = hashlib.sha256(item[()].tobytes()).hexdigest()

    with (
        zipfile.ZipFile(io.BytesIO(data)) as archive,
        h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file,
    ):
        file.visititems(visit)
    assert found
    return found
