"""How the command line begins: what a shell or a notebook handed over is brought in order, before all else."""

import io
import os
import sys
import warnings

# Of libraries as they are used inside; where warnings are errors (PYTHONWARNINGS=error) nothing would work.
WARNINGS_OF_OTHERS = (("__array__ implementation doesn't accept a copy keyword", DeprecationWarning),)  # Keras


def begin() -> None:
    """Streams that are there and take every sign, and figures that are drawn into memory.

    Before the first file is opened, which would take the descriptor of a closed stream. Changes nothing the
    second time.
    """
    for descriptor, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:  # closed, as by `>&-`: nobody reads it, and that is no error
            null = os.open(os.devnull, os.O_RDWR)
            if null == descriptor:
                os.set_inheritable(null, True)  # processes that are started find it open, too
            setattr(sys, name, os.fdopen(null, mode, encoding="utf-8", errors="replace"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            # In UTF-8 only a file's name can hold what is no text, and comes out as the bytes that it is.
            utf8 = stream.encoding.lower().replace("-", "") == "utf8"
            stream.reconfigure(errors="surrogateescape" if utf8 else "replace")
    os.environ["MPLBACKEND"] = "agg"  # a Jupyter kernel hands its own to shells, where it may be missing
    for words, kind in WARNINGS_OF_OTHERS:
        warnings.filterwarnings("ignore", words, kind)
