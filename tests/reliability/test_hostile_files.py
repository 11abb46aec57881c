"""Hostile files run no code, take no memory, lead nowhere, and are named: every file of hostile/ is opened."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

OPEN_ALL = Path(__file__).parent / "hostile/open_all.py"
MOST_MEGABYTES, MOST_SECONDS = 300, 2.0


def open_all(run, folder, environment, *options):
    """What came of each file, as open_all.py tells it."""
    ended = subprocess.run(
        [sys.executable, OPEN_ALL, run, folder, *options],
        capture_output=True,
        text=True,
        env=environment | {"PYTHONPATH": str(Path(__file__).parents[2])},
        timeout=1200,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    return [json.loads(line) for line in ended.stdout.splitlines()]


def wrong(found):
    """What is wrong with one answer."""
    complaint = found["said"][max(found["said"].find("Error: "), 0) :]
    says = {
        "alarms": bool(found["alarms"]),
        "exit code": found["code"] != found["expected"],
        "not named": found["named"] not in complaint,
        "a traceback": "Traceback" in found["said"] or "bug in linesexp" in found["said"],
        "more than two lines": bool(found["code"]) and len(complaint.strip().splitlines()) > 2,
        "memory": found["megabytes"] >= MOST_MEGABYTES,
    }
    return [word for word, is_so in says.items() if is_so]


@pytest.mark.slow
@pytest.mark.parametrize("networks", [(), ("--networks",)], ids=["files", "networks"])
def test_hostile_files_do_nothing_and_are_named(networks, tiny_run, tmp_path, environment):
    found = open_all(tiny_run, tmp_path / "hostile", environment, *networks, "--quick")
    assert len(found) > 20
    assert not [(each["case"], wrong(each), each) for each in found if wrong(each)]


@pytest.mark.hours
@pytest.mark.parametrize("networks", [(), ("--networks",)], ids=["files", "networks"])
def test_all_hostile_files_do_nothing_and_are_named_in_time(networks, tiny_run, tmp_path, environment, figure):
    """Time is the processor's, beyond imports."""
    found = open_all(tiny_run, tmp_path / "hostile", environment, *networks)
    most = {key: max(found, key=lambda each: each[key]) for key in ("megabytes", "seconds")}
    told = ", ".join(f"at most {each[key]} {key} ({each['case']})" for key, each in most.items())
    figure(f"{len(found)} hostile files: {told}")
    assert not [(each["case"], wrong(each), each) for each in found if wrong(each)]
    assert not [(each["case"], each["seconds"]) for each in found if each["seconds"] >= MOST_SECONDS]
