"""Limits of memory and CPU time on groups of processes, as Slurm and containers set them.

Linux only; elsewhere there are none. A group has the limits of all groups around it, of versions 1 and 2 alike.
"""

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path

from linesexp.environment import threads


def memory_limit(root: Path = Path("/")) -> float:
    """Bytes that the processes of this one's groups may take together; infinite without a limit."""
    found = (
        _numbers(folder / name)[:1]
        for folder in _groups("memory", root)
        for name in ("memory.max", "memory.limit_in_bytes")
    )
    return min((numbers[0] for numbers in found if numbers), default=math.inf)


def cpu_limit(root: Path = Path("/")) -> float:
    """Processors' worth of time that they may take; infinite without a limit."""
    shares = []
    for folder in _groups("cpu", root):
        for files in (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")):
            numbers = [number for name in files for number in _numbers(folder / name)]
            if len(numbers) == 2 and min(numbers) > 0:  # a quota of -1 is none
                shares.append(numbers[0] / numbers[1])
    return min(shares, default=math.inf)


def usable_processors() -> int:
    """How many processors this process may keep busy; the part of one counts as one."""
    limit = cpu_limit()
    return threads() if limit == math.inf else max(1, min(threads(), math.ceil(limit)))


def _groups(controller: str, root: Path) -> Iterator[Path]:
    """Folders of the groups of this process that a controller may limit, each with all groups around it."""
    paths = _paths(controller, root)
    for line in _lines(root / "proc/self/mountinfo"):
        place, _, what = line.partition(" - ")
        fields, (kind, *_, options) = place.split(), what.split() or ["", ""]
        if kind not in ("cgroup", "cgroup2") or (kind == "cgroup" and controller not in options.split(",")):
            continue
        top, path = root / fields[4].lstrip("/"), paths.get(kind, "/")
        # In a container the files of its group may lie at the top, where the path begins with the mount's root.
        if path == fields[3] or path.startswith(f"{fields[3].rstrip('/')}/"):
            path = path.removeprefix(fields[3].rstrip("/"))
        folder = top / path.lstrip("/")
        yield from (each for each in (folder, *folder.parents) if each.is_relative_to(top))


def _paths(controller: str, root: Path) -> dict[str, str]:
    """The path of this process' group in the tree of a controller (version 1), and in the one of version 2."""
    found = {}
    for line in _lines(root / "proc/self/cgroup"):
        number, controllers, path = line.split(":", 2)
        if number == "0" and not controllers:
            found["cgroup2"] = path
        elif controller in controllers.split(","):
            found["cgroup"] = path
    return found


def _lines(path: Path) -> list[str]:
    try:
        # A mount point may have any name.
        return path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return []


def _numbers(path: Path) -> list[float]:
    """The numbers in a file; none where there is no such file, or a word such as `max`."""
    with contextlib.suppress(OSError, ValueError):
        return [float(word) for word in path.read_text().split()]
    return []
