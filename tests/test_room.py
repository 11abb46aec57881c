"""Whether there is room: estimates that are near the truth, and errors that say what would fit."""

import errno
import os
import resource
import shutil
import sys
from collections import namedtuple

import numpy as np
import pytest

from linesexp import needs, room
from linesexp.commands.ending import explain
from linesexp.config import build_config
from linesexp.environment import threads
from linesexp.errors import NoMemory, StorageError
from linesexp.experiment import generate, train
from linesexp.inspecting import inspect as inspecting
from linesexp.looking import networks
from linesexp.needs import Memory, Pictures
from linesexp.report.making import make, makers
from linesexp.run import Run, open_run
from linesexp.runs import RunFolder

KERAS = pytest.mark.xdist_group("keras")
# Keras saves its variables in a way that NumPy 2 frowns upon.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
DEFAULT = build_config()
Usage = namedtuple("Usage", "total used free")
GB = 1e9
PLENTY = Memory(float("inf"), float("inf"))


@pytest.fixture
def disk(monkeypatch):
    """disk(free): that many bytes are free, wherever one asks; returns the places that were asked about."""

    def set_free(free):
        asked = []
        monkeypatch.setattr(shutil, "disk_usage", lambda path: asked.append(path) or Usage(0, 0, int(free)))
        return asked

    return set_free


def stage_bytes(run, stage):
    return sum(entry.bytes for entry in RunFolder(run).manifest().values() if entry.stage == stage)


def silent(*_):
    pass


# Estimates.


def test_the_default_network_has_the_weights_that_are_counted():
    assert needs.weights_of(DEFAULT, needs.drawn_pictures(DEFAULT)) == 6226


@pytest.mark.parametrize(
    ("network", "channels", "size"),
    [({"filters": (4, 4), "kernel_sizes": (5, 3)}, 1, 20), ({"padding": "same", "pool_size": 3}, 3, 40)],
)
@KERAS
def test_weights_are_counted_as_keras_counts_them(network, channels, size):
    from linesexp.learning.network import build_network

    config = build_config({"network": network, "images": {"size": size, "length_px": (10, 20)}})
    assert needs.weights_of(config, Pictures(9, size, channels, 5)) == (
        build_network(config, channels, 5).count_params()
    )


def test_steps_are_counted_as_they_were_recorded(tiny_run):
    run = open_run(tiny_run)
    counted = needs.recorded_steps(run.config, Pictures(len(run.dataset.split[run.dataset.split == 0]), 20))
    assert counted - len(run.history.steps) in (0, 1)


@pytest.mark.parametrize(
    ("stage", "estimate"),
    [
        ("generate", needs.space_to_generate),
        ("train", needs.space_to_train),
        ("report", needs.space_to_report),
    ],
)
def test_the_space_of_a_stage_is_estimated_with_something_to_spare_and_not_much(tiny_run, stage, estimate):
    run = open_run(tiny_run)
    needed = estimate(run.config, room.pictures_of(run.dataset))
    # The report of a tiny run has smaller pictures than that of the usual one.
    assert stage_bytes(tiny_run, stage) < needed < 4 * stage_bytes(tiny_run, stage)


@pytest.mark.parametrize("noise", [0.0, 0.1, 1.0])
def test_noisy_pictures_are_estimated_too(tmp_path, tiny_config, noise):
    config = build_config({"images": {"pictures_per_class": 600, "noise": noise}})
    generate(tmp_path / "run", config, force=False, say=silent)
    estimate = needs.space_to_generate(config, needs.drawn_pictures(config))
    assert stage_bytes(tmp_path / "run", "generate") < estimate < 6 * stage_bytes(tmp_path / "run", "generate")


# Disk.


def test_pictures_that_will_not_fit_are_not_drawn(tmp_path, tiny_config, disk):
    asked = disk(1000)
    with pytest.raises(StorageError, match=r"run: the data set needs about 6\d kB there, and 1 kB are free"):
        generate(tmp_path / "run", tiny_config, force=False, say=silent)
    assert not list(tmp_path.glob("run/*.npz"))
    assert asked == [tmp_path / "run"]


def test_a_training_that_will_not_fit_is_not_begun(run, tiny_config, disk):
    folder = RunFolder(run)
    with folder.writing():
        folder.forget(folder.names(stage="train"))
    before = sorted(path.name for path in run.iterdir())
    disk(100_000)
    with pytest.raises(StorageError, match=r"run: the training needs about \d+ kB there, and 100 kB are free"):
        train(run, tiny_config, force=False, debug=False, say=silent, progress=silent)
    assert sorted(path.name for path in run.iterdir()) == before


