"""A study on worker processes of this machine: what it makes, and what it survives."""

import json
import os
import signal
from functools import partial

import psutil
import pytest

from linesexp.errors import InputError, StorageError, StudyIncomplete
from linesexp.runs import atomic
from linesexp.study.cluster import started_here
from linesexp.study.dispatch import Limits, train_on
from linesexp.study.plan import planned
from linesexp.study.reading import open_study

pytestmark = pytest.mark.xdist_group("dask")
BAD = "default/d0/s4-5"


@pytest.fixture(scope="module")
def client():
    patch = pytest.MonkeyPatch()
    patch.syspath_prepend(os.path.dirname(__file__))
    with started_here(2, memory_limit="400MB") as client:
        yield client
    patch.undo()


@pytest.fixture
def on_workers(client, settings, told):
    """on_workers(work): an engine on the two workers."""

    def engine(work, limits=None):
        return partial(
            train_on, client, study=settings.digest, ours=True, say=told.say, work=work, limits=limits
        )

    return engine


def worker_pids(client):
    return list(client.run(os.getpid).values())


def test_a_study_on_workers_equals_one_in_this_process(
    on_workers, settings, train, tiny_blocks, undisturbed, results, told, tmp_path
):
    found = train(tmp_path / "study", settings, on_workers(tiny_blocks.quick))
    assert results(tmp_path / "study") == undisturbed
    assert (found.members, found.trained_members, found.failed) == (20, 20, {})
    assert told[-1][:2] == (10, 10)


