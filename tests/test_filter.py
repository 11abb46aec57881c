"""`linesexp filter` through real processes: files, words, JSON and errors."""

import json
import shlex
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from skimage import data

from linesexp.cli import cli
from linesexp.commands.filter import ACTIVATION_NAMES, DETECTS, MOST_SIDE, OPERATOR_NAMES
from linesexp.filtering import filter_file
from linesexp.images.pictures import MOST_PIXELS
from linesexp.kernels.operators import OPERATORS, prewitt
from linesexp.seeing import filtering
from linesexp.seeing.convolution import ACTIVATIONS
from linesexp.seeing.filtering import Steps

LAPLACE = "0 -1 0; -1 4 -1; 0 -1 0"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a photo, pictures that are hard to read, and kernels; tests write elsewhere."""
    folder = tmp_path_factory.mktemp("pictures")
    Image.fromarray(data.chelsea()).save(folder / "cat.png")
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8) * 4).save(folder / "tiny.png")
    Image.fromarray(np.full((1, 1), 128, np.uint8)).save(folder / "one.png")
    (folder / "text.png").write_text("no picture")
    (folder / "mine.csv").write_text("\ufeff1,1,1\r\n1,1,1\r\n1,1,1\r\n", encoding="utf-8")
    (folder / "ragged.csv").write_text("1,1,1\n1,1\n")
    (folder / "binary.csv").write_bytes(b"\xff\xfe\x00")
    return folder


@pytest.fixture
def call(linesexp, place, tmp_path):
    """call("cat.png", "--relu") → what the process said; files land in tmp_path / "out"."""

    def run(*arguments, **more):
        return linesexp("filter", *arguments, "--out", tmp_path / "out", cwd=place, **more)

    return run


def facts_of(ended):
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def files_in(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_the_names_that_help_lists_are_all_there_are():
    assert tuple(OPERATORS) == OPERATOR_NAMES
    assert set(DETECTS) == {way for _, _, ways in OPERATORS.values() for way in ways}
    assert tuple(ACTIVATIONS) == ACTIVATION_NAMES
    assert filtering.MOST_SIDE == MOST_SIDE
    (option,) = (option for option in cli.commands["filter"].params if option.name == "most_pixels")
    assert f"[default: {MOST_PIXELS}]" in option.help


def test_without_options_it_is_prewitt_over_the_picture_in_its_own_size(linesexp, place, tmp_path):
    ended = linesexp("filter", place / "cat.png", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == ""
    assert files_in(tmp_path / "filtered") == ["figure.png", "result.png"]
    with Image.open(tmp_path / "filtered/result.png") as result:
        assert result.size == (449, 298)
        assert result.text["Description"] in ended.stderr
    for words in ("300×451", "298×449", "sum 0: flat areas come out 0", "luminance"):
        assert words in ended.stderr
    assert ended.stderr.splitlines()[-1] == "next: open filtered/figure.png"


def test_json_holds_shapes_ranges_kernel_sum_and_files(call, place, tmp_path):
    facts = facts_of(
        call("cat.png", "--kernel", LAPLACE, "--border", "reflect", "--relu", "--pool", "average", "--json")
    )
    with Image.open(place / "cat.png") as photo:
        grey = np.asarray(photo.convert("L")) / 255
    convolved = ndimage.correlate(grey, np.array(facts["kernel"]), mode="mirror")
    first, second, third = facts["stages"]
    assert (first["rows"], first["columns"]) == grey.shape
    assert first["lowest"] == pytest.approx(convolved.min(), abs=1e-6)
    assert first["highest"] == pytest.approx(convolved.max(), abs=1e-6)
    assert (second["stage"], second["lowest"]) == ("relu", 0)
    assert (third["stage"], third["rows"], third["columns"]) == ("average pooling", 150, 225)
    assert facts["sum"] == 0
    assert facts["border"] == "reflect"
    assert facts["files"] == {name: str(tmp_path / "out" / name) for name in ("result.png", "figure.png")}


def test_a_kernel_from_a_file_says_what_its_sum_does(call):
    ended = call("tiny.png", "--kernel", "mine.csv")
    assert ended.returncode == 0, ended.stderr
    assert "sum 9: flat areas come out 9 times as bright; divide by 9 to keep brightness" in ended.stderr
    assert "result.png: black 0, white 9" in ended.stderr


def test_the_pooling_gif_shows_what_the_gif_of_the_steps_filled_in_on_the_figures_scale(tmp_path, monkeypatch):
    seen = {}
    for name in ("convolution_gif", "pooling_gif"):
        monkeypatch.setattr(f"linesexp.views.sliding.{name}", lambda *how, n=name: seen.update({n: how}) or b"")
    noise = np.random.default_rng(5).integers(0, 255, (60, 80), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    steps = Steps(activation="relu", pooling="max", pool_size=2)
    filter_file(str(tmp_path / "a.png"), prewitt(), "prewitt", steps, tmp_path / "out", animate=True)
    (first, _, first_scale, *_), (second, _, second_scale, _) = seen["convolution_gif"], seen["pooling_gif"]
    rows, columns = (
        (begin, begin + length) for begin, length in zip(first.first, first.results.shape, strict=True)
    )
    assert second.top <= rows[0] + 1
    assert second.top + len(second.crop) >= rows[1] - 1
    assert second.left <= columns[0] + 1
    assert second.left + second.crop.shape[1] >= columns[1] - 1
    assert first_scale == second_scale
    assert second_scale.signed


@pytest.mark.slow
def test_animate_writes_a_gif_of_each_step_and_of_pooling(call, tmp_path):
    facts = facts_of(call("tiny.png", "--animate", "--pool", "max", "--json"))
    assert list(facts["files"]) == ["result.png", "figure.png", "steps.gif", "pooling.gif"]
    for name, frames in (("steps.gif", 36), ("pooling.gif", 9)):
        with Image.open(tmp_path / "out" / name) as gif:
            assert gif.n_frames == frames


@pytest.mark.slow
def test_all_operators_make_one_sheet(call, tmp_path):
    facts = facts_of(call("tiny.png", "--operator", "all", "--json", "--size", "5"))
    assert len(facts["operators"]) == 11
    assert all(len(record["kernel"]) == 5 for record in facts["operators"])
    assert files_in(tmp_path / "out") == ["operators.png"]
    some = facts_of(call("tiny.png", "--operator", "all", "--json", "--detects", "vertical"))
    assert [record["operator"] for record in some["operators"]] == ["prewitt", "sobel", "scharr", "line"]


OPTIONS = {  # each changes what comes out
    "operator": ["--operator", "sobel"],
    "size": ["--size", "5"],
    "detects": ["--detects", "horizontal"],
    "kernel": ["--kernel", LAPLACE],
    "border": ["--border", "0.25"],
    "stride": ["--stride", "2"],
    "relu": ["--relu"],
    "activation": ["--activation", "tanh"],
    "pool": ["--pool", "max"],
    "pool size": ["--pool", "max", "--pool-size", "3"],
    "pool stride": ["--pool", "max", "--pool-stride", "1"],
    "longest": ["--longest", "6"],
}


@pytest.mark.slow
def test_every_option_changes_the_result(call, tmp_path):
    seen = {}
    for name, options in {"": [], **OPTIONS}.items():
        ended = call("tiny.png", *options, "-q")
        assert (ended.returncode, ended.stderr) == (0, "")
        seen.setdefault((tmp_path / "out/figure.png").read_bytes(), []).append(name)
    assert len(seen) == len(OPTIONS) + 1, list(seen.values())


@pytest.mark.slow
def test_the_same_call_makes_the_same_bytes_and_older_files_are_named(call, tmp_path):
    assert call("tiny.png", "--animate").returncode == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert call("tiny.png", "--animate").returncode == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert f"of an earlier call: {tmp_path / 'out/steps.gif'}" in call("tiny.png").stderr


def test_other_files_in_the_folder_stay(call, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.png").write_text("mine")
    assert call("tiny.png").returncode == 0
    assert (tmp_path / "out/mine.png").read_text() == "mine"


def test_a_picture_is_never_replaced_by_its_own_result(linesexp, place, tmp_path):
    (tmp_path / "filtered").mkdir()
    original = (place / "tiny.png").read_bytes()
    (tmp_path / "filtered/result.png").write_bytes(original)
    ended = linesexp("filter", "filtered/result.png", cwd=tmp_path)
    assert ended.returncode == 3
    assert "filtered/result.png: would be overwritten" in ended.stderr
    assert (tmp_path / "filtered/result.png").read_bytes() == original


def test_a_picture_of_one_pixel(call):
    ended = call("one.png", "--border", "nearest", "--animate", "--pool", "max", "--pool-size", "1")
    assert ended.returncode == 0, ended.stderr


def test_the_limit_on_pixels_can_be_moved(call, place, tmp_path):
    ended = call("tiny.png", "--most-pixels", "63")
    assert ended.returncode == 3
    assert "tiny.png: 8×8 pixels; at most 63 are read; --most-pixels reads more" in ended.stderr
    assert call("tiny.png", "--most-pixels", "64").returncode == 0


def test_a_huge_picture_is_refused_before_it_is_decoded(call, place, tmp_path):
    original = (place / "tiny.png").read_bytes()
    header = b"IHDR" + struct.pack(">II", 20_000, 20_000) + original[24:29]
    huge = original[:12] + header + struct.pack(">I", zlib.crc32(header)) + original[33:]
    (tmp_path / "huge.png").write_bytes(huge)
    ended = call(tmp_path / "huge.png")
    assert ended.returncode == 3
    assert "25,000,000" in ended.stderr
    assert "--most-pixels" in ended.stderr


BAD_INPUT = {
    "no picture": (3, "text.png", ["text.png: not a picture"]),
    "no file": (3, "none.png", ["none.png: cannot be read"]),
    "a folder": (3, ".", ["cannot be read"]),
    "too small": (3, "one.png", ["one.png: a kernel of 3×3 does not fit", "1×1", "--border zero"]),
    "no room to pool": (3, "tiny.png --pool max --pool-size 7", ["7×7 does not fit into a map of 6×6"]),
    "ragged rows": (2, "tiny.png --kernel '1 2; 3'", ["--kernel: the kernel's rows have 2, 1 numbers"]),
    "not square": (2, "tiny.png --kernel '1 2 3'", ["1 × 3 numbers", "square"]),
    "no number": (2, "tiny.png --kernel '1 x; 2 3'", ["'x'"]),
    "no kernel file": (3, "tiny.png --kernel none.csv", ["none.csv: cannot be read"]),
    "ragged file": (3, "tiny.png --kernel ragged.csv", ["ragged.csv: the kernel's rows have 3, 2 numbers"]),
    "binary file": (3, "tiny.png --kernel binary.csv", ["binary.csv: not a text file"]),
    "unknown operator": (2, "tiny.png --operator canny", ["'canny'", "prewitt", "all"]),
    "even size": (2, "tiny.png --size 4", ["odd", "4"]),
    "no such direction": (2, "tiny.png --detects both", ["prewitt detects vertical or horizontal"]),
    "unknown border": (2, "tiny.png --border mirror", ["'mirror'", "reflect"]),
    "border too bright": (2, "tiny.png --border 255", ["'255'", "0 … 1"]),
    "stride 0": (2, "tiny.png --stride 0", ["--stride", "x>=1"]),
    "kernel and operator": (2, "tiny.png --kernel 1 --operator sobel", ["--operator sobel", "--kernel"]),
    "kernel and size": (2, "tiny.png --kernel 1 --size 5", ["--size 5", "--kernel"]),
    "pool size alone": (2, "tiny.png --pool-size 3", ["--pool-size 3 needs --pool"]),
    "two activations": (2, "tiny.png --relu --activation tanh", ["--relu and --activation tanh"]),
    "animated sheet": (2, "tiny.png --operator all --animate", ["--animate shows one operator"]),
}


@pytest.mark.parametrize(("code", "arguments", "words"), BAD_INPUT.values(), ids=BAD_INPUT)
def test_bad_input_gets_a_clear_error_and_writes_nothing(code, arguments, words, call, tmp_path):
    ended = call(*shlex.split(arguments))
    assert ended.returncode == code, ended.stderr
    for part in words:
        assert part in ended.stderr
    assert len(ended.stderr.strip().splitlines()) <= 2, ended.stderr
    assert "bug" not in ended.stderr
    assert ended.stdout == ""
    assert files_in(tmp_path / "out") == []


def test_a_folder_that_cannot_be_written_is_named(call, tmp_path):
    (tmp_path / "out").write_text("a file")
    ended = call("tiny.png")
    assert ended.returncode == 5, ended.stderr
    assert f"{tmp_path / 'out'}" in ended.stderr
    assert "cannot be written" in ended.stderr
