"""Anybody can use the page: axe has no objection, in light and dark; nothing is wider than the window."""

import pytest

pytestmark = pytest.mark.xdist_group("browser")
Axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe


def seen(view, scheme, width):
    """The page in this colour scheme, this wide."""
    if scheme != "light":
        view.emulate_media(color_scheme=scheme)
    view.set_viewport_size({"width": width, "height": 800})
    return view


@pytest.mark.parametrize(
    ("scheme", "width"), [("dark", 360), pytest.param("light", 1280, marks=pytest.mark.slow)]
)
def test_axe_finds_no_violation(lab, scheme, width):
    page = seen(lab, scheme, width)
    page.choose(twin=True)
    found = Axe().run(page)
    assert [
        f"{each['id']}: {[node['html'][:120] for node in each['nodes']]}"
        for each in found.response["violations"]
    ] == []
    assert len(found.response["passes"]) > 20


def open_layer(page, layer):
    """The arithmetic of this layer, by its own choice: of flatten and dense the page's state knows nothing."""
    page.locator("#lab-arithmetic select[aria-label=layer]").select_option(layer)
    page.settle()


# What reaches out of the window or out of its panel, but for what can be scrolled to.
CUT_OFF = """() => {
  const { scrollWidth, clientWidth } = document.documentElement;
  const beyond = (which, edge) => [...document.querySelectorAll(which)].filter((one) =>
    one.getBoundingClientRect().right > edge + 1 && one.checkVisibility()
      && !one.closest(".lab-grid-box, .scroll"));
  const right = document.getElementById("lab-arithmetic").getBoundingClientRect().right;
  const cut = [...beyond("#lab-arithmetic *", right),
    ...beyond("#lab-bench *, #lab-comparison *, .lab-curves *", innerWidth)];
  return [Math.max(0, scrollWidth - clientWidth), cut.map((one) => one.outerHTML.slice(0, 80))];
}"""


@pytest.mark.parametrize(
    "width", [360, *(pytest.param(each, marks=pytest.mark.slow) for each in (768, 1280, 1920))]
)
def test_nothing_is_wider_than_the_window_or_cut_off(lab, width):
    page = seen(lab, "light", width)
    views = {"flatten": ".lab-list", "dense": ".lab-softmax"}
    for layer in ("conv1", "conv2", "pool1", "flatten", "dense"):
        open_layer(page, layer)
        shown = [each for each in views if page.locator(f"#lab-arithmetic {views[each]}").is_visible()]
        assert shown == [layer] * (layer in views)
        assert page.evaluate(CUT_OFF) == [0, []], layer


# All that can be worked with and is seen; of a group in which the arrow keys move, and of radio buttons, one.
CONTROLS = """() => {
  const kinds = "button, input, select, textarea, summary, a[href], [tabindex]";
  const seen = [...document.querySelectorAll(`#laboratory :is(${kinds})`)].filter((one) =>
    !one.disabled && (one.type !== "radio" || one.checked) && one.checkVisibility({visibilityProperty: true}));
  const roving = (one) => one.tabIndex < 0
    && one.closest("[role=group]:not(.lab-panel), [role=grid]")?.querySelector("[tabindex='0']");
  window.controls = seen.filter((one) => !roving(one));
  window.entrance = document.createElement("button");
  document.getElementById("laboratory").prepend(entrance);
  entrance.focus();
  window.reached = new Set();
  window.reach = ({target}) => reached.add(target);
  document.addEventListener("focusin", reach);
  return controls.length;
}"""
MISSED = """() => {
  document.removeEventListener("focusin", reach);
  entrance.remove();
  const inside = [...reached].filter((one) => one.closest("#laboratory"));
  const missed = controls.filter((one) => !reached.has(one));
  const strange = inside.filter((one) => !controls.includes(one));
  return [missed, strange].map((all) => all.map((one) => one.outerHTML.slice(0, 150)));
}"""


def names(page):
    """The accessible name of each control, as the browser gives it to screen readers."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    known = {each.get("backendDOMNodeId"): each.get("name", {}).get("value", "") for each in nodes}
    found = []
    for index in range(page.evaluate("controls.length")):
        control = session.send("Runtime.evaluate", {"expression": f"controls[{index}]"})["result"]
        node = session.send("DOM.describeNode", {"objectId": control["objectId"]})["node"]
        told = page.evaluate(f"controls[{index}].outerHTML.slice(0, 150)")
        found.append((told, known[node["backendNodeId"]]))
    session.detach()
    return found


@pytest.mark.slow
@pytest.mark.parametrize("layer", ["conv2", pytest.param("dense", marks=pytest.mark.slow)])
def test_every_control_can_be_reached_by_tab_and_has_a_name(lab, layer):
    page = seen(lab, "light", 1280)
    open_layer(page, layer)
    page.evaluate("document.querySelectorAll('#laboratory details').forEach((each) => (each.open = true))")
    count = page.evaluate(CONTROLS)
    assert count > 30
    for _ in range(count):
        page.keyboard.press("Tab")
    assert page.evaluate(MISSED) == [[], []]
    assert [control for control, name in names(page) if not name.strip()] == []
