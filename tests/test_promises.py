"""README's table of promises: each line names tests that are there, and what they counted."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
README = (TESTS.parent / "README.md").read_text(encoding="utf-8")
TABLE = README.partition("## What it promises")[2].partition("\n## ")[0]
PROMISES = [line.strip("| ").split(" | ") for line in TABLE.splitlines() if line.startswith("|")][2:]


@cache
def names_in(file):
    """Names of a file's tests."""
    path = TESTS / file
    assert path.is_file(), file
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {part.name for part in tree.body if isinstance(part, ast.FunctionDef)}


def test_the_table_is_read():
    assert len(PROMISES) >= 12
    assert all(len(line) == 3 for line in PROMISES)


@pytest.mark.parametrize("line", PROMISES, ids=lambda line: line[0].partition(":")[0][:40])
def test_each_promise_names_tests_that_are_there(line):
    promise, tested_by, counted = line
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", tested_by)
    assert named
    assert re.sub(r"`[\w/]+\.py::\w+`(, )?", "", tested_by) == ""
    assert promise
    assert re.search(r"\d", counted)
    for file, name in named:
        assert name in names_in(file), f"{file} has no test {name}"
