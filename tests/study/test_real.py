"""Studies of real networks, from the command line to the kernels."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

from linesexp.runs import RunFolder
from linesexp.study.reading import open_study

pytestmark = pytest.mark.xdist_group("dask")
STUDY = ("--conditions", "default,frozen-prewitt", "--seeds", "3", "--block-size", "2", "--epochs", "1")


def kernels_of(path):
    """Block's key → its kernels, and all its trained weights."""
    return {block.key: (result.kernels, result.trained) for block, result in open_study(path)}


def assert_same(found, wanted):
    assert found.keys() == wanted.keys()
    for key, (kernels, trained) in wanted.items():
        assert found[key][0].tobytes() == kernels.tobytes(), key
        for name, values in trained.items():
            assert found[key][1][name].tobytes() == values.tobytes(), (key, name)


@pytest.fixture(scope="module")
def alone(started, tiny_toml, tmp_path_factory):
    """What a study in a process of its own gives, and what was said meanwhile."""
    place = tmp_path_factory.mktemp("alone")
    ended = started("study", "out", "--config", tiny_toml, *STUDY, "--jobs", "1", cwd=place)
    assert ended.returncode == 0, ended.stderr
    return kernels_of(place / "out"), ended.stderr


@pytest.mark.slow
def test_a_study_trains_networks_in_this_process(alone):
    found, said = alone
    assert "WARNING" not in said
    assert "epoch 1 of 1" in said
    assert list(found) == [
        *("default/d0/s0-1", "default/d0/s2", "frozen-prewitt/d0/s0-1", "frozen-prewitt/d0/s2"),
    ]
    learned, frozen = found["default/d0/s0-1"][0], found["frozen-prewitt/d0/s0-1"][0]
    assert not np.array_equal(learned[:, 0], learned[:, -1])
    assert np.array_equal(frozen[:, 0], frozen[:, -1])
    assert np.array_equal(frozen[0], frozen[1])


@pytest.mark.slow
def test_workers_here_and_elsewhere_give_the_same_bytes(alone, started, tiny_toml, tmp_path, processes):
    settings = ("--config", tiny_toml, *STUDY)
    processes.scheduler()
    for _ in range(2):
        processes.worker()
    ways = []
    for out, where in (
        ("two", ("--jobs", "2")),
        ("cluster", ("--scheduler-file", processes.file)),
    ):
        ended = started("study", out, *settings, *where, cwd=tmp_path)
        assert ended.returncode == 0, ended.stderr
        assert "WARNING" not in ended.stderr
        assert_same(kernels_of(tmp_path / out), alone[0])
        ways.append(json.loads((tmp_path / out / "environment.json").read_text())["member_convolution"])
    assert ways[0] in (["grouped"], ["one by one"])
    assert ways[0] == ways[1]


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of the address space are Linux's")
def test_a_worker_with_too_few_addresses_says_what_would_fit_and_others_train_its_blocks(
    alone, started, tiny_toml, tmp_path, processes
):
    settings = ("--config", tiny_toml, *STUDY)
    processes.scheduler()
    poor = processes.worker()
    resource.prlimit(poor.pid, resource.RLIMIT_AS, (10**9, 10**9))  # its nanny's child inherits it
    processes.worker()
    ended = started(
        "study", "out", *settings, "--scheduler-file", processes.file, "--wait-for-workers", "60", cwd=tmp_path
    )
    assert ended.returncode == 0, ended.stderr
    assert re.search(r"NoMemory: training \d networks side by side needs about", ended.stderr)
    assert_same(kernels_of(tmp_path / "out"), alone[0])


@pytest.mark.hours  # with work that trains nothing: test_cluster.py, test_command.py
def test_killed_workers_and_a_killed_client_change_no_bit(
    linesexp, script, environment, tiny_toml, tmp_path, children_of, wait_for
):
    settings = ("--config", str(tiny_toml), *STUDY, "--seeds", "8", "--epochs", "20")
    ended = linesexp("study", "one", *settings, "--jobs", "1", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr

    def start():
        return subprocess.Popen(
            [script, "study", "out", *settings, "--jobs", "2"],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def blocks():
        return len(RunFolder(tmp_path / "out").names(prefix="blocks/"))

    def workers(process):
        return [child for child in children_of(process.pid) if "spawn_main" in " ".join(child.cmdline())]

    first = start()
    wait_for(lambda: blocks() >= 1, 120)
    for child in workers(first):
        child.kill()
    before = blocks()
    wait_for(lambda: blocks() >= before + 1, 120)
    first.kill()
    first.communicate()
    second = start()
    _, stderr = second.communicate(timeout=300)
    assert second.returncode == 0, stderr
    assert_same(kernels_of(tmp_path / "out"), kernels_of(tmp_path / "one"))


@pytest.mark.slow
def test_ctrl_c_in_the_middle_of_training_ends_everything(
    script, environment, tiny_toml, tmp_path, children_of, wait_for
):
    """With its workers; without any: tests/reliability/test_stops.py."""
    # Blocks of a few seconds each.
    how = ("--config", str(tiny_toml), "--seeds", "64", "--block-size", "4", "--epochs", "200")
    process = subprocess.Popen(
        [script, "study", "out", "--jobs", "2", *how],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Even where the tests run in the background, whose processes ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    wait_for(lambda: len(RunFolder(tmp_path / "out").names(prefix="blocks/")) >= 1, 300)
    time.sleep(1)  # in the next block
    children = children_of(process.pid)
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in stderr
    wait_for(lambda: not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in children))
