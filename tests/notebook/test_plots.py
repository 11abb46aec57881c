"""run.plot: the report's figures as Axes, each of which pyplot knows of once."""

import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.axes import Axes

from linesexp import open_run
from linesexp.errors import InputError
from linesexp.runs.folder import MissingFile, RunFolder
from linesexp.runs.steps import StepWriter
from linesexp.views.style import figure_of, png_bytes
from linesexp.views.weights import MOST, draw_kernels, draw_weights, weights_page

REPORTED = {  # method: its file in the report, and the shape of its Axes
    "training": ("training", (2,)),
    "before_after": ("kernels_before_after", (3, 4)),
    "similarity": ("similarity", (2,)),
    "compositions": ("compositions", (2, 4)),
    "operators": ("operators", (9,)),
    "course": ("course", (4,)),
    "tuning": ("tuning", ()),
    "responses": ("responses", (6, 7)),
    "walkthrough": ("walkthrough", (7,)),
}


@pytest.fixture(autouse=True)
def no_window(monkeypatch):
    matplotlib.use("agg")
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def opened(tiny_run):
    return open_run(tiny_run)


@pytest.mark.parametrize("name", REPORTED)
def test_a_figure_is_that_of_the_report_and_known_to_pyplot_once(opened, name):
    file, shape = REPORTED[name]
    axes = getattr(opened.plot, name)()
    assert np.shape(axes) == shape
    assert all(isinstance(each, Axes) for each in np.ravel(axes))
    assert [pyplot.figure(number) for number in pyplot.get_fignums()] == [figure_of(axes)]
    assert png_bytes(axes) == opened.folder.read(f"figures/{file}.png")


def test_all_figures_of_the_report_can_be_had(opened):
    there = {
        name.removeprefix("figures/").removesuffix(".png") for name in opened.folder.names(prefix="figures/")
    }
    sheets = {"conv2"}  # every channel of a layer: run.plot.weights draws those of any layer
    assert there - sheets == {file for file, _ in REPORTED.values()}
    assert all(f"{name}()" in repr(opened.plot) for name in REPORTED)


@pytest.mark.parametrize(
    "draw",
    [
        lambda plot, **where: plot.kernels(0, **where),
        lambda plot, **where: plot.weights("conv2", **where),
        lambda plot, **where: plot.weights("dense/bias", **where),
        lambda plot, **where: plot.log("accuracy", **where),
    ],
)
def test_what_fills_one_pair_of_axes_is_drawn_where_asked(opened, draw):
    figure, (ax, other) = pyplot.subplots(1, 2)
    assert draw(opened.plot, ax=ax) is ax
    assert pyplot.get_fignums() == [figure.number]
    assert ax.has_data()
    assert not other.has_data()
    pyplot.close("all")
    assert isinstance(draw(opened.plot), Axes)
    assert len(pyplot.get_fignums()) == 1


def test_the_panels_hold_the_arrays(opened):
    drawn = opened.plot.before_after()
    for row, step in ((0, 0), (1, -1)):
        for index, axes in enumerate(drawn[row]):
            np.testing.assert_array_equal(axes.images[0].get_array(), opened.kernels[step, index])


def test_kernels_of_every_step_share_a_scale(opened):
    limits = {opened.plot.kernels(step).images[0].get_clim() for step in range(4)}
    largest = np.abs(opened.kernels).max()
    np.testing.assert_allclose(list(limits), [(-largest, largest)])


@pytest.mark.parametrize("count", [1, 3, 16, 65])
def test_each_kernel_is_a_tile_of_its_own(count):
    kernels = np.arange(count * 9, dtype=np.float32).reshape(count, 3, 3)
    axes = weights_page(kernels.shape, 5.0)
    draw_kernels(axes, kernels, 5.0, "title")
    sheet = axes.images[0].get_array()
    assert sorted(sheet.compressed().tolist()) == list(range(count * 9))
    for index, text in enumerate(axes.texts):
        assert text.get_text() == str(index)
        column, row = (round(at + 0.6) for at in text.get_position())
        np.testing.assert_array_equal(sheet[row : row + 3, column : column + 3], kernels[index])
    assert len(axes.texts) == (count if count <= 64 else 0)


@pytest.mark.parametrize("shape", [(), (4,), (6, 4), (3, 2, 4), (3, 3, 2, 4), (2, 3, 3, 2, 4)])
def test_weights_of_any_shape_are_shown_whole(shape):
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    axes = weights_page(shape if len(shape) != 3 else (1, 1), 2.0)
    draw_weights(axes, values, 2.0, "title")
    shown = axes.images[0].get_array()
    shown = shown.compressed() if np.ma.isMaskedArray(shown) else shown.ravel()
    np.testing.assert_array_equal(np.sort(shown), np.sort(values.ravel()))
    assert png_bytes(axes)


