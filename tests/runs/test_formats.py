"""Formats: what goes in comes out, equal content gives equal bytes, and no file can run code."""

import contextlib
import io
import pickle

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from linesexp.errors import InputError
from linesexp.runs.formats import (
    csv_bytes,
    npz_bytes,
    parse_csv,
    parse_json,
    parse_npz,
    parse_tensors,
    tensors_bytes,
)

ARRAYS = {"pixels": np.arange(600, dtype=np.uint8).reshape(2, 20, 15), "labels": np.array([0, 1])}
arrays = st.dictionaries(
    st.sampled_from(["conv1/kernel", "conv1/bias", "0000/iteration"]),
    npst.arrays(
        st.sampled_from([np.float32, np.float64, np.int64, np.uint8]),
        npst.array_shapes(min_dims=0, max_dims=4, max_side=4),
    ),
)


def assert_same(found, expected):
    assert list(found) == list(expected)
    for name, array in expected.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape), name
        np.testing.assert_array_equal(found[name], array)


def sorted_by_name(tensors):
    return dict(sorted(tensors.items()))


@settings(max_examples=40, deadline=None)
@given(arrays=arrays)
def test_npz_gives_back_what_it_was_given(arrays):
    assert_same(parse_npz(npz_bytes(arrays), "x"), arrays)


@settings(max_examples=40, deadline=None)
@given(arrays=arrays, about=st.dictionaries(st.text(max_size=5), st.integers() | st.lists(st.text(max_size=3))))
def test_tensors_give_back_what_they_were_given(arrays, about):
    found, found_about = parse_tensors(tensors_bytes(arrays, about), "x")
    assert_same(sorted_by_name(found), sorted_by_name(arrays))
    assert found_about == about


def test_arrays_in_any_memory_order_are_kept():
    turned = {"a": np.arange(12.0).reshape(3, 4).T[::2]}
    assert_same(parse_npz(npz_bytes(turned), "x"), turned)
    assert_same(parse_tensors(tensors_bytes(turned, {}), "x")[0], turned)


def test_equal_content_gives_equal_bytes(monkeypatch):
    def write():
        copies = {name: array.copy() for name, array in ARRAYS.items()}
        return npz_bytes(copies), tensors_bytes(copies, {"step": 1, "epoch": 2})

    now = write()
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    monkeypatch.setattr("time.localtime", lambda *_: (2033, 5, 18, 3, 33, 20, 2, 138, 0))
    assert write() == now
    assert tensors_bytes(ARRAYS, {"epoch": 2, "step": 1}) == now[1]


def test_npz_is_what_numpy_reads():
    with np.load(io.BytesIO(npz_bytes(ARRAYS)), allow_pickle=False) as archive:
        assert_same({name: archive[name] for name in archive.files}, ARRAYS)


# Nothing in a file is run.


