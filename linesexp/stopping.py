"""Ctrl-C and SIGTERM end a command wherever it stands, and nothing swallows them for good.

A signal raises Stopped in the main thread. Libraries with C++ parts may turn that into another error,
or drop it if it comes within a callback of theirs; so it is remembered, and `check` raises it again.
"""

import signal
from typing import Any

EXIT_CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}

_asked: signal.Signals | None = None


class Stopped(BaseException):
    """Somebody asked this process to stop."""


def listen() -> None:
    """Take SIGINT and SIGTERM from here on; one that is ignored, as under nohup, stays ignored."""
    for number in EXIT_CODES:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)


def check() -> None:
    """Raise Stopped if a signal came and its exception went nowhere."""
    if _asked is not None:
        raise Stopped


def exit_code() -> int | None:
    """The code to end with if a signal came."""
    return None if _asked is None else EXIT_CODES[_asked]


def _stop(number: int, frame: Any) -> None:
    global _asked
    _asked = signal.Signals(number)
    raise Stopped
