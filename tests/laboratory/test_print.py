"""On paper: what was chosen, all of it, and nothing that only a hand can use."""

import re

import pytest

pytestmark = pytest.mark.xdist_group("browser")

PAPER = 700  # px that A4 leaves between its margins
REACHING_OUT = """() => [...document.querySelectorAll("body *")].filter((one) => {
  const box = one.getBoundingClientRect();
  return box.width && box.right > innerWidth + 1 && !one.closest("svg");
}).map((one) => one.outerHTML.slice(0, 80))"""


@pytest.fixture
def paper(lab):
    """The page as it is printed, of a reader whose screen is dark."""
    lab.set_viewport_size({"width": PAPER, "height": 1000})
    lab.emulate_media(media="print", color_scheme="dark")
    return lab


def test_paper_is_white_has_no_controls_and_cuts_nothing_off(paper):
    assert paper.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert paper.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert paper.locator("#laboratory :is(input, select, label):visible").count() == 0
    assert paper.locator("nav:visible, #lab-share:visible").count() == 0
    buttons = paper.locator("button:visible").evaluate_all("all => all.map((one) => one.className)")
    assert set(buttons) <= {"lab-tile", "lab-tile lab-silent", ""}  # maps, kernels; channels of a sum have none
    for part in ("classes", "layers", "arithmetic", "bench", "comparison", "stage"):
        assert paper.locator(f"#lab-{part}").is_visible()
    assert paper.evaluate(REACHING_OUT) == []


BROKEN_WORDS = """() => {
  const broken = [];
  const walker = document.createTreeWalker(document.getElementById("laboratory"), NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.parentElement.checkVisibility() || node.parentElement.closest("script, style")) continue;
    for (const { 0: word, index } of node.data.matchAll(/\\p{L}+/gu)) {
      const range = document.createRange();
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      if (new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size > 1) broken.push(word);
    }
  }
  return broken;
}"""


def test_no_word_breaks_in_its_middle(paper):
    for layer in ("conv1", "dense"):
        paper.locator("#lab-arithmetic select").first.evaluate(
            "(one, layer) => { one.value = layer; one.dispatchEvent(new Event('change')); return settled(); }",
            layer,
        )
        assert paper.evaluate(BROKEN_WORDS) == []


def test_what_is_counted_is_counted_to_the_end(lab):
    words = lab.evaluate(
        """async () => {
          const { experiment, state } = laboratory;
          const { values } = experiment.kernelLayers[0].kernelAt(0, experiment.noEdits, 0);
          state.set({edits: {0: {values: values.map((value) => 2 * value), bias: 0.25}}});
          await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
          const counted = () => [...document.querySelectorAll("#lab-bench table")].at(-1).innerText;
          const before = counted();
          dispatchEvent(new Event("beforeprint"));
          return [before, counted()];
        }"""
    )
    assert "…" in words[0]  # the count waits for the reader to rest
    assert "…" not in words[1]
    assert "so far" not in words[1]
    assert len(re.findall(r"\d+ of \d+", words[1])) == 3


def test_the_stage_is_printed_with_its_numbers_and_formula(paper):
    stage = paper.locator("#lab-stage")
    assert stage.locator("svg:visible").count() == 2
    assert stage.locator(".lab-count:visible").count() == 7**2
    assert "= 5, so the result is 5×5." in stage.inner_text()
    assert "Each number says how many results that cell is part of." in stage.inner_text()


def test_a_claim_is_printed_with_what_would_refute_it(paper):
    claims = paper.locator(".claim")
    assert claims.locator("dl").first.bounding_box()["height"] > 20
    assert "refuted by" in claims.first.inner_text()
    assert paper.get_by_role("link", name="Try it in the laboratory").locator("visible=true").count() == 0


@pytest.mark.slow
def test_a_pdf_comes_of_it(paper):
    data = paper.pdf(format="A4")
    assert data.startswith(b"%PDF")
    assert 5 < data.count(b"/Type /Page\n") < 40
