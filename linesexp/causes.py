"""What an error says, in one line, and whether the same would come of trying again."""

import re

LONGEST = 300  # characters of what is said
# Around the cause in TensorFlow's and Keras' messages: nodes and operations, colours, and whole lines.
MARKS = re.compile(r"\{\{.*?\}\}|\[\[.*|\[Op:.*")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
AROUND = (
    "Graph execution error",
    "Detected at node",
    'File "',
    "<stack traces unavailable>",
    "Hint: ",
    "Exception encountered when calling",
)
AFTER = re.compile(r"\n\s*(Stack trace for op definition|Arguments received by|\d+ successful operations)")
# What depends on the computation alone, and not on the process or the machine that does it.
DETERMINISTIC = (
    *(ValueError, TypeError, LookupError, ArithmeticError, AttributeError, NameError, AssertionError),
    NotImplementedError,
)
OF_TENSORFLOW = ("InvalidArgumentError", "OutOfRangeError", "UnimplementedError")


def cause_of(error: BaseException) -> str:
    """An error in one line: its kind, and the line of its message that says why.

    That is the first one, and of TensorFlow's, which begin with where it happened, the last one.
    """
    marks, which = (MARKS, -1) if _of_tensorflow(error) else (COLOURS, 0)
    lines = (marks.sub("", line).strip() for line in AFTER.split(str(error), maxsplit=1)[0].splitlines())
    said = [line for line in lines if line and not line.startswith(AROUND)]
    kind = type(error).__name__
    return f"{kind}: {said[which][:LONGEST]}" if said else kind


def is_deterministic(error: BaseException) -> bool:
    """Whether the same computation would fail like this again: not for want of memory, a disk, a process."""
    if _of_tensorflow(error):
        return any(base.__name__ in OF_TENSORFLOW for base in type(error).__mro__)
    return isinstance(error, DETERMINISTIC)


def _of_tensorflow(error: BaseException) -> bool:
    """Told by name: TensorFlow may not be imported, and takes seconds."""
    return any(
        base.__name__ == "OpError" and base.__module__.startswith("tensorflow") for base in type(error).__mro__
    )
