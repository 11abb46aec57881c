"""The live comparison gives the numbers of the report's own measures, at every step."""

import numpy as np
import pytest

from linesexp import open_run
from linesexp.evidence.behaviour import tuning_at
from linesexp.kernels.match import best_match, operator_bank
from linesexp.kernels.shape import shares
from linesexp.kernels.tuning import tune
from linesexp.report.likeness import NULL_STEPS, operators_of, packed_null

pytestmark = pytest.mark.xdist_group("browser")

KERNELS = 4


@pytest.fixture(scope="module")
def opened(tiny_run):
    return open_run(tiny_run)


@pytest.fixture
def measured(lab):
    """measured(module's function and arguments as JavaScript): its value in the page."""

    def of(kernels, what):
        return lab.evaluate(
            f"""async kernels => {{
              const {{ experiment }} = laboratory;
              const m = laboratory.measures;
              return kernels.map(({{values, bias}}) => {{
                const kernel = Float32Array.from(values);
                return {what};
              }});
            }}""",
            kernels,
        )

    return of


def given(opened, step):
    weights = opened.history.at(step)
    return [
        {"values": kernel.ravel().tolist(), "bias": float(bias)}
        for kernel, bias in zip(opened.kernels[step], weights["conv1/bias"], strict=True)
    ]


def show(view, step, kernel):
    steps = view.evaluate("laboratory.experiment.steps.length")
    view.choose(step=step % steps, kernel=kernel, layer="conv1", map=kernel)


STEPS = [0, 3, -1]


def test_the_best_match_is_that_of_the_report(measured, opened):
    for step in STEPS:
        expected = best_match(opened.kernels[step], operator_bank(5))
        found = measured(given(opened, step), "m.bestMatch(kernel, experiment.likeness.bank)")
        assert [match["entry"] for match in found] == expected.entry.tolist()
        np.testing.assert_allclose([match["cosine"] for match in found], expected.cosine, atol=1e-5)


def test_the_shares_are_those_of_the_report(measured, opened):
    for step in STEPS:
        expected = shares(opened.kernels[step])
        found = measured(given(opened, step), "m.energyShares(kernel, 5)")
        for name, theirs in (
            *(("dc", "dc"), ("odd", "odd"), ("even", "even")),
            *(("vertical", "axis_vertical"), ("horizontal", "axis_horizontal")),
        ):
            np.testing.assert_allclose([each[name] for each in found], getattr(expected, theirs), atol=1e-6)


def assert_tuned_alike(found, expected):
    np.testing.assert_allclose([each["bars"] for each in found], expected.bars, atol=1e-4)
    np.testing.assert_allclose([each["edges"] for each in found], expected.edges, atol=1e-4)
    for name, theirs, tolerance in (
        ("angle", "preferred_angle_deg", 0.01),
        ("choosiness", "one_minus_circular_variance", 1e-4),
        ("edge", "preferred_edge_deg", 0.01),
        ("directionIndex", "direction_index", 1e-4),
    ):
        numbers = [np.nan if each[name] is None else each[name] for each in found]
        np.testing.assert_allclose(numbers, getattr(expected, theirs), atol=tolerance)


def test_the_tuning_is_that_of_the_report(measured, opened):
    for step in STEPS:
        found = measured(given(opened, step), "m.tuningOf(kernel, 5, bias, 'relu', false)")
        assert_tuned_alike(found, tuning_at(opened, step))


def test_the_tuning_to_dark_bars_is_that_of_the_report(measured, opened):
    bias = opened.history.at(-1)["conv1/bias"]
    for activation in ("relu", "tanh"):
        found = measured(given(opened, -1), f"m.tuningOf(kernel, 5, bias, '{activation}', true)")
        assert_tuned_alike(found, tune(opened.kernels[-1], bias, activation, dark_lines=True))


def test_the_trained_kernels_p_are_those_of_the_table(lab, opened):
    for kernel in range(KERNELS):
        show(lab, -1, kernel)
        match = opened.analysis.kernels[kernel].match
        shown = lab.locator("#lab-comparison tbody td:nth-child(2)").all_inner_texts()
        assert shown == [f"{p:.4f}" for p in (match.p_initialiser, match.p_covariance, match.p_step0)]
        text = lab.locator("#lab-comparison .comparison-cosine").inner_text()
        assert text == f"{match.cosine:+.2f}".replace("-", "−")


