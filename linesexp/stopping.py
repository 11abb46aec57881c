"""Ctrl-C and SIGTERM end a command wherever it stands, and nothing swallows them for good.

A signal raises Stopped in the main thread. Libraries with C++ parts may turn that into another error,
or drop it if it comes within a callback of theirs; so it is remembered, and `check` raises it again.

While the main thread is in such a library it hears nothing. So a thread of its own says at once that the signal
has come, and ends the process where that takes long, or with a second signal. Nothing is lost by that: a
process may be killed anywhere.
"""

import contextlib
import os
import shlex
import signal
import sys
import threading
import time
from typing import Any, NoReturn

EXIT_CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
PATIENCE = 4.0  # seconds that a command has for its own end
ECHO = 0.1  # seconds within which a second signal is the first one, sent on by somebody in between

_asked: signal.Signals | None = None
_answered = threading.Event()


class Stopped(BaseException):
    """Somebody asked this process to stop."""


def listen() -> None:
    """Take SIGINT and SIGTERM from here on; one that is ignored, as under nohup, stays ignored.

    Does nothing the second time.
    """
    if any(signal.getsignal(number) is _stop for number in EXIT_CODES):
        return
    for number in EXIT_CODES:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)
    sys.unraisablehook = _tell_unless_stopped
    if os.name == "posix":
        _answer_at_once()


def check() -> None:
    """Raise Stopped if a signal came and its exception went nowhere."""
    if _asked is not None:
        raise Stopped


def exit_code() -> int | None:
    """The code to end with if a signal came."""
    return None if _asked is None else EXIT_CODES[_asked]


def listen_no_more() -> None:
    """All is done but for leaving; a further signal would only make a traceback of it."""
    for number in EXIT_CODES:
        signal.signal(number, signal.SIG_IGN)


def farewell() -> str:
    """The last words: how to go on."""
    _answered.wait(ECHO)  # the first words come first
    # Without --force, which would begin anew once more.
    command = shlex.join(["linesexp", *(word for word in sys.argv[1:] if word != "--force")])
    return f"stopped; what is done is kept, and this goes on from there: {command}"


def _answer_at_once() -> None:
    """Start the thread that hears of signals while the main thread is busy."""
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    signal.set_wakeup_fd(theirs, warn_on_full_buffer=False)
    os.register_at_fork(after_in_child=_leave_to_parent)
    # A copy, as the library that is being loaded may have descriptor 2 turned away from the terminal.
    said = os.dup(2)
    threading.Thread(target=_watch, args=(ours, said), name="linesexp stopping", daemon=True).start()


def _stop(number: int, frame: Any) -> None:
    global _asked
    first, _asked = _asked is None, signal.Signals(number)
    if first:  # the thread takes care of further ones; to stop what is stopping would leave more undone
        raise Stopped


def _tell_unless_stopped(unraisable: "sys.UnraisableHookArgs") -> None:
    """Told of errors that go nowhere, as in a finalizer; Stopped is remembered, and no error."""
    if not issubclass(unraisable.exc_type, Stopped):
        sys.__unraisablehook__(unraisable)


def _watch(signals: int, said: int) -> None:
    """Answer signals, one after the other, as soon as they come."""
    number = _next(signals)
    _say(said, "stopping; a second time ends it at once\n")
    _answered.set()
    began = time.monotonic()
    ending = threading.Timer(PATIENCE, _end, (number, said))
    ending.daemon = True
    ending.start()
    while True:
        number = _next(signals)
        if time.monotonic() - began > ECHO:
            _end(number, said)


def _next(signals: int) -> signal.Signals:
    while True:
        number = os.read(signals, 1)[0]
        if number in EXIT_CODES and signal.getsignal(number) is _stop:
            return signal.Signals(number)


def _end(number: signal.Signals, said: int) -> NoReturn:
    """End without another word of the main thread's."""
    show_cursor = "\x1b[?25h" if os.isatty(said) else ""  # which a progress bar hides
    _say(said, f"{show_cursor}{farewell()}\n")
    os._exit(EXIT_CODES[number])


def _say(said: int, words: str) -> None:
    with contextlib.suppress(OSError):  # nobody may be reading stderr any more
        os.write(said, words.encode())


def _leave_to_parent() -> None:
    """In a forked child: a signal to it is none to its parent, whose pipe it has inherited."""
    with contextlib.suppress(ValueError):  # it was forked in another thread than the main one
        signal.set_wakeup_fd(-1)
