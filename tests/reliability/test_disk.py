"""A full or failing disk spoils nothing: no bad file, one line of error with the path; the rerun succeeds."""

import itertools
import os
import subprocess
from pathlib import Path

import pytest
from reliability.faults import CALLS, TAKES_SPACE, Fault
from reliability.scenarios import (
    GENERATE,
    READING,
    REPORT,
    TRAIN,
    WRITING,
    but_of_costly,
    damaged_in,
    files_of,
)
from reliability.trying import after_a_fault, after_a_fault_in_reading, unclear

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("reliability")]
FEW = 3
SOME = but_of_costly("train --force", "train, step damaged")
KINDS = [(how, call) for how in ("ENOSPC", "EIO") for call in (TAKES_SPACE if how == "ENOSPC" else CALLS)]


@pytest.mark.parametrize("scenario", SOME.values(), ids=SOME)
def test_a_disk_that_fails_at_some_calls(scenario, states, place, chance, figure):
    _, undisturbed = states.undisturbed(scenario)
    calls = [(how, call, number) for how, call in KINDS for number in range(1, undisturbed.counts[call] + 1)]
    wrong, met = [], 0
    for how, call, number in chance.sample(calls, 1 if scenario.costly else FEW):
        lines = after_a_fault(states, scenario, Fault(call, number, how, chance.random() < 0.5), place)
        wrong, met = wrong + (lines or []), met + (lines is not None)
    assert wrong == []
    figure(f"{met} failures")


@pytest.mark.hours
@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from there on"])
@pytest.mark.parametrize(("how", "call"), KINDS, ids=[f"{how} {call}" for how, call in KINDS])
@pytest.mark.parametrize("scenario", WRITING.values(), ids=WRITING)
def test_a_disk_that_fails_at_every_call(scenario, how, call, lasting, states, place, figure):
    """The N-th call fails, for N = 1, 2, … until the command passes."""
    _, undisturbed = states.undisturbed(scenario)
    wrong, met = [], 0
    for number in itertools.count(1):
        lines = after_a_fault(states, scenario, Fault(call, number, how, lasting), place)
        if lines is None and number > undisturbed.counts[call]:
            break  # below that, it was a call that needs no space
        wrong, met = wrong + (lines or []), met + (lines is not None)
    assert wrong == []
    figure(f"{met} failures")


@pytest.mark.slow
@pytest.mark.parametrize("call", ["open", "read"])
@pytest.mark.parametrize("scenario", READING.values(), ids=READING)
def test_a_disk_that_cannot_be_read(scenario, call, states, place, figure):
    wrong, met = [], 0
    for number in itertools.count(1):
        lines = after_a_fault_in_reading(states, scenario, Fault(call, number, "EIO"), place)
        if lines is None:
            break
        wrong, met = wrong + lines, met + 1
    assert wrong == []
    assert met > 3
    figure(f"{met} failures")


# A small real disk, which libraries in C meet as well.


@pytest.fixture
def small_disk(tmp_path):
    """small_disk(kilobytes): a file system of that size, in a folder; called again, it has another size."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def of_size(kilobytes: int) -> Path:
        how = f"remount,size={kilobytes}k" if folder.is_mount() else f"size={kilobytes}k"
        ended = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", how, "tmpfs", folder], capture_output=True, text=True
        )
        if ended.returncode:
            pytest.skip(f"mounting a small file system is for root: {ended.stderr.strip()}")
        return folder

    yield of_size
    if folder.is_mount():
        subprocess.run(["umount", folder], check=True)


SMALL = [
    pytest.param(GENERATE, 6, id="generate, some"),
    pytest.param(REPORT, 6, id="report, some"),
    pytest.param(GENERATE, 60, id="generate", marks=pytest.mark.hours),
    pytest.param(TRAIN, 60, id="train", marks=pytest.mark.hours),
    pytest.param(REPORT, 200, id="report", marks=pytest.mark.hours),
]


@pytest.mark.skipif(os.name != "posix", reason="this system has no tmpfs")
@pytest.mark.parametrize(("scenario", "sizes"), SMALL)
def test_a_small_disk(scenario, sizes, states, small_disk, figure):
    """With every size from too small to enough; how much is needed is not asked for, or none would be begun."""
    expected, _ = states.undisturbed(scenario)
    disk = small_disk(20_000)
    place = disk / "place"
    least = _kilobytes(states.copy(scenario, place))
    most = least + sum(_kilobytes(path) for path in states.undisturbed_place(scenario).rglob("*")) + 100
    wrong, full = [], 0
    for size in range(least, most, max(4, (most - least) // sizes)):
        small_disk(20_000)
        states.copy(scenario, place)
        small_disk(size)
        ended = states.run(scenario, place, asks=False)
        wrong += [f"{size} kB: damaged {path}" for path in damaged_in(place)]
        if ended.code:
            full += 1
            wrong += [f"{size} kB: {words}" for words in unclear(ended)]
        small_disk(20_000)
        again = states.run(scenario, place)
        if again.code or files_of(place) != {name.removeprefix("./"): data for name, data in expected.items()}:
            wrong.append(f"{size} kB: the same command again: {again.code} {again.err}")
    assert wrong == []
    assert full > 1
    figure(f"{full} sizes too small, the largest but one {size} kB")


def _kilobytes(path: Path) -> int:
    """What a file, or a folder with all that is in it, takes of a file system of pages of 4 kB."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(4 * -(-file.stat().st_size // 4096) for file in files if file.is_file())
