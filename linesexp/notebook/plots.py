"""Plots: a run's figures as matplotlib Axes, by the code that draws the report's."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from linesexp.errors import InputError
from linesexp.report import figures
from linesexp.run import Run
from linesexp.views.figures import LOGGED, draw_log
from linesexp.views.style import step_name, symmetric_limit
from linesexp.views.weights import draw_kernels, draw_scale_beside, draw_weights, weights_page
from linesexp.wording import as_argument, nearest

OF_RECORDINGS = ("kernels", "weights", "operators")  # figures that need weights alone


class Plots:
    """The figures of a run, `run.plot`: each is drawn by a method, which returns its Axes.

    Figures are made through pyplot, so a notebook shows each of them once, below the cell, and a script
    after `pyplot.show()`. What fills one pair of axes takes `ax`, to be drawn there. Methods raise
    MissingFile, with the command to run, for what is not there yet.
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    def __repr__(self) -> str:
        names = [name for name in vars(Plots) if not name.startswith("_")]
        names = [name for name in names if name in OF_RECORDINGS or not self._run.is_recording]
        return f"{self._run!r}.plot: {', '.join(f'{name}()' for name in names)}"

    def kernels(self, step: int = -1, ax: Axes | None = None, limit: float | None = None) -> Axes:
        """The first convolution's kernels at a recorded step, averaged over colour channels.

        step: index into `run.history.steps`, −1 the last. limit: the weight at which the scale ends; unless
        given, one scale for all steps of this run. Give the same to compare two runs.
        """
        kernels, when = self._run.kernels, self._when(step)
        limit = _limit(kernels, limit)
        ax = _place(ax, kernels.shape[1:], limit)
        draw_kernels(ax, kernels[step], limit, f"first-layer kernels, {when}")
        return ax

    def weights(self, layer: str, step: int = -1, ax: Axes | None = None, limit: float | None = None) -> Axes:
        """Any layer's weights at a recorded step, on one scale for all steps; step and limit as for `kernels`.

        layer: a name in `run.history.weights`, such as `conv2/kernel`; `conv2` means its kernel. Raises
        InputError for another.
        """
        known, when = self._run.history.weights, self._when(step)
        name = next((name for name in (layer, f"{layer}/kernel") if name in known), None)
        if name is None:
            raise InputError(f"{layer!r}: no layer's weights{nearest(layer, known)}")
        limit = _limit(known[name], limit)
        ax = _place(ax, known[name].shape[1:], limit)
        draw_weights(ax, known[name][step], limit, f"{name}, {when}")
        return ax

    def log(self, name: str, ax: Axes | None = None) -> Axes:
        """`loss` or `accuracy` over the epochs, of training and validation."""
        if name not in LOGGED:
            raise InputError(f"{name!r}: the log has {' and '.join(LOGGED)}")
        log = self._whole.log
        ax = _new_figure(figsize=(5.6, 3.6), layout="constrained").add_subplot() if ax is None else ax
        draw_log(ax, log, name)
        return ax

    def training(self) -> np.ndarray:
        """Loss and accuracy beside each other; Axes (2,)."""
        return figures.training(self._whole, _new_figure)

    def before_after(self) -> np.ndarray:
        """Kernels untrained and trained, and the operator that each resembles most; Axes (3, filters)."""
        return figures.before_after(self._whole, _new_figure)

    def similarity(self) -> np.ndarray:
        """Likeness to vertical and to horizontal operators over training; Axes (2,)."""
        return figures.similarity(self._whole, _new_figure)

    def course(self) -> np.ndarray:
        """How much each kernel is like an edge, a line or a blur, over training; Axes (4,)."""
        return figures.course(self._whole, _new_figure)

    def compositions(self) -> np.ndarray:
        """Deeper kernels laid back onto pixels, untrained and trained; Axes (2, filters of all layers)."""
        return figures.compositions(self._whole, _new_figure)

    def operators(self) -> np.ndarray:
        """The operators that kernels are compared with; Axes (operators,)."""
        return figures.operators(self._run, _new_figure)

    def tuning(self) -> Axes:
        """What bars and edges each kernel answers to, untrained and trained; one Axes, in pixels."""
        return figures.tuning(self._whole, _new_figure)

    def responses(self) -> np.ndarray:
        """Two kernels' responses to two test pictures, and those of Prewitt operators; Axes (6, 7)."""
        return figures.responses(self._whole, _new_figure)

    def walkthrough(self, picture: np.ndarray | None = None) -> np.ndarray:
        """A picture's way through all layers of the trained network; Axes (1 + layers,).

        picture: (H, W) or (H, W, C) in [0, 1], such as `run.dataset.part("test")[0][3]`; unless given, a
        typical test picture of the first class. Raises InputError for one that the network cannot take.
        """
        if picture is not None:
            picture = _checked(picture, self._whole.dataset.pixels.shape[1:])
        return figures.walkthrough(self._whole, picture, _new_figure)

    @property
    def _whole(self) -> Run:
        """The run; raises InputError for a recording, of which only weights are known."""
        if self._run.is_recording:
            raise InputError(
                f"{self._run.folder.path}: a recording by KernelRecorder; of it there are "
                f"{', '.join(f'plot.{name}' for name in OF_RECORDINGS)} and run.gif(layer), and "
                f"`linesexp report {as_argument(self._run.folder.path)}` makes its page"
            )
        return self._run

    def _when(self, step: int) -> str:
        steps = self._run.history.steps
        if not -len(steps) <= step < len(steps):
            raise InputError(f"step {step}: the run has {len(steps)}, 0 to {len(steps) - 1}")
        return step_name(steps[step])


def _limit(values: np.ndarray, limit: float | None) -> float:
    """Where the scale ends: as asked for, or at the largest of all values."""
    if limit is None:
        return symmetric_limit(values)
    if not 0 < limit < np.inf:
        raise InputError(f"limit must be above 0, the weight at which the scale ends, got {limit!r}")
    return float(limit)


def _place(ax: Axes | None, shape: tuple[int, ...], limit: float) -> Axes:
    """Axes with their scale: a figure of their own for weights of this shape, or those that were given."""
    if ax is None:
        return weights_page(shape, limit, _new_figure)
    draw_scale_beside(ax, limit)
    return ax


def _checked(picture: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A picture as float32 of this shape (H, W, C)."""
    values = np.asarray(picture, dtype=np.float32)
    values = values[..., None] if values.ndim == 2 else values
    if values.shape != shape:
        raise InputError(f"a picture of shape {np.shape(picture)}: the network takes {shape}")
    if not (values.min() >= 0 and values.max() <= 1):
        raise InputError(f"a picture from {values.min():g} to {values.max():g}: the network takes 0 to 1")
    return values


def _new_figure(**how: Any) -> Figure:
    """A figure that pyplot knows of, and so a notebook shows."""
    from matplotlib import pyplot

    return pyplot.figure(**how)
