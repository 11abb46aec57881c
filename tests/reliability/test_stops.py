"""Ctrl-C and SIGTERM are safe: an answer at once, the end soon, nothing left running, and the work goes on.

The seconds are measured and said, and what is asserted of them is generous: other work may keep a machine busy.
"""

import re
import signal
import subprocess
import sys
import time

import pytest
from reliability.scenarios import (
    GENERATE,
    REPORT,
    STUDY,
    STUDY_ON_WORKERS,
    TRAIN,
    damaged_in,
    same_files,
)
from reliability.stops import stop

pytestmark = [
    pytest.mark.xdist_group("reliability"),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for processes in /proc"),
]
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
COMMANDS = {
    "generate": GENERATE,
    "train": TRAIN,
    "report": REPORT,
    "study": STUDY,
    "study on workers": STUDY_ON_WORKERS,
}
# A command, what it has said when a stage is reached (a regular expression), and seconds after that.
STAGES = {
    "generate, at once": ("generate", "", 0.15),
    "report, importing": ("report", "", 0.4),
    "report, measuring": ("report", "file 0/", 0.3),
    "report, drawing": ("report", "file [1-9]", 0.0),
    "train, importing TensorFlow": ("train", "loading Keras", 0.8),
    "train, at once": ("train", "", 0.15),
    "train, building": ("train", "training begins", 0.1),
    "train, learning": ("train", "epoch 1/", 0.2),
    "study, at once": ("study", "", 0.15),
    "study, importing TensorFlow": ("study", "block 0/", 0.8),
    "study, learning": ("study", "epoch 1 of", 0.02),
    "study, drawing": ("study", "block 4/4", 0.5),
    "study, starting workers": ("study on workers", "block 0/", 0.8),
    "study, workers learning": ("study on workers", "block 1/", 0.02),
}
MOMENTS = 40


def assert_stopped(stopped, number, again):
    assert stopped.code == CODES[number], stopped.said
    assert stopped.orphans == []
    assert "Traceback" not in stopped.said
    assert "Exception ignored" not in stopped.said
    assert stopped.said.splitlines()[-1].endswith(f"goes on from there: linesexp {' '.join(again)}")
    assert stopped.answered < 5
    assert stopped.ended < 20


def goes_on(states, scenario, place):
    """The same command again ends with the same files as one that nobody disturbed."""
    expected, _ = states.undisturbed(scenario, really=True)
    assert damaged_in(place) == []
    again = states.run(scenario, place, really=True)
    assert again.code == 0, again.err
    assert same_files(scenario, place) == expected


def tried(stage, name, times, states, place, environment):
    """Stop a command at a stage with one signal, or several; returns what was seen."""
    command, words, after = stage
    number, scenario = getattr(signal, name), COMMANDS[command]
    states.copy(scenario, place)
    stopped = stop(
        list(scenario.words), place, environment, [number] * times, lambda said: re.search(words, said), after
    )
    assert stopped is not None, "it had ended before"
    assert_stopped(stopped, number, scenario.words)
    goes_on(states, scenario, place)
    return stopped


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "name", "times"),
    [
        ("train, importing TensorFlow", "SIGINT", 1),
        pytest.param("report, importing", "SIGTERM", 2, marks=pytest.mark.hours),
    ],
)
def test_a_stop_at_a_stage(stage, name, times, states, place, environment, figure):
    stopped = tried(STAGES[stage], name, times, states, place, environment)
    figure(f"answered after {stopped.answered:.2f} s, ended after {stopped.ended:.2f} s")


@pytest.mark.hours
@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("stage", STAGES)
def test_a_stop_at_every_stage(stage, name, times, longer, place, environment, figure):
    stopped = tried(STAGES[stage], name, times, longer, place, environment)
    figure(f"answered after {stopped.answered:.2f} s, ended after {stopped.ended:.2f} s")


@pytest.mark.hours
@pytest.mark.parametrize("command", COMMANDS)
def test_a_stop_at_random_moments(command, longer, place, environment, chance, figure):
    scenario = COMMANDS[command]
    longer.copy(scenario, place)
    whole = _seconds(scenario, place, environment)
    answered, ended = [], []
    for _ in range(-(-MOMENTS // len(COMMANDS))):
        longer.copy(scenario, place)
        number, after = chance.choice(list(CODES)), chance.uniform(0.15, whole)
        stopped = stop(list(scenario.words), place, environment, [number], lambda said: True, after)
        if stopped is None or stopped.code == 0:
            continue  # it was done already
        assert_stopped(stopped, number, scenario.words)
        goes_on(longer, scenario, place)
        answered.append(stopped.answered)
        ended.append(stopped.ended)
    assert answered
    figure(
        f"{len(answered)} stops; answered after {sorted(answered)[len(answered) // 2]:.2f} s (median), "
        f"{max(answered):.2f} s (longest), ended after {max(ended):.2f} s (longest)"
    )


def _seconds(scenario, place, environment):
    """How long a command takes from its start."""
    began = time.monotonic()
    command = [sys.executable, "-m", "linesexp", *scenario.words]
    subprocess.run(command, cwd=place, env=environment, check=True, capture_output=True)
    return time.monotonic() - began
