"""What type checkers see of the names that __init__.py imports when they are first asked for."""

from linesexp.config import ExperimentConfig as ExperimentConfig
from linesexp.errors import LinesexpError as LinesexpError
from linesexp.learning.recorder import KernelRecorder as KernelRecorder
from linesexp.run import Run as Run
from linesexp.run import open_run as open_run
from linesexp.stages import generate as generate
from linesexp.stages import make_report as make_report
from linesexp.stages import train as train

__version__: str