def test_of_very_many_kernels_the_first_are_shown_and_it_says_so():
    values = np.ones((3, 3, 200, 100), np.float32)
    axes = weights_page(values.shape, 1.0)
    draw_weights(axes, values, 1.0, "title")
    assert axes.images[0].get_array().count() == MOST * MOST * 9
    assert axes.get_xlabel() == "kernel (the first 32 of 100)"
    assert axes.get_ylabel() == "incoming map (the first 32 of 200)"


def test_a_picture_of_ones_own_goes_through_the_network(opened):
    pictures, _ = opened.dataset.part("test")
    axes = opened.plot.walkthrough(pictures[3][..., 0])
    np.testing.assert_array_equal(axes[0].images[0].get_array(), pictures[3][..., 0])
    assert any("your own" in text.get_text() for text in figure_of(axes).texts)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda plot: plot.walkthrough(np.zeros((9, 20))), r"\(9, 20\): the network takes \(20, 20, 1\)"),
        (lambda plot: plot.walkthrough(np.full((20, 20), 255)), "255 to 255: the network takes 0 to 1"),
        (lambda plot: plot.kernels(99), "the run has 4, 0 to 3"),
        (lambda plot: plot.kernels(-5), "the run has 4, 0 to 3"),
        (lambda plot: plot.weights("conv9"), "'conv9': no layer's weights"),
        (lambda plot: plot.log("los"), "the log has loss and accuracy"),
    ],
)
def test_what_cannot_be_drawn_says_what_could_and_leaves_no_figure(opened, call, words):
    with pytest.raises(InputError, match=words):
        call(opened.plot)
    assert not pyplot.get_fignums()


def test_without_a_report_figures_of_its_measures_name_the_command(run):
    folder = RunFolder(run)
    with folder.writing():
        folder.forget(["analysis.json"])
    with pytest.raises(MissingFile, match=f"linesexp report {run}"):
        open_run(run).plot.similarity()
    assert not pyplot.get_fignums()


def test_a_recording_shows_its_kernels_and_weights(tmp_path):
    folder = RunFolder(tmp_path / "mine")
    kernels = np.random.default_rng(0).normal(size=(3, 3, 3, 6)).astype(np.float32)
    with folder.writing():
        StepWriter(folder).save(0.0, {"stem/kernel": kernels})
    plot = open_run(folder.path).plot
    assert plot.kernels().images[0].get_array().count() == 6 * 9
    assert plot.weights("stem").images[0].get_array().count() == kernels.size
    assert "kernels(), weights(), operators()" in repr(plot)
    assert "training" not in repr(plot)


def test_what_a_recording_cannot_show_is_said_with_what_it_can(tmp_path):
    folder = RunFolder(tmp_path / "mine")
    with folder.writing():
        StepWriter(folder).save(0.0, {"stem/kernel": np.ones((3, 3, 1, 2), np.float32)})
    plot = open_run(folder.path).plot
    for name in REPORTED.keys() - {"operators"}:
        with pytest.raises(
            InputError, match=r"of it there are plot.kernels, plot.weights, .*run\.gif"
        ) as caught:
            getattr(plot, name)()
        assert "\n" not in str(caught.value)
        assert not pyplot.get_fignums()


def test_two_runs_can_be_compared_on_one_scale(opened):
    figure, (left, right) = pyplot.subplots(1, 2)
    for ax, draw in ((left, opened.plot.kernels), (right, lambda **how: opened.plot.weights("conv2", **how))):
        draw(ax=ax, limit=0.5)
        assert ax.images[0].get_clim() == (-0.5, 0.5)
        (scale,) = ax.child_axes
        assert scale.get_ylim() == (-0.5, 0.5)
        assert [label.get_text() for label in scale.get_yticklabels()] == ["−0.5", "0", "0.5"]
    assert png_bytes(figure)
    for wrong in (0, -1, np.nan, np.inf):
        with pytest.raises(InputError, match="limit must be above 0"):
            opened.plot.kernels(limit=wrong)


def test_maps_and_kernels_have_their_numbers(opened):
    axes = opened.plot.weights("conv2")
    across, down = axes.get_xticks(), axes.get_yticks()
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "1", "2", "3"]
    assert list(across) == list(down) == [1, 5, 9, 13]  # middles of 3×3 tiles, one apart
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("kernel", "incoming map")
    many = np.zeros((3, 3, 1, 200), np.float32)
    axes = pyplot.figure().add_subplot()
    draw_weights(axes, many, 1.0, "")
    assert axes.get_xlabel() == f"kernel (the first {MOST} of 200)"
    assert len(axes.get_xticks()) <= 16


@pytest.mark.slow
def test_neither_opening_a_run_nor_its_report_touches_pyplot(run, environment):
    code = (
        "import sys, linesexp\n"
        f"run = linesexp.open_run({str(run)!r}); run.kernels, run.history\n"
        "assert 'matplotlib' not in sys.modules\n"
        "run.folder.path.joinpath('figures/tuning.png').unlink()\n"
        f"linesexp.make_report({str(run)!r}); run._repr_html_(); run.gif('kernels')\n"
        "assert 'matplotlib' in sys.modules\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, timeout=120)
