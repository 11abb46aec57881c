"""The run folder: the only code that reads or writes one. It knows files, not what they mean."""

from linesexp.runs.folder import RunFolder

__all__ = ["RunFolder"]
