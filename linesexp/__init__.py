"""linesexp: watch convolution kernels learn from pictures of lines, and measure what they became."""

import importlib
from typing import Any

__version__ = "0.1.0"

# Imported when first asked for: `import linesexp` waits for neither NumPy nor Keras.
_HOMES = {
    "ExperimentConfig": "linesexp.config",
    "KernelRecorder": "linesexp.learning.recorder",
    "LinesexpError": "linesexp.errors",
    "Run": "linesexp.run",
    "generate": "linesexp.stages",
    "make_report": "linesexp.stages",
    "open_run": "linesexp.run",
    "train": "linesexp.stages",
}

__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'linesexp' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
