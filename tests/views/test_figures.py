"""Figures: they show any network, on one scale where maps are compared, and say what is silent."""

import io
import itertools

import numpy as np
import pytest
from PIL import Image

from linesexp.views.contact_sheet import SIDE, contact_sheet
from linesexp.views.figures import similarity_figure, training_figure
from linesexp.views.kernels import before_after_figure
from linesexp.views.responses import Responses, responses_figure
from linesexp.views.style import DIVERGING, figure_of, png_bytes, step_name, symmetric_limit
from linesexp.views.walkthrough import SIDE as MAP_SIDE
from linesexp.views.walkthrough import walkthrough_figure

CLASSES = ("horizontal", "vertical")
STEPS = np.array([0.0, 0.25, 1.0, 2.0])
ODD_NAMES = ("costs $5", "a_b^{c}$\\frac")  # folders may be called anything


def rng():
    return np.random.default_rng(7)


def training():
    columns = ("loss", "accuracy", "validation_loss", "validation_accuracy")
    return figure_of(
        training_figure({"step": np.arange(4.0)} | {name: rng().uniform(size=4) for name in columns})
    )


def similarity(filters=8):
    values = {name: rng().uniform(size=(len(STEPS), filters)) for name in ("vertical", "horizontal")}
    return figure_of(similarity_figure(STEPS, values, dict.fromkeys(values, (0.2, 0.4, 0.6))))


def before_after(filters=5, size=7):
    before, after, operators = rng().normal(size=(3, filters, size, size))
    return figure_of(
        before_after_figure(before, after, operators, ["prewitt 3×3\ncosine +0.90"] * filters, 2.0)
    )


def response(size=7, silent=False, preference=0.3):
    maps = []
    for _ in CLASSES:
        convolved = rng().normal(size=(12, 12))
        activated = np.zeros((12, 12)) if silent else np.maximum(convolved, 0)
        maps.append((convolved, activated, activated[::2, ::2]))
    return Responses("kernel 0\nuntrained", rng().normal(size=(size, size)), maps, preference)


def responses(size=7, rows=2, names=CLASSES):
    pictures = rng().uniform(size=(2, 20, 20))
    return figure_of(responses_figure(pictures, names, [response(size)] * rows, "relu"))


