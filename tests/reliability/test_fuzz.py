"""Inputs without a traceback: whatever a file holds, what comes is an answer or an error that a user can mend.

hypothesis makes the inputs (odd_inputs.py), from --seed; what it finds it makes small before it shows it. Where
Atheris is installed, it guides hypothesis to some more (guided.py).
"""

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from reliability import odd_inputs
from reliability.guided import guided
from study.tiny_blocks import quick

from linesexp import open_run
from linesexp.config import ExperimentConfig, build_config, config_json, load_config, settings_of
from linesexp.environment import check_environment
from linesexp.errors import LinesexpError
from linesexp.experiment import verify
from linesexp.filtering import read_kernel
from linesexp.images.own import arrange
from linesexp.keeping import kept_checkpoint
from linesexp.own_pictures.class_folders import digest_of, find_class_folders, read_pictures
from linesexp.own_pictures.taking import for_own_pictures, take_pictures
from linesexp.run import Run, dataset_bytes, dataset_from
from linesexp.runs import RunFolder
from linesexp.runs.formats import parse_json, parse_npz, parse_tensors
from linesexp.runs.manifest import entry_for, manifest_json
from linesexp.seeing.filtering import parse_kernel
from linesexp.study.blocks import Block
from linesexp.study.conditions import chosen_conditions
from linesexp.study.engine import train_study
from linesexp.study.local import train_here
from linesexp.study.plan import StudySettings
from linesexp.study.reading import open_study
from linesexp.study.wanted import Asked, wanted_study

FEW = {"settings": 70, "kernels": 120, "class folders": 25, "runs": 100, "studies": 100}  # in `make test`
MANY = {  # 100,000 in all; and a tenth as many guided ones
    "settings": 30_000,
    "kernels": 30_000,
    "class folders": 10_000,
    "runs": 20_000,
    "studies": 10_000,
}


HOW = [
    pytest.param("some"),
    pytest.param("many", marks=pytest.mark.hours),
    pytest.param("guided", marks=pytest.mark.hours),
]


@pytest.fixture(params=HOW)
def how(request) -> str:
    """Which inputs: some or many from hypothesis, or those to which Atheris guides it."""
    if request.param == "guided":
        pytest.importorskip("atheris", reason="Atheris is not installed: pip install -e '.[fuzz]'")
    return request.param


