"""Long work holds: its memory, its open files and the time that an epoch takes stay what they were."""

import json
import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest
from reliability.long_work import BLOCK

pytestmark = pytest.mark.xdist_group("reliability")
LONG_WORK = Path(__file__).parent / "long_work.py"
MOST_GROWTH = 0.05  # of memory after the first tenth
MOST_SLOWER = (
    1.5  # times: the last quarter's epochs against the first quarter's; a busy machine makes some slower
)
MOST_WRITING = 3  # files of the folder at once: the lock, one that is written, the folder itself
LONG, SHORT = 2000, 100
WORK = ("train", "record", "study")


@pytest.fixture
def watched(tmp_path, tiny_toml, linesexp, environment):
    """watched("train", 100): what long_work.py finds after each epoch, or after each block of a study."""

    def run(work, epochs):
        if work == "train":
            ended = linesexp("generate", "work", "--config", tiny_toml, cwd=tmp_path)
            assert ended.returncode == 0, ended.stderr
        ended = subprocess.run(
            [sys.executable, LONG_WORK, work, tmp_path / "work", str(epochs)],
            env=environment | {"PYTHONPATH": str(Path(__file__).parents[2]), "TF_CPP_MIN_LOG_LEVEL": "3"},
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 0, ended.stderr
        found = json.loads(ended.stdout.splitlines()[-1])
        assert len(found["files"]) == (epochs // BLOCK if work == "study" else epochs)
        return found

    return run


def growth(megabytes):
    """The most memory after the first tenth, beyond what there was then, as a share of that."""
    tenth = len(megabytes) // 10
    return max(megabytes[tenth:]) / megabytes[tenth] - 1


def more_files(files):
    """How many more were open in the last tenth than in the second, the fewest of each."""
    tenth = len(files) // 10
    return min(files[-tenth:]) - min(files[tenth : 2 * tenth])


def slower(seconds):
    """How many times as long the last quarter's epochs take, by medians; before them it warms up."""
    tenth, quarter = len(seconds) // 10, len(seconds) // 4
    return median(seconds[-quarter:]) / median(seconds[tenth : tenth + quarter])


@pytest.mark.slow
@pytest.mark.parametrize(
    "work", [pytest.param(work, marks=[] if work == "train" else pytest.mark.hours) for work in WORK]
)
def test_memory_and_open_files_stay_what_they_were(work, watched, figure):
    found = watched(work, SHORT)
    assert growth(found["megabytes"]) < MOST_GROWTH
    assert more_files(found["files"]) <= 0
    assert max(found["writing"]) <= MOST_WRITING
    figure(f"memory grew by {growth(found['megabytes']):.1%} after the first tenth")


@pytest.mark.hours
@pytest.mark.parametrize("work", WORK)
def test_long_work_holds(work, watched, figure):
    found = watched(work, LONG)
    grew, longer = growth(found["megabytes"]), slower(found["seconds"])
    what = "members" if work == "study" else "epochs"
    figure(
        f"{LONG} {what}: memory {grew:+.1%} after the first tenth, "
        f"{more_files(found['files']):+.0f} open files, "
        f"the last quarter takes {longer:.2f} times as long as the first"
    )
    assert grew < MOST_GROWTH
    assert more_files(found["files"]) <= 0
    assert max(found["writing"]) <= MOST_WRITING
    assert longer < MOST_SLOWER


def test_what_grows_is_seen():
    assert growth([50, *[100] * 10, *[106] * 89]) > MOST_GROWTH
    assert growth([50, *[100] * 99]) == 0
    assert more_files([9] * 50 + [10] * 50) == 1
    assert slower([9.0] * 10 + [1.0] * 50 + [2.0] * 40) == 2
