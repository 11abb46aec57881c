"""What tests of studies share: small settings, work that trains nothing, clusters as processes of their own."""

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from linesexp.config import build_config, settings_of
from linesexp.runs import RunFolder
from linesexp.study.conditions import chosen_conditions
from linesexp.study.engine import train_study
from linesexp.study.local import train_here
from linesexp.study.plan import StudySettings

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def small():
    """Base settings whose pictures are drawn in no time."""
    images = {"size": 20, "length_px": (6, 20), "margin_px": 2, "pictures_per_class": 30}
    return build_config({"images": images, "network": {"filters": (2,), "kernel_sizes": (3,)}})


@pytest.fixture(scope="session")
def settings(small):
    """Two conditions with ten seeds each, in blocks of two."""
    conditions = chosen_conditions(["default", "weight-decay"], small, {})
    return StudySettings.of(small, conditions, range(10), [0], block_size=2)


@pytest.fixture(scope="session")
def deep(small):
    """The same of networks with two convolutions, the second of which members do not share."""
    network = {"filters": (2, 2), "kernel_sizes": (3, 3)}
    base = build_config({"images": settings_of(small)["images"], "network": network})
    conditions = chosen_conditions(["default", "weight-decay"], base, {})
    return StudySettings.of(base, conditions, range(10), [0], block_size=2)


@pytest.fixture(scope="session")
def planted():
    """The module of that name: studies whose every kernel is known."""
    spec = importlib.util.spec_from_file_location("planted", HERE / "planted.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tiny_blocks(monkeypatch):
    """The module of that name; worker processes inherit the way to it."""
    monkeypatch.syspath_prepend(str(HERE))
    import tiny_blocks

    return tiny_blocks


class Told(list):
    """What a study says, and its progress."""

    def say(self, words):
        self.append(words)

    def progress(self, done, total, words):
        self.append((done, total, words))

    @property
    def text(self):
        return "\n".join(words for words in self if isinstance(words, str))


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def train(told):
    """train(path, settings, engine): engine takes the blocks alone."""

    def run(path, settings, engine, **how):
        return train_study(
            path,
            settings,
            lambda blocks, count, on_epoch: engine(blocks),
            say=told.say,
            progress=told.progress,
            **how,
        )

    return run


@pytest.fixture(scope="session")
def results():
    """results(path): file → bytes of every result in a study's folder, all of them undamaged."""

    def read(path):
        folder = RunFolder(path)
        return dict(folder.read_all(folder.names(prefix="blocks/")))

    return read


@pytest.fixture
def undisturbed(tmp_path, settings, train, tiny_blocks, results):
    """What `--jobs 1` makes of the settings."""
    train(tmp_path / "undisturbed", settings, lambda blocks: train_here(blocks, tiny_blocks.quick))
    return results(tmp_path / "undisturbed")


class Processes:
    """A scheduler and workers, each a process of its own, on the loopback interface."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.started = folder, []
        self.file = folder / "scheduler.json"

    def dask(self, *words, **environment):
        path = os.pathsep.join(
            filter(None, [environment.pop("PYTHONPATH", ""), str(HERE), str(HERE.parents[1])])
        )
        with open(self.folder / f"{words[0]}-{len(self.started)}.log", "w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *map(str, words), "--host", "127.0.0.1", "--no-dashboard"],
                env=os.environ | {"PYTHONPATH": path} | environment,
                cwd=self.folder,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )
        self.started.append(process)
        return process

    def scheduler(self, **environment):
        process = self.dask("scheduler", "--port", "0", "--scheduler-file", self.file, **environment)
        wait_for(self.file.exists)
        return process

    def worker(self, *words, **environment):
        where = ("--scheduler-file", self.file, "--local-directory", self.folder / "scratch")
        return self.dask("worker", *where, "--nthreads", "1", *words, **environment)

    def end(self):
        for process in self.started:
            for each in [*children_of(process.pid), process]:
                with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
                    each.send_signal(signal.SIGKILL)
            process.wait(timeout=20)


@pytest.fixture
def processes(tmp_path):
    found = Processes(tmp_path)
    yield found
    found.end()


def children_of(pid):
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


@pytest.fixture(scope="session", name="wait_for")
def wait_for_fixture():
    return wait_for


@pytest.fixture(scope="session", name="children_of")
def children_of_fixture():
    return children_of


def wait_for(condition, seconds=60):
    """Until something is so; the limit is for a machine that does many things at once."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s"
        time.sleep(0.05)
