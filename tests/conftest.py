"""What tests share: the console script as a process, and one tiny run that all workers make once."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import chromium
import filelock
import pytest
from warm import Warm

from linesexp.config import ExperimentConfig, build_config, load_config
from linesexp.environment import switch_on_onednn

switch_on_onednn()  # as every process of linesexp does; tests import Keras by themselves

SCRIPT = Path(sys.executable).with_name("linesexp")
TINY = """
[images]
size = 20
length_px = [6, 20]
margin_px = 2
pictures_per_class = 30
[network]
filters = [4, 4]
kernel_sizes = [5, 3]
[training]
epochs = 2
"""

Process = subprocess.CompletedProcess
LIMIT = 600  # seconds, on a machine that does many things at once
# A parent with TensorFlow in it forks well on Linux; JAX warns of it.
FORKS = sys.platform == "linux" and os.environ.get("KERAS_BACKEND", "tensorflow") == "tensorflow"
LEFT_OUT = pytest.StashKey[int]()  # how many tests need a browser, where there is none


def pytest_itemcollected(item: pytest.Item) -> None:
    """One worker runs all tests of a file that has no group: it makes what they share once."""
    if item.get_closest_marker("xdist_group") is None:
        item.add_marker(pytest.mark.xdist_group(item.path.stem))


@pytest.hookimpl(trylast=True)  # -m has its say first
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs a browser, where there is none."""
    pages = [item for item in items if "browser" in getattr(item, "fixturenames", ())]
    if pages and chromium.find() is None:
        config.stash[LEFT_OUT] = len(pages)
        config.hook.pytest_deselected(items=pages)
        items[:] = [item for item in items if item not in pages]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """What xdist's workers left out: each the same."""
    if left_out := getattr(node, "workeroutput", {}).get("left_out"):
        node.config.stash[LEFT_OUT] = left_out


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where continuous integration has no browser, that is an error."""
    left_out = session.config.stash.get(LEFT_OUT, 0)
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = left_out
    elif left_out and os.environ.get("CI", "") not in ("", "0", "false"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure(config: pytest.Config) -> None:
    """The last line of all says what was left out, and what brings a browser."""
    if (left_out := config.stash.get(LEFT_OUT, 0)) and not hasattr(config, "workeroutput"):
        print(f"{left_out} page tests were left out, no browser was found: {chromium.command()}")


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """The environment without settings of ours, which would change what is tested."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LINESEXP_")}


@pytest.fixture(scope="session")
def script() -> Path:
    """The console script `linesexp` of the Python that runs the tests."""
    return SCRIPT


@pytest.fixture(scope="session")
def warm(environment: dict[str, str]) -> Iterator[Warm]:
    """A parent process with everything imported, TensorFlow too, that forks a child for each command."""
    parent = Warm(environment)
    yield parent
    parent.close()


@pytest.fixture(scope="session")
def linesexp(request: pytest.FixtureRequest, started: Callable[..., Process]) -> Callable[..., Process]:
    """As `started`, in a process that is forked with everything imported, which takes seconds less."""

    def run(*words: Any, cwd: Path, **more: Any) -> Process:
        if not FORKS or not all(name.startswith(("LINESEXP_", "COLUMNS")) for name in more):
            return started(*words, cwd=cwd, **more)
        return forked(request.getfixturevalue("warm"), words, cwd, variables=more)

    return run


@pytest.fixture(scope="session")
def run_script(request: pytest.FixtureRequest, environment: dict[str, str]) -> Callable[..., Process]:
    """run_script(path, "word", cwd=folder): a Python file, run to its end in a process forked likewise."""

    def run(script: Path, *words: Any, cwd: Path) -> Process:
        if FORKS:
            return forked(request.getfixturevalue("warm"), words, cwd, script=script)
        command = [sys.executable, script, *map(str, words)]
        return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=LIMIT)

    return run


def forked(warm: Warm, words: tuple[Any, ...], cwd: Path, **how: Any) -> Process:
    ended = warm.run(cwd, *map(str, words), watched=False, **how)
    return Process(words, ended.code, ended.out, ended.err)


@pytest.fixture(scope="session")
def started(environment: dict[str, str]) -> Callable[..., Process]:
    """started("train", run, cwd=folder, LINESEXP_EPOCHS="3"): the console script, run to its end.

    limit: called in the process before it is the console script.
    """

    def run(
        *arguments: Any, cwd: Path, stdout: Any = subprocess.PIPE, limit: Any = None, **more: str
    ) -> Process:
        return subprocess.run(
            [SCRIPT, *map(str, arguments)],
            cwd=cwd,
            env=environment | more,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            timeout=LIMIT,
            preexec_fn=limit,
        )

    return run


@pytest.fixture(scope="session")
def tiny_toml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Settings of a run that trains in a second."""
    path = tmp_path_factory.mktemp("settings") / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="session")
def tiny_config(tiny_toml: Path) -> ExperimentConfig:
    return build_config(load_config(tiny_toml))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory, tiny_toml: Path, started: Callable[..., Process]) -> Path:
    """A folder that holds `run`, which the commands made, and `said.json`, what they said.

    One for all workers. Tests only read it; those that change a run take `run`.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / "tiny"
    with filelock.FileLock(shared / "tiny.lock"):
        if not (folder / "said.json").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            said = {}
            for command in (["generate", "run", "--config", tiny_toml], ["train", "run"], ["report", "run"]):
                ended = started(*command, cwd=folder)
                assert ended.returncode == 0, ended.stderr
                said[command[0]] = {"stdout": ended.stdout, "stderr": ended.stderr}
            (folder / "said.json").write_text(json.dumps(said))
    return folder


@pytest.fixture(scope="session")
def tiny_run(tiny: Path) -> Path:
    """A generated, trained and reported run, to read only."""
    return tiny / "run"


@pytest.fixture(scope="session")
def said(tiny: Path) -> dict[str, dict[str, str]]:
    """command → what it wrote to stdout and stderr when it made `tiny_run`."""
    return json.loads((tiny / "said.json").read_text())


@pytest.fixture
def run(tiny_run: Path, tmp_path: Path) -> Path:
    """A copy of the tiny run, `run` in `tmp_path`, to damage."""
    # Without the lock, which another worker may hold for a moment.
    return shutil.copytree(tiny_run, tmp_path / "run", ignore=shutil.ignore_patterns(".*"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium. Tests that use it are marked `xdist_group("browser")`: one worker has it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        yield browser
        browser.close()