def walkthrough(filters=8, size=7, names=CLASSES):
    side = 30 - size
    layers = [
        ("conv1", rng().normal(size=(side, side, filters))),
        ("pool1", rng().normal(size=(side // 2, side // 2, filters))),
        ("flatten", rng().normal(size=filters * 9)),
        ("dense", np.full(len(names), 1 / len(names))),
    ]
    return figure_of(
        walkthrough_figure(
            rng().uniform(size=(30, 30)),
            f"a test picture, class {names[0]}",
            layers,
            names,
            "weights after epoch 2",
        )
    )


def sheet(pictures=0, names=CLASSES):
    """PNG bytes. pictures: the grey level of all of them, or (split, class) → uint8 (n, H, W, C)."""
    keys = [(split, name) for split in ("train", "test") for name in names]
    if isinstance(pictures, int):
        pictures = dict.fromkeys(keys, np.full((12, 20, 20, 1), pictures, np.uint8))
    counts = {split: dict.fromkeys(names, 345) for split in ("train", "test")}
    return contact_sheet(pictures, counts, "a note")


PICTURES = {
    "training": lambda: png_bytes(training()),
    "similarity": lambda: png_bytes(similarity()),
    "before and after": lambda: png_bytes(before_after()),
    "responses": lambda: png_bytes(responses()),
    "walkthrough": lambda: png_bytes(walkthrough()),
    "contact sheet": sheet,
}


def texts(figure):
    """Every text of a figure and its axes."""
    return [text.get_text() for part in (figure, *figure.axes) for text in part.texts]


def maps(figure):
    """(values, limits of the scale) of every map and picture that the figure shows."""
    return [(image.get_array(), image.get_clim()) for axes in figure.axes for image in axes.images]


def pixels(png):
    with Image.open(io.BytesIO(png)) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


# All of them.


def test_equal_arrays_give_an_equal_sheet():
    """Of the figures, tests/notebook asks whether they are those of the report again."""
    assert sheet() == sheet()


@pytest.mark.parametrize("make", PICTURES.values(), ids=PICTURES)
def test_nothing_is_cut_off_at_the_border(make):
    """The outermost pixels are the ground, on all four sides."""
    shown = pixels(make())
    for edge in (shown[0], shown[-1], shown[:, 0], shown[:, -1]):
        assert (edge == 255).all()


@pytest.mark.parametrize(
    ("filters", "size"),
    [(1, 3), (3, 11), *(pytest.param(20, size, marks=pytest.mark.slow) for size in (3, 11))],
)
@pytest.mark.parametrize("make", [before_after, walkthrough], ids=["before and after", "walkthrough"])
def test_networks_of_any_width_and_kernel_size_are_shown(make, filters, size):
    figure = make(filters, size)
    shown = pixels(png_bytes(figure))
    assert (shown.max(axis=2) - shown.min(axis=2) > 60).sum() > 1000 * filters
    assert "silent" not in texts(figure)


@pytest.mark.parametrize("filters", [1, 20])
def test_likeness_has_a_curve_for_each_kernel(filters):
    figure = similarity(filters)
    for axes in figure.axes:
        curves = [line for line in axes.lines if len(line.get_xdata()) == len(STEPS)]
        assert len(curves) == filters
        styles = {(line.get_color(), line.get_marker()) for line in curves[:8]}
        assert len(styles) == min(filters, 8)


@pytest.mark.parametrize("size", [3, 11])
def test_responses_of_kernels_of_any_size_are_shown(size):
    figure = responses(size, rows=1)
    png_bytes(figure)
    assert sum(values.shape == (size, size) for values, _ in maps(figure)) == 1


@pytest.mark.parametrize("make", [responses, walkthrough], ids=["responses", "walkthrough"])
def test_names_of_classes_are_shown_as_they_are_written(make):
    figure = make(names=ODD_NAMES)
    png_bytes(figure)
    labels = [label.get_text() for axes in figure.axes for label in axes.get_yticklabels()]
    assert any(ODD_NAMES[0] in text for text in [*texts(figure), *labels])


# The sheet of pictures.


def test_the_sheet_shows_the_pictures_as_they_are():
    black, white = pixels(sheet(0)), pixels(sheet(255))
    place = (black == 0).all(axis=2) & (white == 255).all(axis=2)
    assert place.sum() == 4 * 12 * SIDE * SIDE


def test_the_sheet_shows_colours():
    picture = np.broadcast_to(np.array([200, 30, 40], np.uint8), (12, 20, 20, 3))
    keys = [(split, name) for split in ("train", "test") for name in CLASSES]
    shown = pixels(sheet(dict.fromkeys(keys, picture)))
    assert (shown == [200, 30, 40]).all(axis=2).sum() == 4 * 12 * SIDE * SIDE


def test_the_sheet_shows_rows_of_different_lengths():
    rows = {
        ("train", name): np.zeros((count, 9, 9, 1), np.uint8)
        for name, count in zip(CLASSES, (12, 1), strict=True)
    }
    shown = pixels(contact_sheet(rows, {"train": dict.fromkeys(CLASSES, 12)}, "a note"))
    assert (shown == 0).all(axis=2).sum() == 13 * SIDE * SIDE


def test_the_sheet_names_classes_whatever_they_are_called():
    assert sheet(names=ODD_NAMES) != sheet()


# One scale.


def assert_one_centred_scale(found):
    """The scale reaches the largest value of all, to both sides of zero."""
    limits = {limits for _, limits in found}
    assert len(limits) == 1
    low, high = limits.pop()
    assert high == -low
    assert high == pytest.approx(max(np.abs(values).max() for values, _ in found))


def test_untrained_and_trained_kernels_share_one_scale_and_operators_have_their_own():
    before, after, operators = rng().normal(size=(3, 3, 5, 5))
    figure = figure_of(before_after_figure(before, 4 * after, 0.1 * operators, ["", "", ""], 2.0))
    shown = [(values, limits) for values, limits in maps(figure) if values.shape == (5, 5)]
    kernels = [shown[index] for index in range(9) if index % 3 < 2]
    assert_one_centred_scale(kernels)
    for index in range(2, 9, 3):
        assert_one_centred_scale([shown[index]])


def test_all_responses_share_one_scale_and_all_kernels_another():
    strong = response()
    strong = Responses(
        strong.name, 5 * strong.kernel, [tuple(9 * m for m in maps) for maps in strong.maps], strong.preference
    )
    figure = figure_of(responses_figure(rng().uniform(size=(2, 20, 20)), CLASSES, [response(), strong], "relu"))
    shown = [found for found in maps(figure) if found[0].shape in ((12, 12), (6, 6), (7, 7))]
    kernels = [found for found in shown if found[0].shape == (7, 7)]
    assert_one_centred_scale(kernels)
    assert_one_centred_scale([found for found in shown if found[0].shape != (7, 7)])


def painted(shown, share):
    """How many pixels have the colour of this share of a scale's limit, −1 … 1."""
    rgb = np.rint(np.array(DIVERGING(share / 2 + 0.5)[:3]) * 255)
    return (np.abs(shown - rgb) <= 1).all(axis=2).sum()


@pytest.mark.parametrize("limit", [0.01, 300.0])
def test_the_maps_of_a_layer_share_one_scale_and_each_layer_has_its_own(limit):
    maps = np.ones((9, 9, 3)) * [limit, limit / 2, -limit]
    layers = [("conv1", maps), ("pool1", 7 * maps), ("dense", np.array([0.5, 0.5]))]
    figure = figure_of(walkthrough_figure(np.zeros((20, 20)), "vertical", layers, CLASSES, ""))
    shown = pixels(png_bytes(figure))
    for share in (1, 0.5, -1):
        assert painted(shown, share) > 2 * 0.9 * MAP_SIDE**2


def test_the_scale_is_written_beside_the_maps():
    before, after, operators = rng().uniform(-0.1, 0.1, size=(3, 2, 3, 3))
    before[0, 0, 0] = 0.37
    figure = figure_of(before_after_figure(before, after, operators, ["", ""], 2.0))
    labels = [label.get_text() for axes in figure.axes for label in axes.get_xticklabels()]
    assert {"−0.37", "0", "0.37"} <= set(labels)


def test_the_middle_of_the_scale_is_almost_white_and_grey_readers_see_an_order():
    middle = np.array(DIVERGING(0.5)[:3])
    assert middle.min() > 0.94
    grey = DIVERGING(np.linspace(0, 1, 64))[:, :3] @ [0.299, 0.587, 0.114]
    assert (np.diff(grey[:32]) > 0).all()
    assert (np.diff(grey[32:]) < 0).all()
    assert grey[-1] - grey[0] > 0.1  # the darkest of both ends are told apart


@pytest.mark.parametrize(
    ("values", "limit"), [([1, -3], 3), ([0, 0], 1), ([np.nan, 2], 2), ([np.inf, -1], 1), ([], 1)]
)
def test_a_scale_ends_at_the_largest_finite_value_or_at_one(values, limit):
    assert symmetric_limit(np.array(values, dtype=float)) == limit


# What is silent.


@pytest.mark.parametrize("silent", [0, 3, 8])
def test_silent_maps_of_a_layer_are_marked_and_counted(silent):
    values = rng().normal(size=(9, 9, 8))
    values[..., :silent] = 0
    layers = [("conv1", values), ("dense", np.array([0.5, 0.5]))]
    figure = figure_of(walkthrough_figure(np.zeros((20, 20)), "vertical", layers, CLASSES, ""))
    assert texts(figure).count("silent") == silent
    (heading,) = (text for text in texts(figure) if text.startswith("conv1"))
    assert heading == "conv1\n8 of 9×9" + (f"\n{silent} silent" if silent else "")


def test_silent_responses_are_marked():
    figure = figure_of(
        responses_figure(
            rng().uniform(size=(2, 20, 20)), CLASSES, [response(silent=True, preference=np.nan)], "relu"
        )
    )
    # For both pictures the map after ReLU and the one after pooling, and in place of the preference.
    assert texts(figure).count("silent") == 5


def test_the_preference_is_written_with_its_sign():
    figure = figure_of(
        responses_figure(
            rng().uniform(size=(2, 20, 20)),
            CLASSES,
            [response(preference=-0.25), response(preference=0.5)],
            "relu",
        )
    )
    assert {"−0.25", "+0.50"} <= set(texts(figure))


def test_a_log_without_training_values_for_step_zero_is_drawn():
    values = np.array([np.nan, 0.5, 0.25])
    figure = figure_of(
        training_figure(
            {
                "step": np.arange(3.0),
                "validation_loss": np.array([0.7, 0.5, 0.2]),
                "validation_accuracy": values,
            }
            | {"loss": values, "accuracy": values}
        )
    )
    assert png_bytes(figure).startswith(b"\x89PNG")


@pytest.mark.parametrize("loss", [[0.69, 0.69, 0.69], [0.7, 0.9, 4.0], [0.7, np.nan, np.inf]])
def test_a_loss_that_does_not_fall_stays_in_sight_below_its_legend(loss):
    shares = np.array([0.5, 0.5, 0.5])
    log = {"loss": shares, "accuracy": shares, "validation_accuracy": shares, "validation_loss": np.array(loss)}
    axes, _ = training_figure({"step": np.arange(3.0)} | log)
    assert axes.get_ylim()[1] > 1.05 * max(value for value in loss if np.isfinite(value))
    axes.figure.canvas.draw()
    assert axes.get_legend().get_window_extent().y0 >= axes.get_window_extent().y1


@pytest.mark.parametrize(("step", "name"), [(0, "untrained"), (0.148, "epoch 0.15"), (7.0, "epoch 7")])
def test_a_step_is_named_by_its_epoch(step, name):
    assert step_name(step) == name


def test_the_probabilities_of_a_walk_are_written_beside_their_classes():
    layers = [("conv1", rng().normal(size=(9, 9, 2))), ("dense", np.array([0.125, 0.875]))]
    figure = figure_of(walkthrough_figure(np.zeros((20, 20)), "vertical", layers, CLASSES, ""))
    assert {"0.1250", "0.8750"} <= set(texts(figure))
    labels = [label.get_text() for axes in figure.axes for label in axes.get_yticklabels()]
    assert [label for label in labels if label in CLASSES] == list(CLASSES)


@pytest.mark.parametrize("classes", [2, 10])
def test_the_probabilities_of_many_classes_can_be_told_apart(classes):
    figure = walkthrough(names=tuple(f"class {index}" for index in range(classes)))
    figure.canvas.draw()
    labels = [label for axes in figure.axes for label in axes.get_yticklabels() if "class" in label.get_text()]
    assert len(labels) == classes
    boxes = [label.get_window_extent() for label in labels]
    for one, another in itertools.pairwise(sorted(boxes, key=lambda box: box.y0)):
        assert not one.overlaps(another)
