"""Pages with a laboratory, open in a browser: of the tiny run, of one that learned, and of made-up networks."""

import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from drawn import MadeUp

from linesexp.report.laboratory import laboratory_data
from linesexp.run import open_run
from linesexp.stages import generate, train
from linesexp.views.embedding import json_for_script

LEARNED = {
    **{"size": 20, "length_px": (6, 20), "margin_px": 2, "pictures_per_class": 150},
    **{"filters": (4, 4), "kernel_sizes": (5, 3), "epochs": 25, "batch_size": 16, "learning_rate": 0.004},
}
VIEWPORT = {"width": 1280, "height": 900}
# Frames until listeners of listeners have drawn; what waits out of sight is told that the page is printed.
SETTLED = """async () => {
  for (let turn = 0; turn < 2; turn++) {
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    dispatchEvent(new Event("beforeprint"));
  }
}"""
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
AFRESH = """() => {
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
}"""


@pytest.fixture(scope="session")
def learned_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that tells horizontal from vertical; without a report."""
    folder = tmp_path_factory.mktemp("learned") / "run"
    training = {name: LEARNED[name] for name in ("epochs", "batch_size", "learning_rate")}
    generate(folder, say=lambda words: None, **LEARNED)
    with warnings.catch_warnings():  # of Keras, where it saves a model
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        train(folder, say=lambda words: None, **training)
    return folder


@pytest.fixture(scope="session")
def page_at(tiny_run: Path) -> Callable[[Path, dict[str, Any]], Path]:
    """page_at(path, data): the tiny run's page at this path, with other data in its laboratory."""
    page = (tiny_run / "report.html").read_text(encoding="utf-8")
    begin, end = re.search(r'id="laboratory-data">(.*?)</script>', page, flags=re.DOTALL).span(1)

    def made(path: Path, data: dict[str, Any]) -> Path:
        path.write_text(page[:begin] + json_for_script(data) + page[end:], encoding="utf-8")
        return path

    return made


@pytest.fixture
def page_with(page_at: Callable[..., Path], tmp_path: Path) -> Callable[[dict[str, Any]], Path]:
    """page_with(data): the same, in the test's own folder."""
    return lambda data: page_at(tmp_path / "page.html", data)


def open_view(browser: Any, path: Path, **options: Any) -> Any:
    """A page with its laboratory open, in a window of its own.

    view.settle() waits until it has drawn what was changed, out of sight too.
    """
    view = browser.new_context(**({"viewport": VIEWPORT} | options)).new_page()
    view.set_default_timeout(10_000)
    view.address = path.as_uri()
    view.asked, view.complaints = [], []
    view.on("request", lambda request: view.asked.append(request.url))
    view.on("console", lambda message: view.complaints.append(message.text))
    view.on("pageerror", lambda error: view.complaints.append(str(error)))
    view.on("dialog", lambda dialog: (view.complaints.append(dialog.message), dialog.dismiss()))
    view.settle = lambda: view.evaluate(SETTLED)
    view.goto(view.address)
    view.locator("html[data-laboratory=open]").wait_for(state="attached")
    return view


@pytest.fixture
def visit(browser: Any, tiny_run: Path) -> Iterator[Callable[..., Any]]:
    """visit(path, **options): a page opened for this test alone.

    At the end of the test it must have asked for nothing, and complained of nothing.
    """
    views = []

    def opened(path: Path = tiny_run / "report.html", **options: Any) -> Any:
        views.append(open_view(browser, path, **options))
        return views[-1]

    yield opened
    for view in views:
        view.context.close()
        assert view.asked == [view.address]
        assert view.complaints == []


@pytest.fixture(scope="session")
def kept_open(browser: Any) -> Iterator[dict[Path, Any]]:
    """Pages that tests share, by their paths."""
    views: dict[Path, Any] = {}
    yield views
    for view in views.values():
        view.context.close()


@pytest.fixture
def revisit(browser: Any, kept_open: dict[Path, Any]) -> Iterator[Callable[[Path], Any]]:
    """revisit(path): a page that tests share, for it takes long to open: all is as it was when it was opened,
    but for the bench's and the drawing's undo, and for what is in its address.

    At the end of the test it must have asked for nothing new, and complained of nothing.
    """
    used = []

    def opened(path: Path) -> Any:
        if path not in kept_open:
            kept_open[path] = open_view(browser, path)
            kept_open[path].evaluate(REMEMBER)
        view = kept_open[path]
        used.append(view)
        view.set_viewport_size(VIEWPORT)
        view.emulate_media(media="screen", color_scheme="light")
        view.evaluate(AFRESH)
        view.settle()
        return view

    yield opened
    for view in used:
        asked, complaints = list(view.asked), list(view.complaints)
        view.complaints.clear()
        assert asked == [view.address]
        assert complaints == []


@pytest.fixture
def lab(revisit: Callable[[Path], Any], tiny_run: Path) -> Any:
    """The tiny run's laboratory."""
    return revisit(tiny_run / "report.html")


@pytest.fixture(scope="session")
def learned_page(
    learned_run: Path, page_at: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The page of a network that learned."""
    return page_at(tmp_path_factory.mktemp("learned") / "page.html", laboratory_data(open_run(learned_run)))


@pytest.fixture
def learned(revisit: Callable[[Path], Any], learned_page: Path) -> Any:
    """The laboratory of a network that learned."""
    return revisit(learned_page)


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
