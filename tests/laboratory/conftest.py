"""Pages with a laboratory, open in a browser: of the tiny run, of one that learned, and of made-up networks."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from linesexp.report.laboratory import laboratory_data
from linesexp.run import open_run
from linesexp.views.embedding import json_for_script

LEARNED = """
[images]
size = 20
length_px = [6, 20]
margin_px = 2
pictures_per_class = 150
[network]
filters = [4, 4]
kernel_sizes = [5, 3]
[training]
epochs = 25
batch_size = 16
learning_rate = 0.004
"""


@pytest.fixture(scope="session")
def learned_run(tmp_path_factory: pytest.TempPathFactory, linesexp: Callable[..., Any]) -> Path:
    """A run that tells horizontal from vertical; without a report."""
    folder = tmp_path_factory.mktemp("learned")
    (folder / "learned.toml").write_text(LEARNED)
    for command in (["generate", "run", "--config", "learned.toml"], ["train", "run"]):
        ended = linesexp(*command, cwd=folder)
        assert ended.returncode == 0, ended.stderr
    return folder / "run"


@pytest.fixture
def page_with(tiny_run: Path, tmp_path: Path) -> Callable[[dict[str, Any]], Path]:
    """page_with(data): the tiny run's page, with other data in its laboratory."""

    def made(data: dict[str, Any]) -> Path:
        page = (tiny_run / "report.html").read_text(encoding="utf-8")
        begin, end = re.search(r'id="laboratory-data">(.*?)</script>', page, flags=re.DOTALL).span(1)
        path = tmp_path / "page.html"
        path.write_text(page[:begin] + json_for_script(data) + page[end:], encoding="utf-8")
        return path

    return made


@pytest.fixture
def visit(browser: Any, tiny_run: Path) -> Iterator[Callable[..., Any]]:
    """visit(path, **options): a page with its laboratory open.

    At the end of the test it must have asked for nothing, and complained of nothing.
    """
    views = []

    def opened(path: Path = tiny_run / "report.html", **options: Any) -> Any:
        context = browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | options))
        view = context.new_page()
        view.set_default_timeout(10_000)
        view.asked, view.complaints = [], []
        view.on("request", lambda request: view.asked.append(request.url))
        view.on("console", lambda message: view.complaints.append(message.text))
        view.on("pageerror", lambda error: view.complaints.append(str(error)))
        view.on("dialog", lambda dialog: (view.complaints.append(dialog.message), dialog.dismiss()))
        view.goto(path.as_uri())
        view.wait_for_selector("html[data-laboratory=open]")
        views.append((view, path.as_uri()))
        return view

    yield opened
    for view, address in views:
        asked, complaints = view.asked, view.complaints
        view.context.close()
        assert asked == [address]
        assert complaints == []


@pytest.fixture
def lab(visit: Callable[..., Any]) -> Any:
    """The tiny run's laboratory."""
    return visit()


@pytest.fixture
def learned(visit: Callable[..., Any], page_with: Callable[..., Path], learned_run: Path) -> Any:
    """The laboratory of a network that learned."""
    return visit(page_with(laboratory_data(open_run(learned_run))))
