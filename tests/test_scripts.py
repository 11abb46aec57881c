"""The scripts: short programs over the public API, for people to read and change."""

from pathlib import Path

import pytest

from linesexp import open_run

SCRIPTS = Path(__file__).parents[1] / "scripts"
NAMES = ("compare_prewitt.py", "make_gifs.py")


@pytest.fixture
def execute(run_script, tmp_path):
    return lambda name, *arguments: run_script(SCRIPTS / name, *arguments, cwd=tmp_path)


@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.py")), ids=lambda path: path.name)
def test_a_script_can_be_read_in_one_sitting(script):
    lines = script.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 40
    assert "Usage: python scripts/" in "\n".join(lines[:6])


def test_there_are_the_scripts_that_these_tests_run():
    assert set(NAMES) <= {path.name for path in SCRIPTS.glob("*.py")}


@pytest.mark.parametrize("name", NAMES)
def test_without_a_run_a_script_names_the_command_that_makes_one(name, execute, tmp_path):
    ended = execute(name)
    assert ended.returncode != 0
    assert ended.stderr.startswith("Error: ")
    assert "results/default" in ended.stderr
    assert "linesexp generate" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_compare_prewitt_prints_a_row_for_each_kernel_and_makes_its_figures(execute, run):
    figures = [run / "figures/similarity.png", run / "figures/kernels_before_after.png"]
    expected = [figure.read_bytes() for figure in figures]
    for figure in figures:
        figure.unlink()
    ended = execute("compare_prewitt.py", run)
    assert ended.returncode == 0, ended.stderr
    header, *rows = ended.stdout.splitlines()
    assert header.split()[0] == "kernel"
    for row, kernel in zip(rows, open_run(run).analysis.kernels, strict=False):
        cells = row.split()
        assert cells[0] == str(kernel.index)
        assert cells[1] == kernel.match.operator
        assert f"{kernel.match.cosine:+.2f}" in cells
        assert f"{kernel.match.p_initialiser:.4f}" in cells
    assert [row.split()[0] for row in rows[:5]] == ["0", "1", "2", "3", "chance:"]
    assert [figure.read_bytes() for figure in figures] == expected


def test_make_gifs_makes_what_is_missing_and_says_what_there_is(execute, run):
    expected = (run / "gifs/kernels.gif").read_bytes()
    (run / "gifs/kernels.gif").unlink()
    ended = execute("make_gifs.py", run)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == [
        f"{run}/gifs/kernels.gif: 4 frames",
        f"{run}/gifs/responses.gif: 4 frames (was current)",
        f"{run}/gifs/conv2.gif: 4 frames (was current)",
    ]
    assert (run / "gifs/kernels.gif").read_bytes() == expected


@pytest.mark.slow
def test_own_model_records_a_model_and_names_the_next_command(execute, tmp_path):
    ended = execute("own_model.py")
    assert ended.returncode == 0, ended.stderr
    history = open_run(tmp_path / "results/own-model").history
    said = f"recorded {len(history.steps)} steps; next: linesexp report results/own-model"
    assert ended.stdout.splitlines()[-1] == said
    assert history.steps[-1] == 10
    accuracies = [
        float(line.split("val_accuracy: ")[1].split()[0]) for line in ended.stdout.splitlines()[1:20:2]
    ]
    assert accuracies[-1] > 0.9  # there is something to watch
