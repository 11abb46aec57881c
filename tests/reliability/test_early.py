"""It fails early: before TensorFlow is loaded, with one line, and nothing is changed.

The seconds are said; a quiet machine takes less than one.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from reliability.scenarios import Scenario, files_of

pytestmark = pytest.mark.xdist_group("reliability")
LOADED = "raise SystemExit('Keras was loaded')\n"


@pytest.fixture
def early(tmp_path, environment):
    """early(place, words, …): a command in which Keras must not be loaded: (code, stderr, seconds)."""
    stand_in = tmp_path / "stand-in"
    for name in ("keras", "tensorflow"):
        (stand_in / name).mkdir(parents=True)
        (stand_in / name / "__init__.py").write_text(LOADED)
    path = os.pathsep.join(filter(None, [str(stand_in), environment.get("PYTHONPATH")]))

    def run(place, *words, **more):
        began = time.monotonic()
        ended = subprocess.run(
            [sys.executable, "-m", "linesexp", *words],
            cwd=place,
            env=environment | {"PYTHONPATH": path} | more,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert "Keras was loaded" not in ended.stderr
        return ended.returncode, ended.stderr, time.monotonic() - began

    return run


def assert_refused(ended, code, *words):
    found, said, _ = ended
    assert found == code, said
    lines = [line for line in said.splitlines() if not line.startswith("Try: ")]
    assert len(lines) == 1, said
    for word in words:
        assert word in said


@pytest.fixture
def mounted(tmp_path):
    """mounted("size=200k"): a small file system of its own, in a folder."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(how: str) -> Path:
        ended = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", how, "tmpfs", folder], capture_output=True, text=True
        )
        if ended.returncode:
            pytest.skip(f"mounting a file system is for root: {ended.stderr.strip()}")
        return folder

    yield mount
    if folder.is_mount():
        subprocess.run(["umount", folder], check=True)


WRONG = {
    "an option": (2, ["train", "run", "--epochs", "0"], ["epochs = 0"]),
    "a file": (2, ["train", "run", "--config", "bad.toml"], ["bad.toml", "epoch", "epochs"]),
    "other settings": (2, ["train", "run", "--kernel-sizes", "5,99"], ["kernel_sizes"]),
    "no model": (3, ["inspect", "run/none.keras"], ["none.keras", "No such file"]),
    "another file": (3, ["see", "run/dataset.png", "run/dataset.png"], ["dataset.png", "not a .keras file"]),
    "no run": (3, ["train", "none"], ["linesexp generate none"]),
}


@pytest.mark.parametrize(("code", "words", "said"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_before_anything_is_loaded(code, words, said, states, place, early, figure):
    states.copy(Scenario("generated", ()), place)
    (place / "bad.toml").write_text("[training]\nepoch = 3\n")
    before = files_of(place)
    ended = early(place, *words)
    assert_refused(ended, code, *said)
    assert files_of(place) == before
    figure(f"{ended[2]:.2f} s")


READ_ONLY = {
    "generate": ("nothing", ["generate", "run", "--config", "tiny.toml"]),
    "train": ("generated", ["train", "run"]),
    "report": ("trained", ["report", "run"]),
}


@pytest.mark.parametrize(("state", "words"), READ_ONLY.values(), ids=READ_ONLY)
def test_a_read_only_folder(state, words, states, mounted, early, figure):
    disk = mounted("size=20m")
    place = states.copy(Scenario(state, ()), disk / "place")
    before = files_of(place)
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    ended = early(place, *words)
    assert_refused(ended, 5, "run", "cannot be written (Read-only file system)")
    assert files_of(place) == before
    figure(f"{ended[2]:.2f} s")


@pytest.mark.parametrize(
    "words",
    [
        ["see", "model.keras", "picture.png"],
        ["inspect", "model.keras"],
        ["filter", "picture.png"],
        ["filter", "picture.png", "--operator", "all"],
    ],
    ids=" ".join,
)
def test_a_folder_that_cannot_be_written_is_named_before_anything_is_read(words, tmp_path, early, figure):
    (tmp_path / "file").write_bytes(b"")
    ended = early(tmp_path, *words, "--out", "file/out")
    assert_refused(ended, 5, "file/out: cannot be written (Not a directory)")
    figure(f"{ended[2]:.2f} s")


def test_as_folders_that_cannot_be_written_are_named_before_anything_is_drawn(tmp_path, early):
    (tmp_path / "file").write_bytes(b"")
    assert_refused(early(tmp_path, "generate", "run", "--as-folders", "file/out"), 5, "cannot be written")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("state", "words", "free"),
    [
        ("nothing", ["generate", "run", "--config", "tiny.toml", "--noise", "0.5"], 40),
        ("generated", ["train", "run", "--epochs", "5000"], 2000),
        ("trained", ["report", "run"], 1500),
    ],
    ids=["generate", "train", "report"],
)
def test_a_disk_without_the_space_that_is_estimated(state, words, free, states, mounted, early, figure):
    """Of a training that would have taken hours."""
    place = states.copy(Scenario(state, ()), mounted(f"size={free}k") / "place")
    before = files_of(place)
    ended = early(place, *words)
    assert_refused(ended, 5, "run: the ", " needs about ", " are free; ", "need less")
    assert {name: data for name, data in files_of(place).items() if name in before} == before
    figure(f"{ended[2]:.2f} s")


NO_HOME = [
    pytest.param(
        "nothing", ["generate", "run", "--config", "tiny.toml"], id="generate", marks=pytest.mark.slow
    ),
    pytest.param("trained", ["predict", "run", "run/dataset.png"], id="predict", marks=pytest.mark.slow),
    pytest.param("trained", ["filter", "run/dataset.png", "--out", "filtered"], id="filter"),
    pytest.param("trained", ["report", "run"], id="report", marks=pytest.mark.hours),
    pytest.param("generated", ["train", "run"], id="train", marks=pytest.mark.hours),
]


@pytest.mark.slow
@pytest.mark.parametrize("home", ["/proc/none", None], ids=["not there", "not named"])
@pytest.mark.parametrize(("state", "words"), NO_HOME)
def test_without_a_home_everything_works(state, words, home, states, place, environment):
    """matplotlib and Keras keep things there; what they say about it is not for users."""
    states.copy(Scenario(state, ()), place)
    ended = subprocess.run(
        [sys.executable, "-m", "linesexp", *words],
        cwd=place,
        env={name: value for name, value in environment.items() if name != "HOME"}
        | ({"HOME": home} if home else {}),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr
    assert "atplotlib" not in ended.stderr
    assert "/proc/none" not in ended.stderr
