"""The page is inert: whatever names and numbers hold, it asks for nothing, shows no dialog and runs nothing."""

import html
import json
import re
import shutil

import msgspec
import numpy as np
import pytest

from linesexp import open_run
from linesexp.inspecting.recording import Recording
from linesexp.kernels.analysis import Analysis
from linesexp.report.making import _made_from, make
from linesexp.run import Run, dataset_bytes
from linesexp.runs import RunFolder
from linesexp.runs.folder import MissingFile
from linesexp.runs.steps import StepWriter

HOSTILE = (
    "<script>alert(1)</script>",
    "\"><img src='x' onerror=alert(2)>",
    "'><svg onload=alert(3)>",
    "</style><style>@import url(http://localhost/x)</style>",
    "</script><script>fetch('http://localhost/y')</script>",
    "{{ 7*7 }}{% include '/etc/passwd' %}",
    "javascript:alert(4)",
    "<base href=http://localhost/><link rel=stylesheet href=z><meta http-equiv=refresh content='0;url=http://localhost'>",
    "$\\frac{$ $x^2$ \\u0000 \x1b]0;title\x07",
)


def commit(folder, **stages):
    """commit(folder, train={name: data}): with the stages' files as they are found then, and not made anew."""
    with folder.writing():
        for stage, files in stages.items():
            folder.commit(files, stage, _made_from(Run(folder)) if stage == "report" else "")


def poisoned(value, at=0):
    """The same JSON with every text replaced by something hostile, keys left alone."""
    if isinstance(value, dict):
        return {key: poisoned(part, at + number) for number, (key, part) in enumerate(value.items())}
    if isinstance(value, list):
        return [poisoned(part, at + number) for number, part in enumerate(value)]
    return HOSTILE[at % len(HOSTILE)] if isinstance(value, str) else value


def texts(value, path=()):
    """(path, text) of every text in JSON."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from texts(part, (*path, key))
    if isinstance(value, str):
        yield path, value


def replaced(value, path, text):
    if not path:
        return text
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(copy[path[0]], path[1:], text)
    return copy


def elements(page):
    return re.findall(r"<([a-z]+)", page)


@pytest.fixture(scope="module")
def pages(tiny_run, tmp_path_factory):
    """{what: page's path} of pages whose every name that a file can hold is hostile; to read only."""
    made = {}
    home = tmp_path_factory.mktemp("hostile")
    run = shutil.copytree(tiny_run, home / "run", ignore=shutil.ignore_patterns(".*"))
    folder = RunFolder(run)
    dataset = Run(folder).dataset
    names = tuple(HOSTILE[: len(dataset.class_names)])
    commit(
        folder,
        generate={
            "dataset.npz": dataset_bytes(type(dataset)(dataset.pixels, dataset.labels, dataset.split, names))
        },
    )
    analysis = json.loads(folder.read("analysis.json"))
    analysis["preference_classes"] = list(names)
    analysis["missing"] = list(HOSTILE)
    analysis["left_out"] = {name: name for name in HOSTILE}
    commit(folder, report={"analysis.json": json.dumps(analysis).encode()})
    make(open_run(run), "report.html")
    made["a run"] = run / "report.html"

    recording = RunFolder(home / "<img src=x onerror=alert(5)>")
    rng = np.random.default_rng(0)
    with recording.writing():
        writer = StepWriter(recording, beside=lambda: {"layers.json": b'{"weights": {}}'})
        for step in range(3):
            shapes = {f"{name}/kernel": (3, 3, 2, 2) for name in HOSTILE}
            writer.save(step, {name: rng.random(shape, np.float32) for name, shape in shapes.items()})
    opened = open_run(recording.path)
    makers = Recording(opened).makers
    make(opened, *makers, by=makers, needs=())
    made["a recording"] = recording.path / "report.html"
    return made


def test_hostile_names_are_shown_as_text(pages, tiny_run):
    page = pages["a run"].read_text(encoding="utf-8")
    assert not [name for name in HOSTILE[:5] if name in page]
    assert page.count(html.escape(HOSTILE[0])) >= 2
    added = set(elements(page)) - set(elements((tiny_run / "report.html").read_text(encoding="utf-8")))
    assert added <= {"li", "ul"}  # of what could not be computed
    assert not [name for name in HOSTILE[:5] if name in pages["a recording"].read_text(encoding="utf-8")]


@pytest.mark.slow
def test_every_text_of_an_analysis_is_escaped_or_refused(run, tiny_run):
    """Edited, under a manifest that agrees with it: one text after another, and all at once."""
    folder = RunFolder(run)
    analysis = json.loads(folder.read("analysis.json"))
    normal = set(elements((tiny_run / "report.html").read_text(encoding="utf-8")))
    kinds = {}  # texts in lists of equal records are of one kind
    for path, _ in texts(analysis):
        kinds.setdefault(tuple("*" if isinstance(part, int) else part for part in path), path)
    edited = [replaced(analysis, path, HOSTILE[1]) for path in kinds.values()] + [poisoned(analysis)]
    shown = 0
    for each in edited:
        try:
            msgspec.convert(each, Analysis)
        except msgspec.ValidationError:
            continue
        commit(folder, report={"analysis.json": json.dumps(each).encode()})
        with folder.writing():
            folder.forget(["report.html"])
        try:
            make(open_run(run), "report.html")
        except (KeyError, ValueError, MissingFile):
            continue  # a word that decides what is said: there is no page
        page = (run / "report.html").read_text(encoding="utf-8")
        assert set(elements(page)) <= normal | {"li", "ul"}
        assert not [name for name in HOSTILE[:5] if name in page]
        shown += 1
    assert shown > 3


@pytest.mark.hours
@pytest.mark.xdist_group("browser")
def test_a_browser_is_asked_for_nothing(pages, browser, figure):
    for what, path in pages.items():
        window = browser.new_page()
        asked, dialogs, complaints = [], [], []
        window.on("request", lambda request, asked=asked: asked.append(request.url))
        window.on("dialog", lambda dialog, dialogs=dialogs: (dialogs.append(dialog.message), dialog.dismiss()))
        window.on("pageerror", lambda error, complaints=complaints: complaints.append(str(error)))
        window.goto(path.as_uri())
        for button in window.get_by_role("button").all():
            if button.get_attribute("aria-disabled") != "true":
                button.click()
        window.mouse.wheel(0, 50_000)
        window.wait_for_timeout(500)
        elsewhere = [address for address in asked if not address.startswith("data:")][1:]
        assert (elsewhere, dialogs, complaints) == ([], [], []), what
        assert window.evaluate("document.querySelectorAll('script').length") <= 2
        window.close()
    figure(f"{len(pages)} pages of hostile names: 0 requests, 0 dialogs")


def test_a_notebook_shows_hostile_names_as_text(pages):
    for page in pages.values():
        card = open_run(page.parent)._repr_html_()
        assert not [name for name in HOSTILE[:5] if name in card]
        assert "<script" not in card.lower().replace("&lt;script", "")
