"""Anybody can use the page: axe has no objection, in light and dark; nothing is wider than the window."""

import pytest

pytestmark = pytest.mark.xdist_group("browser")
Axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe


def seen(view, scheme, width):
    """The page in this colour scheme, this wide."""
    view.emulate_media(color_scheme=scheme)
    view.set_viewport_size({"width": width, "height": 800})
    return view


@pytest.mark.parametrize(("scheme", "width"), [("light", 360), ("dark", 1280)])
def test_axe_finds_no_violation(lab, scheme, width):
    page = seen(lab, scheme, width)
    page.evaluate("laboratory.state.set({twin: true})")
    page.settle()
    found = Axe().run(page)
    assert [
        f"{each['id']}: {[node['html'][:120] for node in each['nodes']]}"
        for each in found.response["violations"]
    ] == []
    assert len(found.response["passes"]) > 20


@pytest.mark.parametrize("width", [360, 768, 1280, 1920])
def test_the_document_is_no_wider_than_the_window(lab, width):
    page = seen(lab, "light", width)
    for layer in ("conv1", "conv2", "pool1", "flatten", "dense"):
        page.evaluate("layer => laboratory.state.set({layer, map: 0, place: null})", layer)
        page.settle()
        wide, room = page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert wide <= room, layer


def test_every_control_can_be_reached_by_tab_and_has_a_name(lab):
    page = seen(lab, "light", 1280)
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
