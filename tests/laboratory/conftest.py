"""Pages with a laboratory, open in a browser: of the tiny run, and of made-up networks."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from drawn import MadeUp, telling_weights

from linesexp.report.laboratory import laboratory_data
from linesexp.run import open_run
from linesexp.views.embedding import json_for_script, packed

VIEWPORT = {"width": 1280, "height": 900}
# Frames come at once: what is tested is what is drawn, and a frame of the screen takes 16 ms and its painting.
# settled(): listeners of listeners have drawn; what waits out of sight is told that the page is printed.
AT_ONCE = """
window.requestAnimationFrame = (draw) => setTimeout(() => draw(performance.now()), 0);
window.cancelAnimationFrame = clearTimeout;
window.settled = async () => {
  for (let turn = 0; turn < 2; turn++) {
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    dispatchEvent(new Event("beforeprint"));
  }
};"""
REMEMBER = """() => {
  const names = ["step", "picture", "edits", "layer", "map", "kernel", "plane", "place",
    "channel", "ofClass", "twin"];
  const choosing = "#laboratory :is(input:not([type=file], [readonly]), select)";
  const controls = [...document.querySelectorAll(choosing)];
  const kind = (one) => (one.options ? "selectedIndex" : /checkbox|radio/.test(one.type) ? "checked" : "value");
  window.at_first = {
    state: Object.fromEntries(names.map((name) => [name, laboratory.state.get(name)])),
    controls: controls.map((one) => [one, kind(one), one[kind(one)]]),
  };
}"""
# True where the window pretends to be something else than a bright screen.
AFRESH = """async () => {
  for (const button of document.querySelectorAll("#laboratory button[aria-pressed=true]"))
    if (["Stop", "Pause"].includes(button.textContent)) button.click();
  for (const [one, kind, first] of at_first.controls) {
    if (one[kind] === first || first === -1) continue;
    one[kind] = first;
    if (one.type === "radio" && !first) continue;
    for (const event of ["input", "change"]) one.dispatchEvent(new Event(event));
  }
  document.activeElement.blur();
  for (const one of document.querySelectorAll("details[open]")) one.open = false;
  laboratory.state.set(at_first.state);
  scrollTo(0, 0);
  await settled();
  const others = ["print", "(prefers-color-scheme: dark)", "(prefers-reduced-motion: reduce)"];
  return others.some((other) => matchMedia(other).matches);
}"""


@pytest.fixture(scope="session")
def page_at(tiny_run: Path) -> Callable[[Path, dict[str, Any]], Path]:
    """page_at(path, data): the tiny run's page, its figures left out, with other data in its laboratory."""
    page = (tiny_run / "report.html").read_text(encoding="utf-8")
    page = re.sub(r'"data:image[^"]*"', '"data:,"', page)
    begin, end = re.search(r'id="laboratory-data">(.*?)</script>', page, flags=re.DOTALL).span(1)

    def made(path: Path, data: dict[str, Any]) -> Path:
        path.write_text(page[:begin] + json_for_script(data) + page[end:], encoding="utf-8")
        return path

    return made


def new_view(browser: Any) -> Any:
    """A page in a window of its own, which remembers what it asked for and complained of. Fingers may touch it.

    view.settle() waits until it has drawn what was changed, out of sight too. view.do(function, given) calls
    a function in JavaScript and settles, view.choose(layer="conv1") changes the laboratory's state and settles,
    view.press(locator) clicks without looking for the place where a pointer would: each in one round trip.
    """
    context = browser.new_context(viewport=VIEWPORT, has_touch=True)
    context.add_init_script(AT_ONCE)
    view = context.new_page()
    view.set_default_timeout(10_000)
    view.asked, view.complaints = [], []
    view.on("request", lambda request: view.asked.append(request.url))
    view.on("console", lambda message: view.complaints.append(message.text))
    view.on("pageerror", lambda error: view.complaints.append(str(error)))
    view.on("dialog", lambda dialog: (view.complaints.append(dialog.message), dialog.dismiss()))

    def do(function: str, given: Any = None) -> Any:
        settling = "{ const found = await (%s)(given); await settled(); return found; }" % function  # noqa: UP031
        return view.evaluate(f"async (given) => {settling}", given)

    view.settle = lambda: view.evaluate("settled()")
    view.do = do
    view.choose = lambda **state: do("(chosen) => laboratory.state.set(chosen)", state)
    view.press = lambda locator: locator.evaluate("async (one) => { one.click(); await settled(); }")
    return view