def test_a_packed_null_unpacks_to_itself(lab, opened):
    null = np.sort(np.random.default_rng(0).uniform(0, 1, 1000))
    unpacked = lab.evaluate(
        """async ([likeness, steps]) => {
          const nulls = [{name: "x", question: "", ofTrained: false, steps}];
          const opened = await laboratory.measures.openLikeness({...likeness, nulls}, 5);
          return Array.from(opened.nulls[0].cosines);
        }""",
        [operators_of(operator_bank(5)), packed_null(null)],
    )
    np.testing.assert_allclose(unpacked, null, atol=0.51 / NULL_STEPS)


@pytest.mark.parametrize(("detects", "sign"), [("vertical", 1), ("horizontal", -1)])
def test_a_prewitt_operator_put_in_is_found_again(detects, sign, lab):
    show(lab, -1, 1)
    lab.get_by_label("Operator", exact=True).select_option("prewitt")
    lab.get_by_label("Direction", exact=True).select_option(detects)
    lab.get_by_label("Bright side", exact=True).select_option(str(sign))
    lab.press(lab.get_by_role("button", name="Put it in"))
    match = lab.evaluate(
        """() => {
          const { experiment, state, measures } = laboratory;
          const { values } = state.get("edits")[1];
          const { operator, cosine, polarity } = measures.bestMatch(values, experiment.likeness.bank);
          return { name: operator.name, detects: operator.detects, size: operator.size, cosine, polarity };
        }"""
    )
    assert match["cosine"] == pytest.approx(sign, abs=1e-6)
    assert (match["name"], match["detects"], match["size"]) == ("prewitt", detects, 5)
    assert match["polarity"] == sign
    text = lab.locator("#lab-comparison").inner_text()
    side = {"vertical": "right", "horizontal": "above"}[detects]
    assert f"prewitt 5×5; it finds {detects} edges" in text
    assert f"bright side: {side}" in text
    assert "proves nothing about learning" in text


def test_a_constant_kernel_has_no_match_and_no_p(lab):
    show(lab, -1, 0)
    lab.press(lab.get_by_role("button", name="Switch off"))
    text = lab.locator("#lab-comparison").inner_text()
    assert "no pattern to compare" in text
    assert "NaN" not in text
    assert "It answers to no bar." in text


# A ramp to the right for red, its opposite for green, nothing for blue.
RAMP = np.linspace(-0.5, 0.5, 5)[None, :, None] * np.ones((5, 1, 1)) * np.array([1, -1, 0])
PUT_IN = """([values, plane]) => laboratory.state.set({
  plane, kernel: 0, map: 0, edits: {0: {values: Float32Array.from(values), bias: -1000}}
})"""


def test_of_colours_the_mean_is_compared_first_with_its_chances_and_so_it_says(drawing, made_up):
    show(drawing, -1, 2)
    panel = drawing.locator("#lab-comparison")
    match = best_match(made_up.kernels(-1), operator_bank(5))
    assert panel.locator(".comparison-cosine").inner_text() == f"{match.cosine[2]:+.2f}".replace("-", "−")
    assert "Kernel 2, mean, " in panel.locator(".bench-status").inner_text()
    assert "All below is about the mean of the kernel’s colours" in panel.inner_text()
    assert panel.locator(".comparison-chance tbody tr:visible").count() == 3
    drawing.do(PUT_IN, [RAMP.ravel().tolist(), None])
    assert "In the mean of its colours all weights are alike, so there is no pattern" in panel.inner_text()


