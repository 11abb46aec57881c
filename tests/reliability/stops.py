"""A command in a process group of its own that gets signals, and what one sees of it from outside."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 120.0  # seconds until a stage is reached; then something else is wrong
SOON = 5.0  # seconds in which what a process has started must have ended after it


@dataclass(frozen=True)
class Stopped:
    """How it ended. answered: seconds from the first signal to its answer; ended: to its end."""

    code: int
    said: str
    answered: float
    ended: float
    orphans: list[int]


def stop(
    words: list[str],
    place: Path,
    environment: dict[str, str],
    numbers: list[signal.Signals],
    until: Callable[[str], bool],
    after: float = 0.0,
) -> Stopped | None:
    """Run a command until what it says satisfies `until`, and a while longer; then send signals, 0.5 s apart.

    None if it had ended by then.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "linesexp", *words],
        cwd=place,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        # Even where the tests run in the background, whose processes ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stderr is not None
    handle, said = process.stderr.fileno(), b""

    def listen(seconds: float) -> bool:
        """Wait so long for more words; False once there are none any more."""
        nonlocal said
        if select.select([handle], [], [], max(0.0, seconds))[0]:
            more = os.read(handle, 65536)
            said += more
            return bool(more)
        return True

    try:
        latest = time.monotonic() + PATIENCE
        while not until(said.decode(errors="replace")):
            if not listen(0.01):
                process.wait()
                return None
            assert time.monotonic() < latest, said
        begin = time.monotonic() + after
        while time.monotonic() < begin:
            if not listen(min(0.005, begin - time.monotonic())):
                process.wait()
                return None
        before, first, answered = len(said), time.monotonic(), float("nan")
        due = [(first + 0.5 * index, number) for index, number in enumerate(numbers)]
        while process.poll() is None:
            while due and time.monotonic() >= due[0][0]:
                os.kill(process.pid, due.pop(0)[1])
            talking = listen(0.005)
            if answered != answered and b"stop" in said[before:]:
                answered = time.monotonic() - first
            if not talking:
                time.sleep(0.005)
            assert time.monotonic() < first + PATIENCE, said
        ended = time.monotonic() - first
        while listen(0) and select.select([handle], [], [], 0)[0]:
            pass
        return Stopped(process.returncode, said.decode(), answered, ended, _left_of(process.pid))
    finally:
        process.kill()
        process.communicate()


def _left_of(leader: int) -> list[int]:
    """Processes of a session that still run a while after its leader has ended."""
    latest = time.monotonic() + SOON
    while (found := _session(leader)) and time.monotonic() < latest:
        time.sleep(0.02)
    return found


def _session(leader: int) -> list[int]:
    """Processes of a session that still run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == leader and fields[0] != "Z":
            found.append(int(path.parent.name))
    return found