def test_what_is_there_already_needs_no_room(run, tiny_config, disk):
    """A finished training, or report, is one even on a full disk."""
    disk(0)
    assert not train(run, tiny_config, force=False, debug=False, say=silent, progress=silent).made
    assert make(open_run(run), *makers(open_run(run))) == []
    pictures = room.pictures_of(open_run(run).dataset)
    disk(needs.space_to_train(tiny_config, pictures) - stage_bytes(run, "train") + 1)
    room.check_room_to_train(RunFolder(run), tiny_config, pictures)


def test_a_report_that_will_not_fit_is_not_begun(run, disk):
    folder = RunFolder(run)
    with folder.writing():
        folder.forget(folder.names(stage="report"))
    disk(100_000)
    with pytest.raises(StorageError, match="run: the report needs about"):
        make(open_run(run), *makers(open_run(run)))


def test_a_disk_that_does_not_tell_is_written_to(tmp_path, tiny_config, monkeypatch):
    def silent_disk(_):
        raise OSError(errno.ENOSYS, "not implemented")

    monkeypatch.setattr(shutil, "disk_usage", silent_disk)
    assert generate(tmp_path / "run", tiny_config, force=False, say=silent).made


def test_the_disk_is_that_of_the_folder_above_while_a_folder_is_not_there(tmp_path, disk):
    asked = disk(10)
    with pytest.raises(StorageError):
        room.check_space(tmp_path / "a/b/c", 11, "it", "less")
    assert asked == [tmp_path]


# Memory.


def limited(monkeypatch, **limits):
    monkeypatch.setattr(room, "free_memory", lambda: Memory(**(vars(PLENTY) | limits)))


@pytest.mark.parametrize("kind", ["bytes", "addresses"])
def test_a_training_without_the_memory_says_which_batch_would_fit(run, monkeypatch, kind):
    config = build_config({"training": {"batch_size": 4096}})
    pictures = Pictures(6000, 50)
    fits = needs.memory_to_train(build_config({"training": {"batch_size": 1024}}), pictures, threads())
    limited(monkeypatch, **{kind: getattr(fits, kind) + 1})
    with pytest.raises(NoMemory, match=r"the training needs about \S+ GB of .*; batch_size = 1024 would fit"):
        room.check_room_to_train(RunFolder(run), config, pictures)


def test_networks_side_by_side_without_the_addresses_say_how_many_would_fit(monkeypatch):
    config = build_config({"training": {"batch_size": 4096}})
    pictures = needs.drawn_pictures(config)
    limited(monkeypatch, addresses=needs.memory_to_train(config, pictures, 1, 4).addresses + 1)
    words = (
        r"training 16 networks side by side needs about \S+ GB of .*\(ulimit -v\).*; --block-size 4 would fit"
    )
    with pytest.raises(NoMemory, match=words), room.room_for_members(config, 16):
        raise AssertionError("not to be begun")
    limited(monkeypatch, addresses=1 * GB)
    with pytest.raises(NoMemory, match="little more than TensorFlow takes"), room.room_for_members(config, 16):
        raise AssertionError("not to be begun")


@pytest.mark.parametrize(
    ("members", "says"), [(8, "with 8 networks .*; --block-size 4 needs less"), (1, "--batch-size needs less")]
)
def test_memory_that_runs_out_in_a_study_is_named_with_what_needs_less(members, says):
    with pytest.raises(NoMemory, match=says), room.room_for_members(DEFAULT, members):
        raise MemoryError
    with pytest.raises(ZeroDivisionError), room.room_for_members(DEFAULT, members):
        raise ZeroDivisionError


def test_less_than_tensorflow_takes_is_said_to_be_that(run, monkeypatch):
    limited(monkeypatch, addresses=1.1 * GB)
    words = r"address space, and the limit \(ulimit -v\) is 1\.1 GB; .* than TensorFlow takes"
    with pytest.raises(NoMemory, match=words):
        room.check_room_to_train(RunFolder(run), DEFAULT, Pictures(1200, 50))