def test_a_colour_is_compared_alone_without_chances(drawing, made_up):
    show(drawing, -1, 2)
    panel = drawing.locator("#lab-comparison")
    weights = made_up.weights[-1]["conv1/kernel"]
    for index, name in enumerate(("red", "green", "blue")):
        drawing.press(panel.get_by_role("button", name=f"{name} of kernel 2"))
        match = best_match(weights[:, :, index].transpose(2, 0, 1), operator_bank(5))
        assert panel.locator(".comparison-cosine").inner_text() == f"{match.cosine[2]:+.2f}".replace("-", "−")
        assert f"Kernel 2, {name}, " in panel.locator(".bench-status").inner_text()
        text = panel.inner_text()
        assert f"All below is about the weights for {name} alone, without the bias." in text
        assert "No chance was measured for one colour alone, so there is no p." in text
        assert panel.locator(".comparison-chance:visible").count() == 0
        meters = panel.locator("meter").evaluate_all("all => all.map((one) => one.value)")
        expected = shares(weights[None, :, :, index, 2])
        np.testing.assert_allclose(meters, [expected.odd[0], expected.even[0], expected.dc[0]], atol=1e-5)
    drawing.locator("#lab-share select").select_option("polars")
    with drawing.expect_download() as waiting:
        drawing.locator("#lab-share").get_by_role("button", name="SVG", exact=True).click()
    assert waiting.value.suggested_filename.startswith("directions-of-kernel-2-blue-epoch-")


def test_a_colour_answers_to_directions_without_the_bias(drawing):
    """A ramp alone answers to edges towards its bright side; with this bias it would answer to nothing."""
    for plane, towards in ((1, 0), (2, 180)):
        drawing.do(PUT_IN, [RAMP.ravel().tolist(), plane])
        words = drawing.locator("#lab-comparison").inner_text()
        assert f"edge gets brighter towards {towards}°" in words


def test_a_run_that_sees_grey_has_no_parts_to_choose_from(lab):
    show(lab, -1, 0)
    assert lab.locator("#lab-comparison .lab-tiles").count() == 1
    assert "All below is about" not in lab.locator("#lab-comparison").inner_text()


def test_a_strip_of_kernels_is_one_stop_of_the_keyboard(lab):
    for part in ("bench", "comparison"):
        show(lab, -1, 2)
        tiles = lab.locator(f"#lab-{part} .lab-tiles").first.locator("button")
        stops = tiles.evaluate_all("all => all.map((one) => one.tabIndex)")
        assert stops == [-1, -1, 0, -1]
        tiles.nth(2).focus()
        lab.keyboard.press("ArrowRight")
        assert tiles.nth(3).evaluate("one => one === document.activeElement")
        lab.keyboard.press("Enter")
        lab.settle()
        assert lab.evaluate("laboratory.state.get('kernel')") == 3


def test_the_numbers_follow_the_slider(lab, opened):
    for step in (0, -1):
        show(lab, step, 2)
        cosine = best_match(opened.kernels[step], operator_bank(5)).cosine[2]
        shown = lab.locator("#lab-comparison .comparison-cosine").inner_text()
        assert shown == f"{cosine:+.2f}".replace("-", "−")
        hint = "at this step take it as a hint only"
        assert (hint in lab.locator("#lab-comparison").inner_text()) == (step == 0)


def test_the_curves_say_the_logs_numbers_at_the_slider(lab, opened):
    show(lab, 0, 0)
    log = opened.log
    captions = [each.inner_text() for each in lab.locator(".lab-curves figcaption").all()]
    assert captions == [
        f"{name}: training {log[column][0]:.3f}, validation (dashed) {log['validation_' + column][0]:.3f}"
        for name, column in (("Loss", "loss"), ("Accuracy", "accuracy"))
    ]
    show(lab, 1, 0)
    assert "not at this step" in lab.locator(".lab-curves").inner_text()


def test_the_kernel_chosen_is_the_layers_map(lab):
    lab.press(lab.locator("#lab-layers .lab-tile").nth(2))
    assert lab.locator("#lab-bench .lab-tile").nth(2).get_attribute("aria-pressed") == "true"
    lab.press(lab.locator("#lab-comparison .lab-tile").nth(3))
    assert lab.evaluate("[laboratory.state.get('map'), laboratory.state.get('kernel')]") == [3, 3]


def test_operators_of_very_large_kernels_stay_out_of_the_page():
    assert operators_of(operator_bank(19)) is not None
    assert operators_of(operator_bank(41)) is None
