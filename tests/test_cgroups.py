"""Limits on groups of processes, read from files as Linux lays them out."""

import math

import pytest

from linesexp import cgroups
from linesexp.cgroups import cpu_limit, memory_limit, usable_processors

V2 = "30 23 0:28 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = (
    "31 23 0:28 / /sys/fs/cgroup ro - tmpfs tmpfs mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "33 31 0:30 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory\n"
)


@pytest.fixture
def machine(tmp_path):
    """machine(mounts, groups, {file: content}): a root folder with these."""

    def make(mounts, groups, files):
        for name, content in {
            "proc/self/mountinfo": f"22 1 8:1 / / rw - ext4 /dev/sda1 rw\n{mounts}",
            "proc/self/cgroup": groups,
            **{f"sys/fs/cgroup/{name}": content for name, content in files.items()},
        }.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(content)
        return tmp_path

    return make


def test_of_nested_groups_the_tightest_limit_counts(machine):
    root = machine(
        V2,
        "0::/system.slice/slurm/job_7/step_0\n",
        {
            "memory.max": "9000000000\n",
            "system.slice/slurm/job_7/memory.max": "2000000000\n",
            "system.slice/slurm/job_7/step_0/memory.max": "max\n",
            "system.slice/slurm/cpu.max": "250000 100000\n",
            "system.slice/slurm/job_7/step_0/cpu.max": "max 100000\n",
            "other/memory.max": "5\n",
            "other/cpu.max": "1 100000\n",
        },
    )
    assert (memory_limit(root), cpu_limit(root)) == (2e9, 2.5)


def test_version_1_has_a_tree_for_each_controller(machine):
    root = machine(
        V1,
        "9:memory:/slurm/uid_1/job_7\n3:cpu,cpuacct:/slurm\n1:name=systemd:/user\n0::/\n",
        {
            "memory/slurm/memory.limit_in_bytes": "3000000000\n",
            "memory/slurm/uid_1/job_7/memory.limit_in_bytes": "9223372036854771712\n",
            "cpu,cpuacct/slurm/cpu.cfs_quota_us": "150000\n",
            "cpu,cpuacct/slurm/cpu.cfs_period_us": "100000\n",
            "cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
            "cpu,cpuacct/cpu.cfs_period_us": "100000\n",
        },
    )
    assert (memory_limit(root), cpu_limit(root)) == (3e9, 1.5)


@pytest.mark.parametrize("path", ["/", "/docker/abc", "/docker/abc/inner"])
def test_a_container_finds_its_own_group_at_the_top(path, machine):
    mounts = V2.replace(" / /sys", " /docker/abc /sys")
    root = machine(mounts, f"0::{path}\n", {"memory.max": "1000000000\n", "inner/memory.max": "700000000\n"})
    assert memory_limit(root) == (7e8 if path.endswith("inner") else 1e9)


def test_without_groups_there_is_no_limit(machine, tmp_path):
    assert (memory_limit(tmp_path), cpu_limit(tmp_path)) == (math.inf, math.inf)
    root = machine(V1 + V2, "0::/\n", {"cpu.max": "nonsense", "memory.max": ""})
    assert (memory_limit(root), cpu_limit(root)) == (math.inf, math.inf)


@pytest.mark.parametrize(("limit", "usable"), [(math.inf, 4), (2.5, 3), (0.2, 1), (8.0, 4)])
def test_processors_are_those_that_the_system_gives_time_of(limit, usable, monkeypatch):
    monkeypatch.setattr(cgroups, "threads", lambda: 4)
    monkeypatch.setattr(cgroups, "cpu_limit", lambda: limit)
    assert usable_processors() == usable


def test_a_study_has_as_many_workers_unless_told_otherwise(monkeypatch):
    from linesexp.commands import study as command

    assert command.usable_processors is usable_processors
    monkeypatch.setattr(command, "usable_processors", lambda: 1)
    nothing = dict.fromkeys(("jobs", "scheduler", "scheduler_file"))
    assert command._engine(nothing, None, print, False).__name__ == "here"
    monkeypatch.setattr(command, "usable_processors", lambda: 3)
    assert command._engine(nothing, None, print, False).__name__ == "on_a_cluster"
    assert command._engine(nothing | {"jobs": 1}, None, print, False).__name__ == "here"


def test_mount_points_of_any_name_are_read_past(machine):
    root = machine(V2, "0::/job\n", {"job/memory.max": "2000000000\n"})
    mounts = root / "proc/self/mountinfo"
    mounts.write_bytes(b"40 22 0:50 / /media/M\xfcller rw - tmpfs tmpfs rw\n" + mounts.read_bytes())
    assert memory_limit(root) == 2e9
