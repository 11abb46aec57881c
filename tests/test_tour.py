"""scripts/tour.ipynb: a class runs it from top to bottom, and it is stored without what came out."""

import warnings
from pathlib import Path

import nbformat
import pytest

from linesexp import open_run

TOUR = Path(__file__).parents[1] / "scripts/tour.ipynb"
# First in the kernel: what warns is an error there too.
STRICT = (
    "import warnings\nwarnings.simplefilter('error')\n"
    "warnings.filterwarnings('ignore', '__array__ implementation', DeprecationWarning)  # Keras, as it saves"
)


@pytest.fixture(scope="module")
def tour():
    return nbformat.read(TOUR, as_version=4)


@pytest.fixture(scope="module")
def executed(tour, tmp_path_factory, environment):
    """(folder it ran in, its code cells by their source, outputs and all)"""
    import nbclient

    folder = tmp_path_factory.mktemp("tour")
    strict = nbformat.v4.new_code_cell(STRICT)
    notebook = tour.copy() | {"cells": [strict, *tour.cells]}
    with warnings.catch_warnings():
        warnings.simplefilter("default")  # Jupyter's own
        client = nbclient.NotebookClient(
            nbformat.from_dict(notebook),
            timeout=300,
            kernel_name="python3",
            resources={"metadata": {"path": str(folder)}},
        )
        done = client.execute(env=environment | {"IPYTHONDIR": str(folder / "ipython")})
    return folder, [cell for cell in done.cells[1:] if cell.cell_type == "code"]


def cell_with(cells, words):
    (found,) = (cell for cell in cells if words in cell.source)
    return found


def outputs(cell, kind):
    """What a cell shows as this media type; `text` is what it printed."""
    if kind == "text":
        return "".join(output.text for output in cell.outputs if output.output_type == "stream")
    return [output.data[kind] for output in cell.outputs if kind in output.get("data", {})]


def test_it_is_a_notebook_without_outputs(tour):
    nbformat.validate(tour)
    assert tour.metadata.kernelspec.name == "python3"
    assert len({cell.id for cell in tour.cells}) == len(tour.cells)
    for cell in tour.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
            assert cell.metadata == {}


def test_it_can_be_read_in_one_sitting(tour):
    code = [cell.source.splitlines() for cell in tour.cells if cell.cell_type == "code"]
    assert len(code) <= 12
    assert max(map(len, code)) <= 8


def test_it_is_written_as_jupyter_writes_it(tour):
    """So that opening and saving it changes nothing but outputs."""
    assert nbformat.writes(tour) + "\n" == TOUR.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.xdist_group("tour")
def test_every_cell_runs_and_nothing_warns(executed):
    _, cells = executed
    for cell in cells:
        assert cell.execution_count
        assert not [output for output in cell.outputs if output.get("name") == "stderr"]


@pytest.mark.slow
@pytest.mark.xdist_group("tour")
def test_each_figure_is_shown_once(executed):
    _, cells = executed
    for cell in cells:
        shows = any(words in cell.source for words in ("run.plot.", "plt.subplots"))
        assert len(outputs(cell, "image/png")) == int(shows), cell.source


@pytest.mark.slow
@pytest.mark.xdist_group("tour")
def test_the_run_shows_its_card_and_its_gif(executed):
    folder, cells = executed
    (card,) = outputs(cell_with(cells, "make_report"), "text/html")
    after = open_run(folder / "results/tour").analysis.after
    assert f"trained {after.accuracy:.3f} ({after.correct} of {after.pictures})" in card
    assert "data:image/png;base64," in card
    (gif,) = outputs(cell_with(cells, "run.gif"), "text/html")
    assert "data:image/gif;base64," in gif


@pytest.mark.slow
@pytest.mark.xdist_group("tour")
def test_what_it_prints_are_the_runs_numbers(executed):
    folder, cells = executed
    analysis = open_run(folder / "results/tour").analysis
    likeness = outputs(cell_with(cells, "chance.any"), "text")
    for kernel in analysis.kernels:
        assert f"kernel {kernel.index}: {kernel.match.operator}" in likeness
        assert f"|cosine| {abs(kernel.match.cosine):.2f}" in likeness
    ledger = outputs(cell_with(cells, "analysis.ledger"), "text")
    assert all(f"{judgement.verdict}: {judgement.claim}" in ledger for judgement in analysis.ledger)


@pytest.mark.slow
@pytest.mark.xdist_group("tour")
def test_the_exercise_trains_another_run(executed):
    folder, _ = executed
    tour, other = (open_run(folder / "results" / name) for name in ("tour", "tour-decay"))
    assert other.config.network.weight_decay == 0.01
    assert (other.kernels[-1] != tour.kernels[-1]).any()
    assert (other.kernels[0] == tour.kernels[0]).all()
