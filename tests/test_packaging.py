"""What is released: a source distribution that can be tested, a wheel with all that the package reads."""

import ast
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import linesexp

ROOT = Path(__file__).parents[1]
TOPS = ("linesexp", "scripts", "tests")
FILES = (
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "MANIFEST.in",
    "README.md",
    "SECURITY.md",
    "constraints.txt",
    "pyproject.toml",
    "setup.cfg",
    "results/reference/kernels.gif",
)


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """Names in the source distribution and in the wheel built from it, as `make package` builds them."""
    here = tmp_path_factory.mktemp("release")
    for name in TOPS:
        shutil.copytree(ROOT / name, here / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, here / name)
    words = ["-m", "build", "--no-isolation", "--quiet"]
    ended = subprocess.run([sys.executable, *words], cwd=here, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    (source,), (wheel,) = (list((here / "dist").glob(pattern)) for pattern in ("*.tar.gz", "*.whl"))
    with tarfile.open(source) as archive:
        files = {member.name.partition("/")[2] for member in archive if member.isfile()}
    with zipfile.ZipFile(wheel) as archive:
        return files, set(archive.namelist())


def in_folder(name):
    """Paths of its files, from the repository's top."""
    paths = (path for path in (ROOT / name).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(ROOT).as_posix() for path in paths}


@pytest.mark.slow
def test_the_source_distribution_can_be_tested(released):
    source, _ = released
    assert set().union(FILES, *map(in_folder, TOPS)) <= source


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_nothing_else(released):
    _, wheel = released
    assert {name for name in wheel if ".dist-info/" not in name} == in_folder("linesexp")


def test_type_checkers_see_the_names_that_there_are():
    stub = ast.parse((ROOT / "linesexp/__init__.pyi").read_text(encoding="utf-8"))
    seen = {
        (alias.asname, node.module)
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == set(linesexp._HOMES.items())
