"""A study on a running Dask cluster: a real scheduler and real workers, each a process of its own."""

import contextlib
import json
import logging
import socket
import threading
from pathlib import Path

import msgspec
import pytest

from linesexp.environment import versions
from linesexp.errors import InputError, StudyIncomplete
from linesexp.study import cluster
from linesexp.study.cluster import address_in, running
from linesexp.study.dispatch import Limits, train_on
from linesexp.study.local import train_here

pytestmark = pytest.mark.xdist_group("dask")


@pytest.fixture
def on_cluster(processes, settings, told):
    """on_cluster(work): an engine on the scheduler that `processes` has started."""

    def engine(work, limits=None):
        def run(blocks):
            with running(address_in(processes.file)) as client:
                yield from train_on(
                    client, blocks, study=settings.digest, ours=False, say=told.say, work=work, limits=limits
                )

        return run

    return engine


def other_keras(folder):
    """A folder whose place in PYTHONPATH lets a process believe that it has another Keras."""
    place = folder / "other" / "keras-9.9.dist-info"
    place.mkdir(parents=True)
    (place / "METADATA").write_text("Metadata-Version: 2.1\nName: keras\nVersion: 9.9\n")
    return str(place.parent)


@pytest.mark.slow
def test_a_study_survives_its_workers_and_its_scheduler(
    processes,
    on_cluster,
    settings,
    train,
    tiny_blocks,
    undisturbed,
    results,
    told,
    tmp_path,
    children_of,
    wait_for,
):
    scheduler = processes.scheduler()
    workers = [processes.worker() for _ in range(2)]

    def killing(blocks):
        with contextlib.closing(on_cluster(tiny_blocks.slow)(blocks)) as ends:
            for number, ended in enumerate(ends):
                if number == 1:
                    for each in children_of(workers[0].pid):  # the nanny starts another
                        each.kill()
                if number == 5:
                    scheduler.kill()
                yield ended

    with pytest.raises(StudyIncomplete, match="scheduler is gone"):
        train(tmp_path / "study", settings, killing)
    kept = results(tmp_path / "study")
    assert 5 <= len(kept) < 10
    train(tmp_path / "study", settings, lambda blocks: train_here(blocks, tiny_blocks.quick))
    assert results(tmp_path / "study") == undisturbed


@pytest.mark.slow
def test_workers_with_other_versions_or_threads_are_refused_and_named(
    processes, on_cluster, settings, train, tiny_blocks, undisturbed, results, told, tmp_path
):
    processes.scheduler()
    other = other_keras(tmp_path)
    refused = processes.worker("--no-nanny", PYTHONPATH=other)
    with pytest.raises(InputError, match=rf"worker tcp\S+ has keras 9\.9 \(here {versions()['keras']}\)"):
        train(tmp_path / "study", settings, on_cluster(tiny_blocks.quick))
    refused.kill()
    refused.wait()

    # One that is right, and after the start two that are not.
    processes.worker("--no-nanny")
    late = []

    def joined_later(blocks):
        with contextlib.closing(on_cluster(tiny_blocks.slow)(blocks)) as ends:
            for ended in ends:
                if not late:
                    late.append(processes.worker("--no-nanny", PYTHONPATH=other))
                    late.append(processes.worker("--no-nanny", "--nthreads", "2"))
                yield ended
                if "has keras 9.9" in told.text and "has 2 threads" in told.text:
                    return

    found = train(tmp_path / "many", msgspec.structs.replace(settings, seeds=((0, 1000),)), joined_later)
    assert not found.failed
    assert "has keras 9.9" in told.text
    assert "has 2 threads; start it with --nthreads 1" in told.text
    for each in late:  # and they end
        each.wait(timeout=30)


def test_without_workers_a_study_ends(processes, on_cluster, settings, train, tiny_blocks, tmp_path):
    processes.scheduler()
    with pytest.raises(StudyIncomplete, match=r"no worker for 1 s .*--wait-for-workers.*dask worker tcp://"):
        train(tmp_path / "study", settings, on_cluster(tiny_blocks.quick, Limits(workers=1)))