@pytest.mark.slow
@pytest.mark.parametrize("how_many", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_study_survives_that_workers_are_killed(
    how_many, client, on_workers, settings, train, tiny_blocks, undisturbed, results, tmp_path, wait_for
):
    before = worker_pids(client)

    def engine(blocks):
        for number, ended in enumerate(on_workers(tiny_blocks.slow)(blocks)):
            if number == 2:
                for pid in before[:how_many]:
                    os.kill(pid, signal.SIGKILL)
            yield ended

    found = train(tmp_path / "study", settings, engine)
    assert not found.failed
    assert results(tmp_path / "study") == undisturbed
    wait_for(lambda: len(set(worker_pids(client)) - set(before)) == how_many)


@pytest.mark.parametrize(
    ("how", "cause"),
    [
        ("raises", "RuntimeError: cannot be trained"),
        pytest.param(
            "dies",
            "most likely for want of memory; fewer --jobs or a smaller --block-size needs less",
            marks=pytest.mark.slow,
        ),
        pytest.param("eats", "more memory than a worker may take", marks=pytest.mark.slow),
        pytest.param("starves", "MemoryError: Unable to allocate", marks=pytest.mark.slow),
    ],
)
def test_a_block_that_goes_wrong_is_named_with_its_cause_and_the_rest_finishes(
    how, cause, on_workers, settings, train, tiny_blocks, undisturbed, results, told, tmp_path
):
    wrong = tiny_blocks.Wrong(how, [BAD], tmp_path)
    found = train(tmp_path / "study", settings, on_workers(wrong))
    assert list(found.failed) == [BAD]
    assert cause in found.failed[BAD]
    assert "\n" not in found.failed[BAD]
    assert told.text.count(found.failed[BAD]) == 1
    assert any(f"{BAD} failed" in str(words) for words in told)
    assert len(list(tmp_path.glob(f"{how}-*"))) == 3
    kept = results(tmp_path / "study")
    assert kept == {name: data for name, data in undisturbed.items() if "default/d0-s4-5" not in name}
    study = open_study(tmp_path / "study")
    assert study.failed == found.failed
    assert [block.key for block in study.missing] == [BAD]

    # The same command again, once nothing is wrong any more.
    again = train(tmp_path / "study", settings, on_workers(tiny_blocks.quick))
    assert (again.trained_blocks, again.failed) == (1, {})
    assert results(tmp_path / "study") == undisturbed
    assert open_study(tmp_path / "study").failed == {}


def test_a_block_that_fails_alike_on_two_workers_stops_the_study(
    on_workers, settings, train, tiny_blocks, results, told, tmp_path
):
    told.clear()
    with pytest.raises(
        StudyIncomplete, match=r"s\d-\d: ValueError: shapes \(2, 3\) and \(4,\) do not fit; it fail"
    ):
        train(tmp_path / "study", settings, on_workers(tiny_blocks.misshapen))
    assert told.text == ""
    assert len(open_study(tmp_path / "study").failed) == 1  # which of those in flight is chance


@pytest.mark.slow
def test_blocks_that_fail_on_one_worker_as_they_would_anywhere_are_trained_on_the_other(
    client, on_workers, settings, train, tiny_blocks, undisturbed, results, told, tmp_path, wait_for
):
    wait_for(lambda: len(worker_pids(client)) == 2)  # a test before may have killed one
    poor = partial(tiny_blocks.poorly_installed, worker_pids(client)[0])
    found = train(tmp_path / "study", settings, on_workers(poor))
    assert not found.failed
    assert told.text.count("ValueError: this worker has another file; tried again") == 1
    assert results(tmp_path / "study") == undisturbed


def test_how_members_were_convolved_comes_back_from_workers(
    on_workers, deep, train, tiny_blocks, told, tmp_path
):
    train(tmp_path / "study", deep, on_workers(partial(tiny_blocks.convolved, "grouped")), debug=True)
    assert told.text.count(": members convolved grouped") == 10
    environment = json.loads((tmp_path / "study" / "environment.json").read_text())
    assert environment["member_convolution"] == ["grouped"]


@pytest.mark.parametrize("how", ["raises", pytest.param("dies", marks=pytest.mark.slow)])
def test_a_block_that_goes_wrong_twice_is_trained_the_third_time(
    how, on_workers, settings, train, tiny_blocks, undisturbed, results, tmp_path
):
    wrong = tiny_blocks.Wrong(how, [BAD], tmp_path, times=2)
    found = train(tmp_path / "study", settings, on_workers(wrong))
    assert not found.failed
    assert results(tmp_path / "study") == undisturbed


@pytest.mark.slow
def test_blocks_that_fail_on_one_worker_are_trained_on_the_other(
    client, on_workers, settings, train, tiny_blocks, undisturbed, results, told, tmp_path
):
    poor = partial(tiny_blocks.poor, worker_pids(client)[0])
    found = train(tmp_path / "study", settings, on_workers(poor))
    assert not found.failed
    assert any("MemoryError: this worker has none; tried again" in str(words) for words in told)
    assert results(tmp_path / "study") == undisturbed


@pytest.mark.slow
def test_blocks_that_wait_for_a_worker_that_is_killed_go_to_the_one_that_replaces_it(
    client, on_workers, settings, train, tiny_blocks, undisturbed, results, tmp_path
):
    every = [block.key for block in planned(settings)]
    wrong = tiny_blocks.Wrong("raises", every, tmp_path, times=1)

    def engine(blocks):
        for number, ended in enumerate(on_workers(wrong)(blocks)):
            if number == 2:
                os.kill(worker_pids(client)[0], signal.SIGKILL)
            yield ended

    found = train(tmp_path / "study", settings, engine)
    assert not found.failed
    assert results(tmp_path / "study") == undisturbed


@pytest.mark.slow
def test_a_block_that_is_stuck_is_trained_anew_on_a_new_worker(
    on_workers, settings, train, tiny_blocks, undisturbed, results, told, tmp_path
):
    wrong = tiny_blocks.Wrong("hangs", [BAD], tmp_path, times=1)
    found = train(tmp_path / "study", settings, on_workers(wrong, Limits(block=1)))
    assert not found.failed
    assert f"{BAD}: took longer than 1 s (see --block-limit); tried again" in told
    assert results(tmp_path / "study") == undisturbed


@pytest.mark.slow
def test_a_full_disk_ends_a_study_and_keeps_what_it_took(
    on_workers, settings, train, tiny_blocks, undisturbed, results, tmp_path, monkeypatch
):
    def full(handle):
        raise OSError(28, "No space left on device")

    def engine(blocks):
        for number, ended in enumerate(on_workers(tiny_blocks.slow)(blocks)):
            if number == 4:
                monkeypatch.setattr(atomic.os, "fsync", full)
            yield ended

    with pytest.raises(StorageError, match=r"blocks/.*No space left on device"):
        train(tmp_path / "study", settings, engine)
    monkeypatch.undo()
    kept = results(tmp_path / "study")
    assert 0 < len(kept) < 10
    monkeypatch.syspath_prepend(os.path.dirname(__file__))
    train(tmp_path / "study", settings, on_workers(tiny_blocks.quick))
    assert results(tmp_path / "study") == undisturbed


def test_few_blocks_are_out_at_any_time(on_workers, settings, tiny_blocks):
    taken = []

    def watched():
        for block in planned(settings):
            taken.append(block)
            yield block

    most = 0
    for done, _ in enumerate(on_workers(tiny_blocks.quick)(watched()), start=1):
        most = max(most, len(taken) - done)
    assert done == 10
    assert most <= 5  # twice the workers, and one


def test_nothing_of_a_cluster_listens_beyond_this_machine_or_stays_behind():
    with started_here(1) as client:
        pids = [os.getpid(), *worker_pids(client)]
        heard = [
            each.laddr.ip
            for pid in pids
            for each in psutil.Process(pid).net_connections("inet")
            if each.status == psutil.CONN_LISTEN
        ]
        assert heard
        assert set(heard) == {"127.0.0.1"}
    assert not [pid for pid in pids[1:] if psutil.pid_exists(pid)]


def test_a_memory_limit_that_says_no_size_is_refused():
    for limit in ("much", "2", "-1GB"):
        with pytest.raises(InputError, match="such as 2GB"), started_here(1, memory_limit=limit):
            pass
