"""Dask clusters: one started here for a study, or a running one that is reached by its address."""

import asyncio
import contextlib
import json
import logging
import os
import re
import shutil
import signal
import struct
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask
import distributed
import distributed.comm
from distributed.core import Status

from linesexp import cgroups
from linesexp.errors import InputError

LOOPBACK = "127.0.0.1"
ANSWER_WITHIN = 8.0  # seconds for a scheduler to answer
ONE_TRY = 2.0  # seconds of these at an address that may be out of date
LARGEST_GREETING = 1_000_000  # bytes; that of a scheduler takes some hundred
CLOSE_WITHIN = 10.0  # seconds for a cluster to close by itself
# A worker of ours trains networks and holds nothing: it need not spill, and pausing would wait for memory
# that a network will not give back. One that outgrows its share is killed and started anew.
SETTINGS: dict[str, Any] = {
    "distributed.scheduler.allowed-failures": 2,  # a block's worker may die twice
    "distributed.scheduler.worker-saturation": 1.0,  # blocks wait here, not on a worker that may die
    "distributed.scheduler.no-workers-timeout": None,  # ours, see dispatch.py, says more
    "distributed.deploy.lost-worker-timeout": "1000d",  # a worker that dies is always started anew
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
    "distributed.worker.profile.enabled": False,
    "distributed.admin.system-monitor.gil.enabled": False,
}
DASHBOARD = {"distributed.scheduler.http.routes", "distributed.worker.profile.enabled"}


@contextlib.contextmanager
def started_here(
    workers: int, memory_limit: str | None = None, dashboard: bool = False, debug: bool = False
) -> Iterator[distributed.Client]:
    """A client of a new cluster of so many worker processes, one thread each, on the loopback interface.

    memory_limit: of each worker, such as 2GB; by default an equal share of what processes may take here. One
    that needs more is killed and started anew. Workers end with this process, however it ends. Raises
    InputError for a limit that says no size.
    """
    limit = _bytes_of(memory_limit) if memory_limit else _equal_share(workers)
    settings = {name: value for name, value in SETTINGS.items() if not (dashboard and name in DASHBOARD)}
    scratch = tempfile.mkdtemp(prefix="linesexp-study-")
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, scratch, ignore_errors=True)
        if not debug:
            stack.enter_context(_silent_logs())
        stack.enter_context(dask.config.set(settings))
        cluster = distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            host=LOOPBACK,
            dashboard_address=f"{LOOPBACK}:8787" if dashboard else None,
            scheduler_kwargs={} if dashboard else {"dashboard_address": f"{LOOPBACK}:0"},
            memory_limit=limit,
            local_directory=scratch,
            death_timeout=300,  # of a busy machine, whose workers take their time to start
            env={"TF_CPP_MIN_LOG_LEVEL": "3"},
            silence_logs=logging.WARNING if debug else logging.CRITICAL,
        )
        stack.callback(_close, cluster)
        yield stack.enter_context(_client(cluster))


@contextlib.contextmanager
def running(where: str | Path, debug: bool = False) -> Iterator[distributed.Client]:
    """A client of the scheduler at an address such as tcp://10.0.0.1:8786, or at the one in a scheduler file.

    Raises InputError if none answers within some seconds.
    """
    with contextlib.ExitStack() as stack:
        if not debug:
            stack.enter_context(_silent_logs())
        address = _answering_in(where) if isinstance(where, Path) else _answering(where)
        yield stack.enter_context(_client(address))


def _answering_in(path: Path) -> str:
    """The address in a scheduler file, as soon as a scheduler answers there.

    The file may be that of an earlier job, until the new scheduler writes its own: it is read again and again.
    """
    deadline = time.monotonic() + ANSWER_WITHIN
    while True:
        address = address_in(path)
        try:
            return _answering(address, ONE_TRY)
        except InputError as error:
            if time.monotonic() >= deadline:
                raise InputError(f"{path}: {error}") from None
        time.sleep(0.1)


def _answering(address: str, within: float | None = None) -> str:
    """The address, if a scheduler answers there; else raises InputError, after so many seconds at most."""
    if reason := _no_scheduler(address, ANSWER_WITHIN if within is None else within):
        raise InputError(
            f"{address}: no Dask scheduler there ({reason}); `dask scheduler` starts one and says where"
        )
    return address


def address_in(path: Path, within: float = ANSWER_WITHIN) -> str:
    """The scheduler's address in a file that `dask scheduler --scheduler-file` writes.

    Waits some seconds for it: a batch script may start both at once. Raises InputError.
    """
    deadline = time.monotonic() + within
    while True:
        try:
            return str(json.loads(path.read_text(encoding="utf-8"))["address"])
        except FileNotFoundError:
            problem = "no such file; `dask scheduler --scheduler-file FILE` writes it"
        except OSError as error:
            problem = f"cannot be read ({error.strerror})"
        except (ValueError, KeyError, TypeError):
            problem = "not a file that `dask scheduler --scheduler-file FILE` writes"
        if time.monotonic() >= deadline:
            raise InputError(f"{path}: {problem}") from None
        time.sleep(0.1)


