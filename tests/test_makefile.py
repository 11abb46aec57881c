"""`make experiment`: what it runs, in which order, and what a study that fails leaves."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOGS = """#!/bin/sh
printf '%s|' "$(basename "$0")" "$@" >> log
echo >> log
test "$1" != study || exit $STUDY_ENDS
"""


@pytest.fixture
def make(tmp_path):
    """make("experiment", …): the exit code, what was run as lists of words, and stderr."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("setup.cfg", "pyproject.toml", "constraints.txt", ".venv/bin/linesexp", ".venv/bin/python"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(LOGS)
        (tmp_path / name).chmod(0o755)
    (tmp_path / ".venv/ready").touch()

    def run(*words, study_ends=0):
        environment = {name: value for name, value in os.environ.items() if name not in ("RUN", "STUDY")}
        ended = subprocess.run(
            ["make", *words],
            cwd=tmp_path,
            env=environment | {"STUDY_ENDS": str(study_ends), "LC_ALL": "C"},
            capture_output=True,
            text=True,
        )
        log = tmp_path / "log"
        ran = [line.split("|")[:-1] for line in log.read_text().splitlines()]
        log.unlink()
        return ended.returncode, ran, ended.stderr

    return run


def first_page(run):
    return [
        ["linesexp", "generate", run],
        ["linesexp", "train", run],
        ["python", "scripts/compare_prewitt.py", run],
        ["python", "scripts/make_gifs.py", run],
        ["linesexp", "report", run],
    ]


@pytest.mark.parametrize(
    ("words", "run", "study"),
    [
        ([], "results/default", "results/study"),
        (["RUN=results/my run; it's $$HOME"], "results/my run; it's $HOME", "results/study"),
        (["RUN=mine/"], "mine/", "./study"),
    ],
    ids=["default", "any name", "here"],
)
def test_the_page_comes_first_then_the_study_then_the_page_with_it(words, run, study, make):
    code, ran, stderr = make("experiment", *words)
    assert code == 0, stderr
    shows = ["linesexp", "report", run]
    assert ran == [*first_page(run), ["linesexp", "study", study, "--block-size", "4"], shows]


def test_a_study_that_fails_leaves_the_page_and_its_exit_code(make):
    code, ran, stderr = make("experiment", study_ends=6)
    assert code != 0
    assert stderr.splitlines()[-1].endswith("Error 6")
    assert "page" in stderr.splitlines()[0]
    assert ran[:-1] == first_page("results/default")


def test_a_large_study_goes_where_it_is_told(make):
    code, ran, _ = make("study", "STUDY=my results/large")
    assert code == 0
    assert ran == [["linesexp", "study", "my results/large", "--seeds", "100", "--conditions", "all"]]
