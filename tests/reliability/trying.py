"""One fault, and whether the promises hold: nothing bad, a clear error, the same command makes it good."""

import re
from pathlib import Path

from reliability.faults import Fault
from reliability.scenarios import Scenario, States, damaged_in, files_of, same_files
from warm import Ended

PROGRESS = re.compile(
    r"(epoch|file|picture|row|note:|\d+ pictures|.* was kept as|.*; set aside|training begins|"
    r".*: its ground is)"
)


def error_lines(said: str) -> list[str]:
    """What stderr holds beside progress and notes."""
    return [line for line in said.splitlines() if not PROGRESS.match(line)]


def unclear(ended: Ended) -> list[str]:
    """What is wrong with how a command ended that the disk refused: it must name a path, in one line."""
    lines = error_lines(ended.err)
    unread = ended.code == 3 and "cannot be read" in lines[-1]  # a file that is none of the run's
    wrong = [] if ended.code == 5 or unread else [f"exit code {ended.code}"]
    if len(lines) != 1 or not re.match(r"Error: \S+: \S+", lines[0]) or "bug" in ended.err:
        wrong.append(f"said {ended.err!r}")
    return wrong


def after_a_fault(
    states: States, scenario: Scenario, fault: Fault, place: Path, **how: bool
) -> list[str] | None:
    """What is wrong after this fault and the same command again; None where the fault never came."""
    expected, _ = states.undisturbed(scenario, **how)
    states.copy(scenario, place)
    before = damaged_in(place)
    ended = states.run(scenario, place, fault=fault, **how)
    if not ended.fired:
        return None
    wrong = []
    if fault.how == "KILL":
        wrong += [] if ended.code == -9 else [f"exit code {ended.code}: {ended.err}"]
    elif ended.code:
        wrong += unclear(ended)
    elif "Exception ignored" in ended.err:
        wrong.append(f"said {ended.err!r}")
    wrong += [f"damaged: {words}" for words in damaged_in(place) if words not in before]
    if ended.code or fault.how == "KILL":
        again = states.run(scenario, place, **how)
        if again.code:
            wrong.append(f"the same command again: {again.code} {again.err}")
    found = same_files(scenario, place)
    if found != expected:
        odd = {name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name)}
        wrong.append(f"in the end others than undisturbed: {sorted(odd)}")
    return [f"{' '.join(scenario.words)}: {fault}: {words}" for words in wrong]


def after_a_fault_in_reading(states: States, scenario: Scenario, fault: Fault, place: Path) -> list[str] | None:
    """The same for a command that only reads: it changes nothing."""
    states.copy(scenario, place)
    before = files_of(place)
    ended = states.run(scenario, place, fault=fault)
    if not ended.fired:
        return None
    wrong = unclear(ended) + ([] if files_of(place) == before else ["changed files"])
    return [f"{' '.join(scenario.words)}: {fault}: {words}" for words in wrong]