@contextlib.contextmanager
def _client(where: Any) -> Iterator[distributed.Client]:
    client = distributed.Client(where, timeout=ANSWER_WITHIN, set_as_default=False, name="linesexp")
    try:
        yield client
    finally:
        with contextlib.suppress(Exception):  # whatever is left of it, this process goes on without
            client.close(timeout=CLOSE_WITHIN)


def _close(cluster: distributed.LocalCluster) -> None:
    """End the workers at once: what they hold is of no use any more, and asking a busy one takes seconds."""
    nannies = list(cluster.workers.values())
    for nanny in nannies:
        nanny.close_gracefully(reason="the study is over")  # and start no other worker
        if nanny.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(nanny.pid, signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
    deadline = time.monotonic() + CLOSE_WITHIN
    while any(nanny.status != Status.closed for nanny in nannies) and time.monotonic() < deadline:
        time.sleep(0.01)
    with contextlib.suppress(Exception):  # as above; what is left ends with this process
        cluster.close(timeout=CLOSE_WITHIN)


@contextlib.contextmanager
def _silent_logs() -> Iterator[None]:
    """Dask's log off the terminal: what matters of it, a study says itself.

    Some loggers below have a level of their own, which Dask gives them: distributed.client is one.
    """
    families = ("distributed", "tornado", "asyncio")
    below = [name for name in list(logging.root.manager.loggerDict) if name.partition(".")[0] in families]
    found = (logging.getLogger(name) for name in dict.fromkeys((*families, *below)))
    loggers = [logger for logger in found if logger.level or logger.name in families]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _bytes_of(text: str) -> int:
    try:
        limit = int(dask.utils.parse_bytes(text))
    except (ValueError, KeyError):
        limit = 0
    if limit < 1_000_000:
        raise InputError(f"memory limit {text!r}: expected a size such as 2GB or 1500MB")
    return limit


def _equal_share(workers: int) -> int:
    from distributed.system import MEMORY_LIMIT

    return int(min(MEMORY_LIMIT, cgroups.memory_limit())) // workers  # Dask's knows no groups within groups


def _no_scheduler(address: str, within: float) -> str:
    """Why no scheduler answers at an address, in a few words; nothing if one does.

    Asked here first: where something accepts the connection and says nothing, Dask's client waits for ever. And
    in a thread of its own: that of a notebook has an event loop already.
    """
    found: list[str] = []
    asking = threading.Thread(
        target=lambda: found.append(asyncio.run(_what_is_wrong(address, within))), daemon=True
    )
    asking.start()
    asking.join(within + 1)
    return found[0] if found else "no answer"


class _Refused(Exception):
    """Nothing accepts the connection, for now; its cause says why."""


async def _what_is_wrong(address: str, within: float) -> str:
    refused = ""
    try:
        try:
            if await asyncio.wait_for(_greets_otherwise(address), within):
                return "another program"
        except _Refused as error:  # Dask tries again for a while, and may end with a timeout that says nothing
            refused = _reason(error)
        who = await asyncio.wait_for(_identity(address, 0.9 * within), within)
    except TimeoutError:
        return "no answer"
    except Exception as error:  # whatever answers there may send anything
        return _reason(error) or refused or type(error).__name__
    kind = who.get("type") if isinstance(who, dict) else None
    return "" if kind == "Scheduler" else f"another program, {kind or 'unknown'}"


def _reason(error: Exception) -> str:
    """What an error, or the one that caused it, says, in a line without Python's own words; may be empty."""
    words = str(error.__cause__ or error).strip().partition("\n")[0]
    if " object at 0x" in words:  # `in <distributed… object at 0x…>: ConnectionRefusedError: [Errno 111] …`
        words = words.rpartition(": ")[2]
    return re.sub(r"^\[Errno -?\d+\] ", "", words)[:200]


async def _greets_otherwise(address: str) -> bool:
    """Whether what answers there begins as no scheduler does. Raises _Refused where nothing does.

    A greeting begins with its length, for which Dask makes room at once: of `SSH-2.0-…` that is 2.8 EiB.
    """
    scheme, place = distributed.comm.addressing.parse_address(address)
    connector = distributed.comm.registry.get_backend(scheme).get_connector()
    connection = distributed.Security().get_connection_args("client")
    try:
        comm = await connector.connect(place, deserialize=False, **connection)
    except OSError as error:
        raise _Refused from error
    try:
        stream = getattr(comm, "stream", None)  # of TCP and TLS
        if stream is None:
            return False
        await comm.write(comm.handshake_info())
        (length,) = struct.unpack("<Q", await stream.read_bytes(8))
        return bool(length > LARGEST_GREETING)
    finally:
        comm.abort()


async def _identity(address: str, within: float) -> Any:
    connection = distributed.Security().get_connection_args("client")
    comm = await distributed.comm.connect(address, timeout=within, **connection)
    try:
        await comm.write({"op": "identity", "reply": True})
        return await comm.read()
    finally:
        comm.abort()
