"""What the tests of the promises share: a seed, a warm parent, states to begin from, and figures."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from reliability.scenarios import States
from warm import Warm


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--seed", type=int, default=None, help="Seed of the random faults; each run prints its own."
    )


def pytest_configure(config: pytest.Config) -> None:
    # One number for all workers, who get the options of the process that starts them.
    if config.option.seed is None:
        config.option.seed = random.SystemRandom().randrange(10**6)


def pytest_report_header(config: pytest.Config) -> str:
    return f"reliability: --seed {config.option.seed}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The figures that the promises reached, and the seed with which a failure comes again."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    figures = [
        f"{report.nodeid.rpartition('/')[2]}: {value}"
        for report in reports
        for name, value in getattr(report, "user_properties", [])
        if name == "figure"
    ]
    if figures:
        terminalreporter.section(f"figures, --seed {config.option.seed}")
        for line in sorted(figures):
            terminalreporter.write_line(line)


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """figure("55 kills"): what a test has counted or measured, said at the end of the run."""
    return lambda words: record_property("figure", words)


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """What is random in a test: by --seed, and another one for each test."""
    return random.Random(f"{request.config.option.seed} {request.node.nodeid}")


@pytest.fixture(scope="session")
def states(warm: Warm, tiny_run: Path, tiny_toml: Path, tmp_path_factory: pytest.TempPathFactory) -> States:
    """States of a run of two epochs."""
    return States(warm, tmp_path_factory.mktemp("states"), tiny_run, tiny_toml)


@pytest.fixture(scope="session")
def longer(warm: Warm, tiny_toml: Path, tmp_path_factory: pytest.TempPathFactory) -> States:
    """States of a run of twelve epochs."""
    folder = tmp_path_factory.mktemp("longer")
    settings = folder / "longer.toml"
    settings.write_text(tiny_toml.read_text().replace("epochs = 2", "epochs = 12"))
    for words in (("generate", "run", "--config", str(settings)), ("train", "run"), ("report", "run")):
        ended = warm.run(folder, *words)
        assert ended.code == 0, ended.err
    return States(warm, folder / "states", folder / "run", settings)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder that is not there yet."""
    return tmp_path / "place"
