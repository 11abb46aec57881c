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

from reliability.warm import Ended, Warm

from linesexp.runs import RunFolder
from linesexp.runs.formats import parse_csv, parse_tensors
from linesexp.runs.lock import HOLDER

LINES = """
[images]
size = 16
length_px = [6, 16]
margin_px = 2
pictures_per_class = 14
"""
LEARNING = """
[network]
filters = [2, 2]
kernel_sizes = [3, 3]
[training]
epochs = {epochs}
batch_size = 10
"""


@dataclass(frozen=True)
class Scenario:
    """One command: what is there before (a state of STATES), and the words of the command.

    same: the folders in which every file must be the same after a fault and the same command again; with
    --force that may put one more folder aside.
    """

    state: str
    words: tuple[str, ...]
    same: tuple[str, ...] = (".",)


STATES: dict[str, tuple[tuple[str, ...], ...]] = {
    "nothing": (),
    "generated": (("generate", "run", "--config", "tiny.toml"),),
    "trained": (("generate", "run", "--config", "tiny.toml"), ("train", "run")),
    "reported": (("generate", "run", "--config", "tiny.toml"), ("train", "run"), ("report", "run")),
    "data damaged": (("generate", "run", "--config", "tiny.toml"), ("train", "run"), ("damage", "dataset.npz")),
    "step damaged": (
        *(("generate", "run", "--config", "tiny.toml"), ("train", "run")),
        ("damage", "kernels/00001.safetensors"),
    ),
    "figures damaged": (
        *(("generate", "run", "--config", "tiny.toml"), ("train", "run"), ("report", "run")),
        *(("damage", "figures/training.png"), ("damage", "analysis.json")),
    ),
    "own pictures": (
        ("generate", "run", "--config", "tiny.toml", "--as-folders", "pictures"),
        ("remove", "run"),
    ),
}
ASIDE = ("run", "run.old-1")
GENERATE = Scenario("nothing", ("generate", "run", "--config", "tiny.toml"))
TRAIN = Scenario("generated", ("train", "run"))
REPORT = Scenario("trained", ("report", "run"))
WRITING = {
    "generate": GENERATE,
    "generate --as-folders": Scenario("generated", ("generate", "run", "--as-folders", "pictures")),
    "generate --force": Scenario("trained", ("generate", "run", "--force", "--data-seed", "5"), ASIDE),
    "generate, data damaged": Scenario("data damaged", ("generate", "run")),
    "train": TRAIN,
    "train --force": Scenario("trained", ("train", "run", "--force", "--seed", "5"), ASIDE),
    "train --data": Scenario(
        "own pictures", ("train", "run", "--data", "pictures/train", "--config", "own.toml")
    ),
    "train, step damaged": Scenario("step damaged", ("train", "run")),
    "report": REPORT,
    "report, figures damaged": Scenario("figures damaged", ("report", "run")),
}
READING = {
    "predict": Scenario("trained", ("predict", "run", "run/dataset.png")),
    "verify": Scenario("reported", ("verify", "run")),
}


class States:
    """Makes each state once, and what becomes of it where nothing disturbs the command."""

    def __init__(self, warm: Warm, folder: Path, epochs: int = 2) -> None:
        self.warm, self._folder, self._epochs = warm, folder, epochs
        self._ends: dict[tuple[Scenario, bool], tuple[Path, Ended]] = {}

    def state(self, name: str) -> Path:
        """The folder of a state; to be copied."""
        place = self._folder / name.replace(" ", "-")
        if not place.exists():
            place.mkdir(parents=True)
            learning = LEARNING.format(epochs=self._epochs)
            (place / "tiny.toml").write_text(LINES + learning)
            (place / "own.toml").write_text(f"[images]\nsize = 16\n{learning}")
            for word, *words in STATES[name]:
                if word == "damage":
                    (place / "run" / words[0]).write_bytes(b"damaged")
                elif word == "remove":
                    shutil.rmtree(place / words[0])
                else:
                    ended = self.warm.run(place, word, *words)
                    assert ended.code == 0, ended.err
        return place

    def copy(self, scenario: Scenario, place: Path) -> Path:
        """A scenario's beginning in this new folder."""
        if place.exists():
            shutil.rmtree(place)
        return shutil.copytree(self.state(scenario.state), place)

    def run(self, scenario: Scenario, place: Path, *, really: bool = False, **how: Any) -> Ended:
        """Run a scenario's command in a place.

        Unless it is to draw and learn really, it takes figures and steps from a finished run: the disk alone
        is in question then.
        """
        made = None if really else self.state("reported") / "run"
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


def same_files(scenario: Scenario, place: Path) -> dict[str, str]:
    """`files_of` the folders that must be the same in the end."""
    found = {folder: files_of(place / folder) for folder in scenario.same}
    return {f"{folder}/{name}": digest for folder, files in found.items() for name, digest in files.items()}


def files_of(place: Path) -> dict[str, str]:
    """Every file below a folder, hidden ones too, as a digest of what it says.

    That is all of its bytes but for the files that hold seconds or dates: of those, the rest. The lock's own
    file stays, and says nothing; nor does what is left of the signature of a process that is
    gone.
    """
    found = {}
    for path in sorted(place.rglob("*")):
        if path.is_file() and path.name not in (".lock", HOLDER):
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
