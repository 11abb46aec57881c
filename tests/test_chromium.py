"""How a browser is found and brought, and what pytest says where there is none."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import chromium
import pytest

PAGES = """
import pytest

@pytest.fixture
def visit(browser): ...

@pytest.mark.xdist_group("browser")
def test_of_a_page(browser): ...

def test_of_another(visit): ...

@pytest.mark.slow
def test_that_is_left_out_anyway(browser): ...

def test_of_numbers(): ...
"""


def program(path, code=0):
    """A program that ends at once with this exit code."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nexit {code}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """The home folder of somebody who has no browser: all programs are in its `bin`."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "playwright"))
    monkeypatch.setattr(chromium, "APPLICATIONS", ())
    chromium.find.cache_clear()
    yield tmp_path
    chromium.find.cache_clear()


def test_nothing_is_found_where_nothing_is(bare):
    assert chromium.find() is None


@pytest.mark.parametrize("name", ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"])
def test_a_browser_is_found_by_each_of_its_names(bare, name):
    path = program(bare / "bin" / name)
    assert chromium.find() == path


def test_what_does_not_start_is_none(bare):
    program(bare / "bin/chromium", code=127)
    path = program(bare / "bin/google-chrome-stable")
    assert chromium.find() == path


def test_an_application_of_macos_is_found(bare, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setenv("HOME", str(bare))
    monkeypatch.setenv("PATH", str(bare / "bin"))
    path = program(bare / "Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
    assert chromium.find() == path


@pytest.mark.slow
def test_what_playwright_downloaded_is_found(bare):
    own = subprocess.run([sys.executable, "-c", chromium.OWN], capture_output=True, text=True, check=True)
    path = program(Path(own.stdout.strip()))
    assert path.startswith(str(bare / "playwright"))
    assert chromium.find() == path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answers", "brings", "debian", "user", "ran"),
    [
        (True, True, True, 0, ["playwright"]),
        (True, False, True, 0, ["playwright", "update", "install"]),
        (False, False, True, 0, ["update", "install"]),
        (False, False, True, 1000, []),
        (False, False, False, 0, []),
    ],
)
def test_playwright_brings_one_and_else_debian_where_it_may(
    bare, monkeypatch, capsys, answers, brings, debian, user, ran
):
    commands = []

    def run(*words, env=None):
        commands.append(words)
        if brings:
            program(bare / "bin/chromium")
        return brings

    monkeypatch.setattr(chromium, "_run", run)
    monkeypatch.setattr(chromium, "_starts", lambda path: Path(path).is_file())
    monkeypatch.setattr(chromium, "_answers", lambda address: answers)
    monkeypatch.setattr(chromium, "_is_debian", lambda: debian)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    chromium.bring()
    kinds = {"-m": "playwright", "update": "update", "install": "install"}
    assert [kinds[words[1]] for words in commands] == ran
    assert len(capsys.readouterr().out.splitlines()) == ("playwright" in ran) + ("install" in ran)
    assert (chromium.find() is not None) is brings


def test_where_nothing_listens_nothing_answers():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    assert not chromium._answers(f"http://127.0.0.1:{port}")


@pytest.mark.parametrize(
    ("ci", "code", "workers"),
    [
        ("", 0, ("-p", "no:xdist")),
        pytest.param("true", 1, ("-n", "1", "--dist", "loadgroup"), marks=pytest.mark.slow),
    ],
)
def test_without_a_browser_one_line_says_what_was_left_out(bare, monkeypatch, ci, code, workers):
    """Where continuous integration has none, that is an error. Groups of xdist are known without it, too."""
    monkeypatch.chdir(bare)
    (bare / "test_pages.py").write_text(PAGES)
    config = Path(__file__).parents[1] / "setup.cfg"
    words = ["-m", "pytest", "-q", "-c", config, "-p", "conftest", "-p", "no:cacheprovider", bare, *workers]
    ended = subprocess.run(
        [sys.executable, *words],
        env=os.environ | {"CI": ci, "PYTHONPATH": f"{config.parent}:{config.parent / 'tests'}"},
        capture_output=True,
        text=True,
    )
    lines = ended.stdout.splitlines()
    assert lines[-1] == f"2 page tests were left out, no browser was found: {chromium.command()}"
    assert "1 passed" in lines[-2]
    assert "skipped" not in ended.stdout.lower()
    assert ended.returncode == code