class Canary:
    """Unpickling this leaves a file behind."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_the_canary_sings_when_unpickled(tmp_path):
    pickle.loads(pickle.dumps(Canary(tmp_path / "ran"))).close()  # noqa: S301
    assert (tmp_path / "ran").exists()


def test_a_pickle_in_an_npz_is_refused_and_never_run(tmp_path):
    buffer = io.BytesIO()
    np.savez(buffer, pixels=np.array([Canary(tmp_path / "ran")], dtype=object))
    for data in (buffer.getvalue(), pickle.dumps(Canary(tmp_path / "ran"))):
        with pytest.raises(InputError, match=r"^mine\.npz: not a plain \.npz file"):
            parse_npz(data, "mine.npz")
    assert not (tmp_path / "ran").exists()


def test_objects_cannot_be_written():
    with pytest.raises(ValueError, match="Object arrays"):
        npz_bytes({"a": np.array([{}])})


def npy_bytes(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data", [b"", b"text", b"PK\x03\x04", npy_bytes(np.ones(3))], ids=["empty", "text", "cut", "npy"]
)
def test_what_is_no_npz_is_refused_by_name(data):
    with pytest.raises(InputError, match=r"^mine\.npz: not a plain \.npz file"):
        parse_npz(data, "mine.npz")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text",
        b"\xff" * 20,
        tensors_bytes(ARRAYS, {})[:-1],
        safetensors.numpy.save(ARRAYS, metadata={"linesexp": "{"}),
        safetensors.numpy.save(ARRAYS, metadata={"linesexp": "[1]"}),
    ],
    ids=["empty", "text", "huge header", "cut short", "broken JSON", "no object"],
)
def test_what_are_no_tensors_of_ours_is_refused_by_name(data):
    with pytest.raises(InputError, match=r"^mine\.safetensors: not a \.safetensors file"):
        parse_tensors(data, "mine.safetensors")


def test_tensors_of_other_programs_are_read():
    found, about = parse_tensors(safetensors.numpy.save(ARRAYS), "x")
    assert_same(sorted_by_name(found), sorted_by_name(ARRAYS))
    assert about == {}


@pytest.mark.filterwarnings("ignore")  # numpy warns of some odd headers before it refuses them
@pytest.mark.parametrize(
    ("parse", "data"),
    [(parse_npz, npz_bytes(ARRAYS)), (parse_tensors, tensors_bytes({"a": np.ones(9)}, {"step": 1}))],
    ids=["npz", "tensors"],
)
def test_one_wrong_byte_anywhere_is_read_or_refused_but_never_a_crash(parse, data):
    for place in range(len(data)):
        wrong = bytearray(data)
        wrong[place] ^= 0xFF
        with contextlib.suppress(InputError):
            parse(bytes(wrong), "mine")


# Tables and JSON.


@settings(max_examples=40, deadline=None)
@given(numbers=st.lists(st.floats(allow_nan=False), min_size=1))
def test_tables_keep_every_digit(numbers):
    rows = [{"step": number, "loss": -number} for number in numbers]
    assert parse_csv(csv_bytes(rows), "x") == rows


def test_an_unknown_number_is_an_empty_cell():
    data = csv_bytes([{"step": 0, "loss": None}, {"step": 1, "loss": 0.5}])
    assert data == b"step,loss\n0,\n1,0.5\n"
    first, second = parse_csv(data, "x")
    assert np.isnan(first["loss"])
    assert second == {"step": 1, "loss": 0.5}


@pytest.mark.parametrize(
    "data",
    [b"step,loss\n1,high\n", b"step,loss\n1,2,3\n", b"step,loss\n1\n", b'step\n"1', b"\xff\xfe"],
    ids=["word", "too many cells", "too few cells", "open quote", "no text"],
)
def test_what_is_no_table_of_numbers_is_refused_by_name(data):
    with pytest.raises(InputError, match=r"^mine\.csv: not a table of numbers"):
        parse_csv(data, "mine.csv")


def test_json_objects_are_read():
    assert parse_json(b'{"a": [1, null]}', "x") == {"a": [1, None]}


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"1", b"\xff", b"[" * 100_000],
    ids=["empty", "cut", "list", "number", "bytes", "deep"],
)
def test_what_is_no_json_object_is_refused_by_name(data):
    with pytest.raises(InputError, match=r"^mine\.json: not (a )?JSON"):
        parse_json(data, "mine.json")


@pytest.mark.parametrize("text", [r'{"a": "\ud800"}', r'{"\uDC00": 1}', r'[{"a": ["\ude00\ud83d"]}]'])
def test_halves_of_signs_are_no_json(text):
    """Python reads them, and then nothing can write them or pass them on."""
    with pytest.raises(InputError, match=r"^mine\.json: not (a )?JSON"):
        parse_json(text.encode(), "mine.json")


def test_whole_signs_are_json_however_they_are_written():
    assert parse_json(rb'{"a": "\ud83d\ude00"}', "x") == parse_json('{"a": "😀"}'.encode(), "x") == {"a": "😀"}
