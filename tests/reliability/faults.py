"""Faults of a disk, and of a process: what happens at the N-th call of a kind below one folder.

Runs in the child process that is to be hurt; nothing in the package knows of it. Files opened in Python are
real ones, of a class whose write and read may fail; calls by libraries in C (HDF5) are beyond it, and a small
real file system is for those.
"""

import builtins
import errno
import io
import mmap
import os
import signal
from dataclasses import dataclass

CALLS = ("open", "read", "write", "fsync", "replace", "mkdir", "unlink")
TAKES_SPACE = (
    "open",
    "write",
    "fsync",
    "replace",
    "mkdir",
)  # an open for reading is no call that a full disk refuses
FIRED, EPOCHS, SLOTS = len(CALLS), len(CALLS) + 1, len(CALLS) + 2


@dataclass(frozen=True)
class Fault:
    """At the number-th call of this kind (`any`: of all kinds together) what is named in `how` happens.

    how: KILL, ENOSPC, EIO. lasting: from there on every call fails, which needs space (ENOSPC), or at all
    (EIO).
    """

    call: str
    number: int
    how: str
    lasting: bool = False

    def __str__(self) -> str:
        return f"{self.how} at {self.call} {self.number}{' and after' if self.lasting else ''}"


class Counters:
    """Calls of each kind, whether the fault came, and epochs: counted in memory that forked children share."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, 4 * SLOTS)
        self._numbers = memoryview(self._shared).cast("I")

    def reset(self) -> None:
        self._numbers[:] = memoryview(bytes(4 * SLOTS)).cast("I")

    def add(self, call: str) -> int:
        """One more call; how many there were of its kind."""
        self._numbers[CALLS.index(call)] += 1
        return self._numbers[CALLS.index(call)]

    def fire(self) -> None:
        self._numbers[FIRED] = 1

    @property
    def fired(self) -> bool:
        return bool(self._numbers[FIRED])

    @property
    def epochs(self) -> int:
        return self._numbers[EPOCHS]

    @epochs.setter
    def epochs(self, number: int) -> None:
        self._numbers[EPOCHS] = number

    def counts(self) -> dict[str, int]:
        return dict(zip(CALLS, self._numbers, strict=False))

    def total(self) -> int:
        return sum(self.counts().values())


def install(fault: Fault | None, folder: str, counters: Counters) -> None:
    """Count the calls below this folder from here on, and let the fault happen. For the rest of the process."""
    real = {
        name: getattr(os, name) for name in ("open", "write", "fsync", "replace", "rename", "mkdir", "unlink")
    }
    real_open = io.open
    below = os.path.realpath(folder) + os.sep

    def meet(call: str, path: str, taking: bool = True) -> int:
        """The errno with which this call is to fail, or 0. taking: whether it needs space."""
        number = counters.add(call)
        if fault is None:
            return 0
        if fault.call == "any":
            number = counters.total()
        code = 0 if fault.how == "KILL" else getattr(errno, fault.how)
        taking = taking and call in TAKES_SPACE
        if fault.call in (call, "any") and number == fault.number and (code != errno.ENOSPC or taking):
            counters.fire()
            if fault.how == "KILL":
                if call != "write":  # which is to leave half of what was to be written
                    os.kill(os.getpid(), signal.SIGKILL)
                return -1
            return code
        return code if fault.lasting and counters.fired and (code != errno.ENOSPC or taking) else 0

    def inside(path: object) -> str:
        """The path, if it lies below the folder; else nothing."""
        if isinstance(path, int):
            try:
                path = os.readlink(f"/proc/self/fd/{path}")
            except OSError:
                return ""
        try:
            found = os.path.abspath(os.fsdecode(path))
        except TypeError:
            return ""
        return found if (found + os.sep).startswith(below) else ""

    def refuse(code: int, path: str = "") -> None:
        if code > 0:
            raise OSError(code, os.strerror(code), *([path] if path else []))

    class Raw(io.FileIO):
        """A file whose writing fails half-way, and whose reading may fail."""

        def write(self, data):
            code = meet("write", str(self.name))
            if code:
                super().write(memoryview(data).cast("B")[: len(data) // 2])
                if code < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                refuse(code)
            return super().write(data)

        def readall(self):
            refuse(meet("read", str(self.name)))
            return super().readall()

        def readinto(self, buffer):
            refuse(meet("read", str(self.name)))
            return super().readinto(buffer)

    def faulty_open(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, *more, **named):
        path = inside(file)
        if not path:
            return real_open(file, mode, buffering, encoding, errors, newline, *more, **named)
        if not isinstance(file, int):
            refuse(meet("open", path, taking=bool(set(mode) & set("wxa"))), path)
        raw = Raw(file, mode.replace("b", "").replace("t", ""), opener=named.get("opener"))
        if buffering == 0:
            return raw
        kind = io.BufferedRandom if "+" in mode else io.BufferedReader if "r" in mode else io.BufferedWriter
        return kind(raw) if "b" in mode else io.TextIOWrapper(kind(raw), encoding, errors, newline)

    def on_path(call: str, name: str):
        def called(path, *more, **named):
            if found := inside(path):
                taking = call != "open" or bool(more and more[0] & os.O_CREAT)
                refuse(meet(call, found, taking), found)
            return real[name](path, *more, **named)

        return called

    def faulty_write(handle, data):
        if inside(handle):
            code = meet("write", "")
            if code:
                real["write"](handle, bytes(data)[: len(data) // 2])
                if code < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                refuse(code)
        return real["write"](handle, data)

    builtins.open = io.open = faulty_open
    os.write = faulty_write
    for call, name in (
        *(("open", "open"), ("fsync", "fsync"), ("replace", "replace"), ("replace", "rename")),
        *(("mkdir", "mkdir"), ("unlink", "unlink")),
    ):
        setattr(os, name, on_path(call, name))
    os.remove = os.unlink
