"""What the tests of the promises share: a seed to name again, a warm parent, states to begin from."""

import random
from pathlib import Path

import pytest
from reliability.scenarios import States
from reliability.warm import Warm


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, default=None, help="Seed of the random faults; printed by every run.")


def pytest_report_header(config: pytest.Config) -> str:
    return f"reliability: --seed {_seed(config)}"


def pytest_configure(config: pytest.Config) -> None:
    # One number for all workers, so that a failure can be repeated with it.
    if not hasattr(config, "workerinput"):
        config.option.seed = _seed(config)


def _seed(config: pytest.Config) -> int:
    if config.option.seed is None:
        config.option.seed = random.SystemRandom().randrange(10**6)
    return config.option.seed


@pytest.fixture(scope="session")
def seed(request: pytest.FixtureRequest) -> int:
    """The seed of all that is random in these tests."""
    return _seed(request.config)


@pytest.fixture(scope="session")
def warm(environment: dict[str, str]):
    """A parent process with everything imported, TensorFlow too."""
    parent = Warm(environment, keras=True)
    yield parent
    parent.close()


@pytest.fixture(scope="session")
def states(warm: Warm, tmp_path_factory: pytest.TempPathFactory) -> States:
    return States(warm, tmp_path_factory.mktemp("states"))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder that is not there yet."""
    return tmp_path / "place"