def open_laboratory(view: Any, path: Path, fragment: str = "") -> Any:
    """The same view, with the laboratory of this page open in it."""
    view.address = path.as_uri()
    view.asked.clear()
    view.complaints.clear()
    view.goto(view.address + fragment)
    view.locator("html[data-laboratory=open]").wait_for(state="attached")
    return view


def check(view: Any) -> None:
    """It has asked for nothing but itself, and complained of nothing."""
    complaints = list(view.complaints)
    view.complaints.clear()
    assert {address.partition("#")[0] for address in view.asked} == {view.address}
    assert complaints == []


@pytest.fixture(scope="session")
def spare(browser: Any) -> list[Any]:
    """Windows that no test uses just now: to make one takes as long as to open a page in it."""
    return []


@pytest.fixture
def visit(browser: Any, spare: list[Any], tiny_run: Path) -> Iterator[Callable[..., Any]]:
    """visit(path, fragment): a page opened for this test alone.

    At the end of the test it must have asked for nothing, and complained of nothing.
    """
    views = []

    def opened(path: Path = tiny_run / "report.html", fragment: str = "") -> Any:
        views.append(spare.pop() if spare else new_view(browser))
        return open_laboratory(views[-1], path, fragment)

    yield opened
    for view in views:
        check(view)
        view.goto("about:blank")
        spare.append(view)


@pytest.fixture(scope="session")
def kept_open(browser: Any) -> dict[Path, Any]:
    """Pages that tests share, by their paths."""
    return {}


@pytest.fixture
def revisit(browser: Any, kept_open: dict[Path, Any]) -> Iterator[Callable[[Path], Any]]:
    """revisit(path): a page that tests share, for it takes long to open: all is as it was when it was opened,
    but for the bench's and the drawing's undo, and for what is in its address.

    At the end of the test it must have asked for nothing new, and complained of nothing.
    """
    used = []

    def opened(path: Path) -> Any:
        if path not in kept_open:
            kept_open[path] = open_laboratory(new_view(browser), path)
            kept_open[path].evaluate(REMEMBER)
        view = kept_open[path]
        used.append(view)
        if view.viewport_size != VIEWPORT:
            view.set_viewport_size(VIEWPORT)
        if view.evaluate(AFRESH):
            view.emulate_media(media="screen", color_scheme="light", reduced_motion="no-preference")
        return view

    yield opened
    for view in used:
        check(view)


@pytest.fixture
def lab(revisit: Callable[[Path], Any], tiny_run: Path) -> Any:
    """The tiny run's laboratory."""
    return revisit(tiny_run / "report.html")


@pytest.fixture(scope="session")
def telling_page(
    tiny_run: Path, page_at: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The page of a network that tells horizontal from vertical."""
    data = laboratory_data(open_run(tiny_run))
    made = telling_weights(len(data["steps"]))
    data["weights"] = {name: packed(values) for name, values in made.items()}
    return page_at(tmp_path_factory.mktemp("telling") / "page.html", data)


@pytest.fixture
def telling(revisit: Callable[[Path], Any], telling_page: Path) -> Any:
    """Its laboratory."""
    return revisit(telling_page)


@pytest.fixture(scope="session")
def made_up() -> MadeUp:
    """A network of random weights and pictures of random pixels, for which NumPy says what is to be drawn."""
    return MadeUp()


@pytest.fixture(scope="session")
def made_up_page(
    made_up: MadeUp, tiny_run: Path, page_at: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Its page; the operators and chances in it are those of the tiny run."""
    data = made_up.data(laboratory_data(open_run(tiny_run)))
    return page_at(tmp_path_factory.mktemp("made-up") / "page.html", data)


@pytest.fixture
def drawing(revisit: Callable[[Path], Any], made_up_page: Path) -> Any:
    """Its laboratory."""
    return revisit(made_up_page)