@pytest.fixture
def count(how) -> Callable[[str], int]:
    """count(kind): how many inputs."""
    return {"some": FEW, "many": MANY, "guided": {kind: n // 10 for kind, n in MANY.items()}}[how].__getitem__


@pytest.fixture
def fuzz(how, chance, figure, tmp_path) -> Callable[..., None]:
    """fuzz(strategy, check, count): check so many inputs; how many there were is said."""

    def run(strategy: st.SearchStrategy, check: Callable[[Any], None], count: int) -> None:
        if how == "guided":
            tried = guided(strategy, check, count, chance.randrange(1, 2**32), tmp_path)
            figure(f"{tried} inputs without a traceback, to which Atheris came")
            return
        tried = 0

        @seeded(chance.randrange(2**32))
        @settings(
            max_examples=count,
            deadline=None,
            database=None,
            print_blob=False,
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy)
        def each(value: Any) -> None:
            nonlocal tried
            tried += 1
            check(value)

        each()
        figure(f"{tried} inputs without a traceback")

    return run


def test_settings(fuzz, count, tmp_path):
    path = tmp_path / "settings.toml"

    def check(data: bytes) -> None:
        path.write_bytes(data)
        with contextlib.suppress(LinesexpError):
            config = build_config(load_config(path), source=str(path))
            assert build_config(json.loads(config_json(config))) == config

    fuzz(odd_inputs.settings_files(settings_of(ExperimentConfig())), check, count("settings"))


def test_kernels_that_are_typed(fuzz, count):
    def check(text: str) -> None:
        with contextlib.suppress(ValueError):
            kernel = parse_kernel(text)
            assert np.isfinite(kernel).all()
            assert kernel.shape == (len(kernel), len(kernel))

    fuzz(odd_inputs.kernel_texts(), check, count("kernels") // 2)


def test_kernels_in_files(fuzz, count, tmp_path):
    path = tmp_path / "kernel.csv"

    def check(data: bytes) -> None:
        path.write_bytes(data)
        with contextlib.suppress(LinesexpError):
            assert np.isfinite(read_kernel(str(path))).all()

    fuzz(odd_inputs.kernel_files(), check, count("kernels") // 2)


@pytest.fixture(scope="module")
def pictures() -> list[bytes]:
    """Small picture files of several formats, grey, coloured and transparent."""
    import io

    from PIL import Image

    found = []
    for kind in ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP"):
        for number, mode in enumerate(("L", "RGB", "RGBA", "P", "1", "I;16")):
            buffer = io.BytesIO()
            with contextlib.suppress(OSError, KeyError):  # not every format has every mode
                Image.new(mode, (9, 8), number).save(buffer, kind)
                found.append(buffer.getvalue())
    return found


def test_class_folders(fuzz, count, pictures, tmp_path):
    place = tmp_path / "theirs"
    config = build_config(
        {"images": {"size": 8, "folders": {}}, "network": {"filters": [2], "kernel_sizes": [3]}}
    )
    tried = 0

    def check(value: tuple[dict[str, bytes | None], bool]) -> None:
        nonlocal tried
        files, skip_broken = value
        _write(place, files)
        tried += 1
        with contextlib.suppress(LinesexpError):
            folders = find_class_folders(place)
            digest = digest_of(folders, lambda *_: None)
            read = read_pictures(folders, 8, skip_broken, lambda *_: None)
            assert read.sha256 == digest
            given = [file.split for file in read.files if file.split is not None]
            labels = [file.label for file in read.files]
            made = arrange(read.pixels, labels, given or None, folders.classes, config.images).dataset
            again = dataset_from(parse_npz(dataset_bytes(made), "it"), "it")
            assert again.class_names == folders.classes
            assert np.array_equal(again.pixels, made.pixels)
            if tried % 20 == 0:  # the whole way, with the contact sheet, which takes much longer
                shutil.rmtree(tmp_path / "run", ignore_errors=True)
                how = {"force": False, "skip_broken": skip_broken, "say": str, "progress": lambda *_: None}
                take_pictures(tmp_path / "run", for_own_pictures(config), place, **how)
                assert Run(RunFolder(tmp_path / "run")).dataset.class_names == folders.classes

    folders = odd_inputs.class_folders(pictures)
    fuzz(st.tuples(folders, st.booleans()), check, count("class folders"))


def _write(place: Path, files: dict[str, bytes | None]) -> None:
    """These files in a folder, and no others; names that no file can have are left out."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    for name, data in files.items():
        with contextlib.suppress(OSError, ValueError):
            path = place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if data is not None:
                path.write_bytes(data)


class Sent:
    """A run, or a study, as a stranger sends it: any artefact changed, under a manifest that agrees with it."""

    def __init__(self, path: Path) -> None:
        self.folder, self._whole = RunFolder(path), (path / "manifest.json").read_bytes()
        self._manifest = self.folder.manifest()
        self.strategy = st.one_of(*self._of_each(), self._of_the_manifest())

    def _of_each(self) -> list[st.SearchStrategy]:
        """(name, content) of each artefact that is parsed, changed in what it says or in any of its bytes."""
        read, found = self.folder.read, []
        for name in self._manifest:
            data = read(name)
            kinds = [odd_inputs.changed_bytes(data)]
            if name.endswith(".json"):
                kinds = [odd_inputs.changed_json(json.loads(data)).map(odd_inputs.json_bytes)] * 3 + kinds
            elif name.endswith(".csv"):
                kinds = [odd_inputs.csv_files(data)] * 3 + kinds
            elif name.endswith(".npz"):
                kinds = [odd_inputs.npz_files(parse_npz(data, name))] * 3 + kinds
            elif name.endswith(".safetensors"):
                kinds = [odd_inputs.tensor_files(*parse_tensors(data, name))] * 3 + kinds
            else:  # a picture, a page, a network: read by others
                continue
            found.append(st.tuples(st.just(name), st.one_of(*kinds)))
        return found

    def _of_the_manifest(self) -> st.SearchStrategy:
        signed = odd_inputs.changed_json(json.loads(manifest_json(self._manifest))).map(_signed_anew)
        return st.tuples(
            st.just("manifest.json"), st.one_of(signed, signed, odd_inputs.changed_bytes(self._whole))
        )

    @contextlib.contextmanager
    def holding(self, name: str, data: bytes) -> Iterator[Path]:
        path = self.folder.path
        before = (path / name).read_bytes()
        (path / name).write_bytes(data)
        if name != "manifest.json":
            entry = entry_for(data, self._manifest[name].stage)
            (path / "manifest.json").write_bytes(manifest_json(self._manifest | {name: entry}))
        try:
            yield path
        finally:
            (path / name).write_bytes(before)
            (path / "manifest.json").write_bytes(self._whole)


def _signed_anew(entries: Any) -> bytes:
    """A manifest of these entries whose own, the last, agrees with them."""
    if not isinstance(entries, dict):
        return odd_inputs.json_bytes(entries)
    from linesexp.runs.manifest import _signed

    lines = [
        f"{json.dumps(name)}: {json.dumps(entry)},\n"
        for name, entry in entries.items()
        if name != "manifest.json"
    ]
    return _signed(f"{{\n{''.join(lines)}".encode())


def _environment(run: Run) -> None:
    check_environment(parse_json(run.folder.read("environment.json"), "it"), "it", lambda words: None)


READERS: dict[str, Callable[[Run], Any]] = {
    "open": lambda run: open_run(run.folder.path),
    "config": lambda run: (run.config, run.has_own_pictures, run.is_recording),
    "dataset": lambda run: run.dataset.counts(),
    "history": lambda run: (run.history, run.kernels),
    "log": lambda run: run.log,
    "analysis": lambda run: run.analysis,
    "controls": lambda run: (run.controls, run.control_folders()),
    "checkpoint": lambda run: kept_checkpoint(run.folder),
    "environment": _environment,
    "check": lambda run: run.check("report"),
    "verify": lambda run: verify(run.folder.path),
    "names": lambda run: (run.folder.names(), run.folder.neighbours(), run.folder.damaged(), repr(run)),
}
OF_FILE = {
    "config.json": ("open", "config", "dataset", "history", "names"),
    "dataset.npz": ("dataset",),
    "history.csv": ("log",),
    "analysis.json": ("analysis",),
    "checkpoint.safetensors": ("checkpoint",),
    "environment.json": ("environment",),
    "manifest.json": tuple(READERS),
}


def test_runs(fuzz, count, run):
    sent, tried = Sent(run), 0

    def check(value: tuple[str, bytes]) -> None:
        nonlocal tried
        name, data = value
        tried += 1
        with contextlib.suppress(LinesexpError), sent.holding(name, data) as path:
            found = open_run(path)
            for reader in OF_FILE.get(name, ("history",)):
                with contextlib.suppress(LinesexpError):
                    READERS[reader](found)
            if tried % 100 == 0:  # it draws, which takes long
                found._repr_html_()

    fuzz(sent.strategy, check, count("runs"))


@pytest.fixture
def study(tmp_path) -> Path:
    """The folder of a study of which one block was given up; its results are drawn by chance."""
    images = {"size": 20, "length_px": (6, 20), "margin_px": 2, "pictures_per_class": 30}
    small = build_config({"images": images, "network": {"filters": (2,), "kernel_sizes": (3,)}})
    conditions = chosen_conditions(["default", "weight-decay"], small, {})

    def work(block: Block, on_epoch: Any) -> bytes:
        if block.key == "weight-decay/d0/s2":
            raise RuntimeError("cannot be trained")
        return quick(block, on_epoch)

    train_study(
        tmp_path / "study",
        StudySettings.of(small, conditions, range(3), [0], 2),
        lambda blocks, *_: train_here(blocks, work),
        say=str,
        progress=lambda *_: None,
    )
    return tmp_path / "study"


def test_studies(fuzz, count, study):
    sent = Sent(study)
    small, asked = open_study(study).settings.base, Asked()

    def check(value: tuple[str, bytes]) -> None:
        with contextlib.suppress(LinesexpError), sent.holding(*value) as path:
            found = open_study(path)
            for look in (
                lambda: wanted_study(asked, lambda base: base or small, found.settings),
                lambda: (found.failed, found.done, found.missing),
                lambda: list(found),
                lambda: verify(path),
                lambda: _environment(Run(found.folder)),
            ):
                with contextlib.suppress(LinesexpError):
                    look()

    fuzz(sent.strategy, check, count("studies"))
