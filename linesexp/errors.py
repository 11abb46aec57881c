"""Errors that a user can mend, each with the exit code that the command line gives it."""


class LinesexpError(Exception):
    """Something a user can mend. The text names the value or file and what would be accepted."""

    exit_code = 3


class ConfigError(LinesexpError, ValueError):
    """A setting that is unknown, out of range, or at odds with another one."""

    exit_code = 2


class InputError(LinesexpError, ValueError):
    """A file, folder or array that does not hold what it should."""


class FolderBusy(LinesexpError):
    """Another process writes into the same folder."""

    exit_code = 4


class NoMemory(LinesexpError):
    """What is asked for needs more memory than there is."""


class StorageError(LinesexpError):
    """The disk refused: full, read-only, or broken."""

    exit_code = 5
