"""On paper: what was chosen, all of it, and nothing that only a hand can use."""

import pytest

pytestmark = pytest.mark.xdist_group("browser")

PAPER = 700  # px that A4 leaves between its margins
REACHING_OUT = """() => [...document.querySelectorAll("body *")].filter((one) => {
  const box = one.getBoundingClientRect();
  return box.width && box.right > innerWidth + 1 && !one.closest("svg");
}).map((one) => one.outerHTML.slice(0, 80))"""


@pytest.fixture(params=["light", "dark"])
def paper(request, lab):
    """The page as it is printed, of a reader with this colour scheme."""
    lab.set_viewport_size({"width": PAPER, "height": 1000})
    lab.emulate_media(media="print", color_scheme=request.param)
    return lab


def test_paper_is_white_has_no_controls_and_cuts_nothing_off(paper):
    assert paper.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert paper.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert paper.locator("#laboratory :is(input, select, label):visible").count() == 0
    assert paper.locator("nav:visible, #lab-stage:visible, #lab-share:visible").count() == 0
    buttons = paper.locator("button:visible").evaluate_all("all => all.map((one) => one.className)")
    assert set(buttons) <= {"lab-tile", "lab-tile lab-silent", ""}  # maps, kernels; channels of a sum have none
    for part in ("classes", "layers", "arithmetic", "bench", "comparison"):
        assert paper.locator(f"#lab-{part}").is_visible()
    assert paper.evaluate(REACHING_OUT) == []


def test_a_claim_is_printed_with_what_would_refute_it(paper):
    claims = paper.locator(".claim")
    assert claims.locator("dl").first.bounding_box()["height"] > 20
    assert "refuted by" in claims.first.inner_text()
    assert paper.get_by_role("link", name="Try it in the laboratory").locator("visible=true").count() == 0


def test_a_pdf_comes_of_it(paper):
    data = paper.pdf(format="A4")
    assert data.startswith(b"%PDF")
    assert 5 < data.count(b"/Type /Page\n") < 40
