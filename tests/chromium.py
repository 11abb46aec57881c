"""The Chromium or Chrome in which tests and benchmarks open pages: where it is found, how it is launched.

`chromium.py` sees to one, before the tests of `make test`: where none is found, Playwright downloads one, or
root installs Debian's. It ends well in any case: pytest says how many tests it leaves out (conftest.py).
"""

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
APPLICATIONS = (  # where macOS keeps them, below / and below the home folder
    "Applications/Chromium.app/Contents/MacOS/Chromium",
    "Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PLAYWRIGHT = (sys.executable, "-m", "playwright", "install")
DEBIAN = ("apt-get", "install", "chromium")
OWN = """
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)
"""
HOST = "https://cdn.playwright.dev"  # unless the environment names a mirror


@cache
def find() -> str | None:
    """The first that is installed and starts: on the PATH, an application of macOS, Playwright's own.

    None without Playwright, which opens pages in it.
    """
    if importlib.util.find_spec("playwright") is None:
        return None
    return next(filter(_starts, _candidates()), None)


def launch(playwright: Any) -> Any:
    """The browser that `find` found, headless."""
    return playwright.chromium.launch(executable_path=find(), args=list(OPTIONS))


def bring() -> None:
    """Download or install one, and say so; what fails is silent here, see `command`."""
    if _answers(os.environ.get("PLAYWRIGHT_DOWNLOAD_HOST") or HOST):
        print("no Chromium or Chrome is installed: playwright install chromium", flush=True)
        _run(*PLAYWRIGHT, "--no-shell", "chromium")
        find.cache_clear()
    if find() is None and _is_debian() and os.geteuid() == 0:
        print(f"no Chromium or Chrome is installed: {' '.join(DEBIAN)}", flush=True)
        _run("apt-get", "update", "-qq")
        _run(*DEBIAN, "-y", "-qq", "--no-install-recommends", env={"DEBIAN_FRONTEND": "noninteractive"})
        find.cache_clear()


def command() -> str:
    """What brings a browser, for a person to type."""
    if importlib.util.find_spec("playwright") is None:
        return "pip install playwright axe-playwright-python"
    if _is_debian():
        return f"sudo {' '.join(DEBIAN)}"
    program = Path(os.path.relpath(sys.executable)) if Path(sys.executable).is_relative_to(Path.cwd()) else None
    return f"{program or sys.executable} {' '.join(PLAYWRIGHT[1:])} --with-deps chromium"


def _candidates() -> Iterator[str]:
    yield from filter(None, map(shutil.which, NAMES))
    for application in APPLICATIONS:
        yield from (str(top / application) for top in (Path("/"), Path.home()))
    # Another process: in this one Playwright may run already, and it does so once only.
    yield subprocess.run([sys.executable, "-c", OWN], capture_output=True, text=True).stdout.strip()


def _starts(program: str) -> bool:
    """Whether it says its version. Ubuntu's without its snap does not, nor does one without its libraries."""
    return _run(program, "--version")


def _run(*words: str, env: dict[str, str] | None = None) -> bool:
    """Whether a command ends well."""
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    try:
        return subprocess.run(words, **quiet, env=os.environ | (env or {}), timeout=600).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _answers(address: str) -> bool:
    """Whether anything answers there. Playwright itself takes half a minute to find that nothing does."""
    try:
        urllib.request.urlopen(address, timeout=10).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def _is_debian() -> bool:
    """Ubuntu is not: its package is a snap."""
    try:
        return platform.freedesktop_os_release()["ID"] == "debian" and shutil.which("apt-get") is not None
    except OSError:
        return False


if __name__ == "__main__":
    if find() is None:
        bring()
