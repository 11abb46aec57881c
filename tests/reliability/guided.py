"""Atheris: what hypothesis draws blindly, guided to inputs that reach lines of linesexp not reached before.

It is optional: `pip install -e '.[fuzz]'`. libFuzzer, below it, ends the process in which it runs, and says
there what it found; so it runs in a child.
"""

import multiprocessing
import os
import random
import sys
from collections.abc import Callable
from inspect import isclass, isfunction
from pathlib import Path
from types import FunctionType
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

LONGEST = 8192  # bytes from which hypothesis makes an input
FIRST = 100  # inputs of chance from which it starts; from none, it comes to large ones too late


def guided(
    strategy: st.SearchStrategy, check: Callable[[Any], None], count: int, seed: int, folder: Path
) -> int:
    """Let Atheris make `count` inputs; how many of them the strategy could make something of.

    seed: in 1 to 2**32 - 1. folder: takes its first inputs, and one that failed. Raises AssertionError where
    one did: its traceback is on stderr. ImportError: Atheris is not installed.
    """
    import atheris

    first = folder / "first"
    first.mkdir()
    chance = random.Random(seed)
    for number in range(FIRST):
        (first / str(number)).write_bytes(chance.randbytes(chance.randrange(LONGEST)))
    tried = multiprocessing.Value("q", 0)

    @settings(database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def each(value: Any) -> None:
        tried.value += 1
        check(value)

    child = os.fork()
    if child == 0:
        for function in functions_of("linesexp"):
            atheris.instrument_func(function)
        options = {
            "runs": count,
            "seed": seed,
            "max_len": LONGEST,
            "len_control": 0,
            "rss_limit_mb": 0,
            "verbosity": 0,
            "artifact_prefix": f"{folder}/",
        }
        words = ["atheris", *(f"-{name}={value}" for name, value in options.items())]
        atheris.Setup([*words, str(first)], each.hypothesis.fuzz_one_input)
        atheris.Fuzz()
        os._exit(1)  # it does not come back
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code == 0, f"Atheris ended with {code}; what it found stands on stderr"
    return tried.value


def functions_of(package: str) -> list[FunctionType]:
    """Functions and methods of all its modules that are imported now."""
    found = []
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == package:
            mine = [part for part in vars(module).values() if getattr(part, "__module__", "") == name]
            classes = [part for part in mine if isclass(part)]
            of_classes = [part for each in classes for part in vars(each).values()]
            found += [part for part in (*mine, *of_classes) if isfunction(part)]
    return found
