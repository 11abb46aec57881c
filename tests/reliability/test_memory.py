"""Memory runs out under a real limit of the address space (`ulimit -v`): it is said what would fit.

What is estimated, and what is said where NumPy or TensorFlow find that there is none: tests/test_room.py.
A worker of a study that takes too much: tests/study/test_cluster.py; one with too little: test_real.py there.
"""

import re
import resource
import sys

import pytest
from reliability.scenarios import GENERATE, STUDY, TRAIN, Scenario, damaged_in, files_of, same_files

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("reliability"),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of the address space are Linux's"),
]
GB = 10**9


def addresses(count):
    """For `limit=`: what a process may ask for."""
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (count, count))


def refused(ended, *words):
    assert ended.returncode == 3, ended.stderr
    (line,) = [line for line in ended.stderr.splitlines() if line.startswith("Error: ")]
    assert "Traceback" not in ended.stderr
    for word in words:
        assert word in line
    return line


def test_pictures_beyond_the_limit_are_not_drawn_and_as_many_as_fit_are(states, place, linesexp, figure):
    states.copy(GENERATE, place)
    words = ["--config", "tiny.toml", "--size", "200", "--noise", "0.1"]
    ended = linesexp(
        "generate", "run", *words, "--pictures-per-class", "20000", cwd=place, limit=addresses(GB // 2)
    )
    line = refused(ended, "run: drawing 40000 pictures needs", "the limit (ulimit -v) is 500 MB")
    fitting = re.search(r"pictures_per_class = (\d+) would fit", line)
    assert fitting
    ended = linesexp(
        "generate", "run", *words, "--pictures-per-class", fitting[1], cwd=place, limit=addresses(GB // 2)
    )
    assert ended.returncode == 0, ended.stderr
    figure(f"{fitting[1]} pictures fit into 500 MB, as was said")


def test_a_training_beyond_the_limit_is_not_begun_and_one_that_fits_is(states, place, linesexp, figure):
    scenario = Scenario("generated", ("train", "run"))
    expected, _ = states.undisturbed(TRAIN, really=True)
    states.copy(scenario, place)
    before = files_of(place)
    line = refused(
        linesexp("train", "run", cwd=place, limit=addresses(1 * GB)), "run: the training needs about"
    )
    assert "the limit (ulimit -v) is 1.0 GB" in line
    assert files_of(place) == before
    need = float(re.search(r"needs about ([\d.]+) GB of address space", line)[1])
    ended = linesexp("train", "run", cwd=place, limit=addresses(int((need + 0.1) * GB)))
    assert ended.returncode == 0, ended.stderr
    assert same_files(scenario, place) == expected
    figure(f"needs {need} GB of addresses, and is done with {need + 0.1:.1f}")


def test_a_study_beyond_the_limit_says_once_that_it_is_memory(states, place, linesexp):
    """Then the same command, without the limit, trains them."""
    expected, _ = states.undisturbed(STUDY, really=True)
    states.copy(STUDY, place)
    ended = linesexp(*STUDY.words, cwd=place, limit=addresses(1 * GB))
    assert ended.returncode == 6, ended.stderr
    assert ended.stderr.count("NoMemory: training") == 1
    assert "4 blocks failed" in ended.stderr
    assert damaged_in(place) == []
    ended = linesexp(*STUDY.words, cwd=place)
    assert ended.returncode == 0, ended.stderr
    told = {
        "./out/failures.json",
        "./out/manifest.json",
    }  # that there were failures, and that there is none now
    found = same_files(STUDY, place)
    assert {name: found[name] for name in found.keys() - told} == {
        name: expected[name] for name in expected.keys() - told
    }
