"""One writer a folder: of two that come at once one wins, and the other says who; no lock is stale."""

import json
import socket
import subprocess
import sys

import pytest

RACE = """
import json, os, signal, sys, time
from linesexp.errors import FolderBusy
from linesexp.runs import RunFolder

def rival(folder, start, told):
    os.read(start, 1)
    began = time.monotonic()
    try:
        with RunFolder(folder).writing():
            os.write(told, (json.dumps({"won": True, "pid": os.getpid()}) + "\\n").encode())
            signal.pause()
    except FolderBusy as error:
        said = {"won": False, "said": str(error), "seconds": time.monotonic() - began}
        os.write(told, (json.dumps(said) + "\\n").encode())
        os._exit(0)

for number in range(int(sys.argv[2])):
    folder = f"{sys.argv[1]}/{number % 2}"  # half of them where a killed process has left its signature
    start, go = os.pipe()
    told, tell = os.pipe()
    rivals = []
    for _ in range(2):
        if not (child := os.fork()):
            rival(folder, start, tell)
        rivals.append(child)
    os.write(go, b"12")
    with os.fdopen(told) as lines:
        found = [json.loads(lines.readline()) for _ in range(2)]
    for child in rivals:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    for end in (start, go, tell):
        os.close(end)
    began = time.monotonic()
    with RunFolder(folder).writing() as run:
        run.commit({"made": b"whole"}, "train")
    free = time.monotonic() - began
    print(json.dumps({"rivals": rivals, "found": found, "free": free}), flush=True)
"""


@pytest.mark.parametrize("pairs", [pytest.param(6, id="6"), pytest.param(50, id="50", marks=pytest.mark.hours)])
def test_of_two_that_come_at_once_one_wins(pairs, tmp_path, environment, figure):
    """And the other one leaves, naming it; when it is killed, the folder is free."""
    ended = subprocess.run(
        [sys.executable, "-c", RACE, tmp_path, str(pairs)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr
    races = [json.loads(line) for line in ended.stdout.splitlines()]
    assert len(races) == pairs
    for race in races:
        (winner,) = (each for each in race["found"] if each["won"])
        (loser,) = (each for each in race["found"] if not each["won"])
        assert f"process {winner['pid']} on {socket.gethostname()}" in loser["said"]
    slowest = max(each["seconds"] for race in races for each in race["found"] if not each["won"])
    freed = max(race["free"] for race in races)
    assert slowest < 5  # on the busiest machine; a quiet one takes milliseconds
    assert freed < 5
    figure(
        f"{pairs} pairs, {pairs} winners; the other one leaves within {slowest:.2f} s, free {freed:.2f} s after"
    )