def test_pictures_without_the_memory_say_how_many_would_fit(tmp_path, monkeypatch):
    config = build_config({"images": {"pictures_per_class": 1_000_000, "noise": 0.1}})
    limited(monkeypatch, bytes=1 * GB)
    with pytest.raises(
        NoMemory, match=r"drawing 2000000 pictures needs .*pictures_per_class = (\d+) would fit"
    ) as e:
        room.check_room_to_generate(tmp_path, config)
    count = int(str(e.value).split("pictures_per_class = ")[1].split()[0])
    need = needs.memory_to_generate(Pictures(2 * count, 50))
    assert 0.9 * GB < need.bytes <= 1 * GB


@pytest.mark.parametrize("wide", [build_config(), build_config({"training": {"batch_size": 256}})])
def test_the_usual_settings_fit_into_three_gigabytes(wide):
    need = needs.memory_to_train(wide, needs.drawn_pictures(wide), threads=2)
    assert need.bytes < 1 * GB
    assert need.addresses < 3.3 * GB


def test_without_proc_the_machines_memory_is_what_there_is(tmp_path, monkeypatch):
    """As on macOS."""
    monkeypatch.setattr(room, "PROC", tmp_path)
    monkeypatch.setattr(room, "memory_limit", lambda: float("inf"))
    assert room.free_memory().bytes == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    monkeypatch.delattr(os, "sysconf")
    monkeypatch.delattr(resource, "RLIMIT_AS")
    assert room.free_memory() == PLENTY  # then the system itself says when there is no more


@pytest.mark.parametrize(
    "look",
    [
        lambda run, out: networks.open_network(str(run / "model.keras")),
        lambda run, out: networks.open_network(str(run)).models,
        lambda run, out: inspecting.inspect_file(run / "model.keras", out),
    ],
    ids=["see a model", "see a run", "inspect"],
)
def test_what_needs_tensorflow_is_refused_before_it_is_imported(look, tiny_run, tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)  # which another test may have imported
    for module in (networks, inspecting):
        monkeypatch.setattr(module, "quiet_import", no_import)
    limited(monkeypatch, addresses=2 * GB)
    with pytest.raises(NoMemory, match=r"needs about \S+ GB of address space, and the limit \(ulimit -v\) is"):
        look(tiny_run, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def no_import(*_):
    raise AssertionError("not to be imported")


def test_the_limit_of_this_process_is_seen():
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    assert room.free_memory().bytes > 0
    limit = 64 * 10**12
    try:
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
        assert room.free_memory().addresses == limit
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


class ResourceExhaustedError(Exception):
    """As TensorFlow's."""


@pytest.mark.parametrize(
    "error", [MemoryError("Unable to allocate 7 GiB"), ResourceExhaustedError("OOM when …")]
)
def test_memory_that_runs_out_in_training_is_named_with_what_needs_less(tmp_path, error):
    with (
        pytest.raises(NoMemory, match=r"with batch_size = 32; batch_size = 16 needs about \d+ MB instead of"),
        room.naming_memory(tmp_path, DEFAULT, Pictures(1200, 50)),
    ):
        raise error


def test_another_error_is_not_taken_for_one_of_memory(tmp_path):
    with pytest.raises(ZeroDivisionError), room.naming_memory(tmp_path, DEFAULT, Pictures(1200, 50)):
        raise ZeroDivisionError


@pytest.mark.parametrize(
    "error",
    [
        np._core._exceptions._ArrayMemoryError((10**9,), np.dtype(float)),
        ImportError("libtensorflow_cc.so.2: failed to map segment from shared object"),
    ],
)
def test_memory_that_runs_out_elsewhere_is_no_bug(error, capsys):
    assert explain(error) == NoMemory.exit_code
    said = capsys.readouterr().err
    assert said.startswith("Error: out of memory (")
    assert "need less" in said
    assert len(said.splitlines()) == 1


@KERAS
def test_a_run_keeps_what_was_recorded_before_memory_ran_out(tmp_path, tiny_config, monkeypatch):
    generate(tmp_path / "run", tiny_config, force=False, say=silent)

    def exhausted(model, dataset, config, *, checkpoint, record, **others):
        shapes = config.network.weight_shapes(config.images.size, 1, 2)
        record(0.0, {name: np.zeros(shape, np.float32) for name, shape in shapes.items()})
        raise MemoryError

    monkeypatch.setattr("linesexp.learning.training.train", exhausted)
    with pytest.raises(NoMemory, match="batch_size"):
        train(tmp_path / "run", tiny_config, force=False, debug=False, say=silent, progress=silent)
    assert len(Run(RunFolder(tmp_path / "run")).history.steps) == 1
    assert os.listdir(tmp_path) == ["run"]
