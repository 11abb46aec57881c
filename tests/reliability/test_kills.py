"""Killed anywhere, the same command again gives the same bytes; at most one epoch is done twice."""

import itertools

import pytest
from reliability.faults import Fault
from reliability.scenarios import (
    GENERATE,
    REPORT,
    STUDY,
    TRAIN,
    WRITING,
    but_of_costly,
    damaged_in,
    kernels_of,
    same_files,
)
from reliability.trying import after_a_fault

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("reliability")]
RANDOM = {"generate": GENERATE, "train": TRAIN, "report": REPORT, "study": STUDY}
FEW, MANY = 2, 200
SOME = but_of_costly("train", "train --data")


def by_chance(chance, most, count):
    """This many of the numbers 1 … most; all where there are no more."""
    return sorted(chance.sample(range(1, most + 1), min(count, most)))


@pytest.mark.parametrize("scenario", SOME.values(), ids=SOME)
def test_killed_at_some_calls(scenario, states, place, chance, figure):
    _, undisturbed = states.undisturbed(scenario)
    most = sum(undisturbed.counts.values())
    numbers = by_chance(chance, most, 1 if scenario.costly else FEW)
    found = [after_a_fault(states, scenario, Fault("any", number, "KILL"), place) for number in numbers]
    assert [line for lines in found if lines for line in lines] == []
    assert any(lines is not None for lines in found)  # a clock may make one call more, or one less
    figure(f"killed at {len(numbers)} of {most} calls")


@pytest.mark.hours
@pytest.mark.parametrize("scenario", WRITING.values(), ids=WRITING)
def test_killed_at_every_call(scenario, states, place, figure):
    """Before each open, read, fsync, replace, mkdir and unlink, and in the middle of each write."""
    wrong, killed = [], 0
    for number in itertools.count(1):
        lines = after_a_fault(states, scenario, Fault("any", number, "KILL"), place)
        if lines is None:
            break
        wrong, killed = wrong + lines, killed + 1
    assert wrong == []
    figure(f"killed at {killed} calls")


@pytest.mark.slow
def test_a_training_killed_at_a_random_moment(states, place, chance):
    """It is the same bytes as of the run that was never disturbed, nor forked."""
    expected = kernels_of(states.state("reported"))
    states.copy(TRAIN, place)
    states.run(TRAIN, place, really=True, kill_after=chance.uniform(0.3, 1.5))
    again = states.run(TRAIN, place, really=True)
    assert again.code == 0, again.err
    assert kernels_of(place) == expected
    assert damaged_in(place) == []


@pytest.mark.hours
def test_a_study_killed_at_a_random_moment(states, place, chance, figure):
    """With its workers in other processes: tests/study/test_command.py."""
    expected, undisturbed = states.undisturbed(STUDY, really=True)
    states.copy(STUDY, place)
    after = chance.uniform(0.0, undisturbed.seconds)
    states.run(STUDY, place, really=True, kill_after=after)
    assert damaged_in(place) == []
    again = states.run(STUDY, place, really=True)
    assert again.code == 0, again.err
    assert same_files(STUDY, place) == expected
    figure(f"after {after:.1f} of {undisturbed.seconds:.1f} s")


@pytest.mark.hours
@pytest.mark.parametrize("name", RANDOM)
def test_killed_at_random_moments(name, longer, place, chance, figure):
    """Really drawn and really learned, with nothing in the process but what a user has."""
    scenario, epochs = RANDOM[name], 12
    expected, undisturbed = longer.undisturbed(scenario, really=True)
    wrong, most_twice, killed, tried = [], 0, 0, 0
    while killed < MANY / len(RANDOM):
        tried += 1
        after = chance.uniform(0.0, undisturbed.seconds)
        longer.copy(scenario, place)
        ended = longer.run(scenario, place, really=True, kill_after=after)
        killed += ended.code == -9
        wrong += [f"after {after:.3f} s: damaged {path}" for path in damaged_in(place)]
        again = longer.run(scenario, place, really=True)
        if again.code or same_files(scenario, place) != expected:
            wrong.append(f"after {after:.3f} s: {again.code} {again.err}")
        most_twice = max(most_twice, ended.epochs + again.epochs - epochs)
        assert tried < 3 * MANY
    assert wrong == []
    if name == "train":
        assert most_twice <= 1
    figure(f"{killed} killed{f', at most {most_twice} epoch done twice' if name == 'train' else ''}")
