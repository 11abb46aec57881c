"""Anybody can use the page: axe has no objection, in light and dark; nothing is wider than the window."""

import pytest

pytestmark = pytest.mark.xdist_group("browser")
Axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe


@pytest.fixture
def visit(browser, tiny_run):
    """visit("dark", 360): the page with its laboratory open."""
    contexts = []

    def opened(scheme, width):
        context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800})
        contexts.append(context)
        page = context.new_page()
        page.goto((tiny_run / "report.html").as_uri())
        page.locator("html[data-laboratory=open]").wait_for(state="attached")
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(visit, scheme, width):
    page = visit(scheme, width)
    page.evaluate("laboratory.state.set({twin: true})")
    found = Axe().run(page)
    assert [
        f"{each['id']}: {[node['html'][:120] for node in each['nodes']]}"
        for each in found.response["violations"]
    ] == []
    assert len(found.response["passes"]) > 20


@pytest.mark.parametrize("width", [360, 768, 1280, 1920])
def test_the_document_is_no_wider_than_the_window(visit, width):
    page = visit("light", width)
    for layer in ("conv1", "conv2", "pool1", "flatten", "dense"):
        page.evaluate("layer => laboratory.state.set({layer, map: 0, place: null})", layer)
        page.evaluate("() => new Promise(requestAnimationFrame)")
        wide, room = page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert wide <= room, layer


def test_every_control_can_be_reached_by_tab_and_has_a_name(visit):
    page = visit("light", 1280)
    controls = page.locator("#laboratory").locator(
        "button:visible, input:visible, select:visible, [tabindex='0']:visible"
    )
    nameless = controls.evaluate_all(
        """all => all.filter((one) => !(one.getAttribute("aria-label") || one.getAttribute("aria-labelledby")
           || one.labels?.length || one.textContent.trim())).map((one) => one.outerHTML.slice(0, 200))"""
    )
    assert nameless == []
    page.locator("#lab-time button").focus()
    reached = set()
    for _ in range(150):
        reached.add(
            page.evaluate(
                "document.activeElement.closest('.lab-panel, .lab-time')?.id ?? document.activeElement.tagName"
            )
        )
        page.keyboard.press("Tab")
    assert reached >= set(
        page.locator("#laboratory .lab-panel:has(button:visible, input:visible, select:visible)").evaluate_all(
            "all => all.map((one) => one.id)"
        )
    )