@pytest.mark.parametrize(
    ("what", "reason"), [("closed", "Connection refused"), ("silent", "no answer"), ("nowhere", "missing port")]
)
def test_a_scheduler_that_does_not_answer_is_named_within_ten_seconds(what, reason, monkeypatch):
    assert cluster.ANSWER_WITHIN < 10
    monkeypatch.setattr(cluster, "ANSWER_WITHIN", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        if what == "closed":
            server.close()
        elif what == "nowhere":
            address = what
        with pytest.raises(InputError, match=reason) as found, running(address):
            pass
    assert str(found.value).startswith(f"{address}: no Dask scheduler there")
    assert "\n" not in str(found.value)


def test_a_scheduler_file_is_read_and_waited_for_a_moment(tmp_path):
    file = tmp_path / "scheduler.json"
    for content, words in ((None, "no such file"), ("{", "not a file that"), ('{"id": 1}', "not a file that")):
        if content is not None:
            file.write_text(content)
        with pytest.raises(InputError, match=words) as found:
            address_in(file, within=0.2)
        assert str(found.value).startswith(str(file))
    file.write_text(json.dumps({"address": "tcp://10.0.0.1:8786"}))
    assert address_in(file) == "tcp://10.0.0.1:8786"


@pytest.mark.slow
def test_a_scheduler_file_of_an_earlier_job_is_read_again_until_the_new_one_is_there(processes, monkeypatch):
    monkeypatch.setattr(cluster, "ONE_TRY", 0.3)
    processes.scheduler()
    fresh = processes.file.read_text()
    with socket.create_server(("127.0.0.1", 0)) as server:
        stale = f"tcp://127.0.0.1:{server.getsockname()[1]}"
    processes.file.write_text(json.dumps({"address": stale}))
    later = threading.Timer(1, processes.file.write_text, [fresh])
    later.start()
    with running(processes.file) as client:
        assert client.scheduler.address == json.loads(fresh)["address"]
    later.join()


def test_a_scheduler_file_whose_scheduler_never_comes_is_named_with_the_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "ANSWER_WITHIN", 0.5)
    monkeypatch.setattr(cluster, "ONE_TRY", 0.2)
    file = tmp_path / "scheduler.json"
    file.write_text(json.dumps({"address": "tcp://127.0.0.1:1"}))
    with pytest.raises(InputError, match=r"json: tcp://127.0.0.1:1: .*Connection refused"), running(file):
        pass


@pytest.mark.parametrize(
    ("greeting", "first"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n", True),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", False),
        (b"\0\0\0\0\2\0\0\0", True),
    ],
    ids=["ssh", "http", "8 GiB"],
)
def test_another_program_at_the_address_is_called_so_and_no_room_is_made_for_what_it_claims(
    greeting, first, monkeypatch
):
    from distributed.comm import tcp

    claimed = []
    room = tcp.read_bytes_rw
    monkeypatch.setattr(tcp, "read_bytes_rw", lambda stream, n: (claimed.append(n), room(stream, n))[1])
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            with contextlib.suppress(OSError), server.accept()[0] as connection:
                if not first:
                    connection.recv(10)
                connection.sendall(greeting)
                connection.recv(100_000)

        threading.Thread(target=answer, daemon=True).start()
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(InputError, match=r"no Dask scheduler there \(another program\)"), running(address):
            pass
    assert claimed == []


def test_no_log_of_dask_reaches_the_terminal_meanwhile():
    names = ("distributed", "distributed.client", "distributed.core", "tornado.application")
    levels = [logging.getLogger(name).level for name in names]
    assert levels[1]  # a level of its own, which that of `distributed` says nothing about
    with cluster._silent_logs():
        assert not any(logging.getLogger(name).isEnabledFor(logging.CRITICAL) for name in names)
    assert [logging.getLogger(name).level for name in names] == levels


def test_the_batch_script_of_the_readme_takes_no_scheduler_file_of_an_earlier_job():
    lines = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8").splitlines()
    begins = next(
        at for at, line in enumerate(lines) if line.startswith("dask scheduler") and line.endswith("&")
    )
    script = lines[lines.index("#!/bin/bash") : begins]
    assert any(line.startswith("rm -f scheduler.json") for line in script)
