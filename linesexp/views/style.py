"""What all pictures share: colours, figures measured in pixels, and PNG bytes."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

from linesexp.views.colours import FAINT, INK
from linesexp.wording import signed, visible

DPI = 100

# Blue for negative, orange for positive: told apart under every common colour blindness. Blue is the
# darker end, so that in grey the strongest negative weights stay darker than the strongest positive.
DIVERGING = LinearSegmentedColormap.from_list(
    "linesexp", ["#0b2a5b", "#3f76b5", "#a9c8e6", "#f6f6f4", "#fbc58b", "#e8862a", "#a84a00"], N=255
)
# Okabe and Ito's palette, safe for colour-blind readers, for lines that must be told apart.
CATEGORIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#8c6bb1")
MARKERS = ("o", "s", "^", "v", "D", "P", "X", "*")


NewFigure = Callable[..., Figure]  # called with figsize, dpi and facecolor


def own_figure(**how: Any) -> Figure:
    """A figure that nobody else knows of: drawn into memory, never shown by itself, never to be closed."""
    figure = Figure(**how)
    FigureCanvasAgg(figure)
    return figure


class PixelFigure:
    """A matplotlib figure whose parts are placed in pixels from the top left.

    new: what makes it: `own_figure`, or `matplotlib.pyplot.figure` for one that notebooks and windows show.
    """

    def __init__(self, width: int, height: int, new: NewFigure = own_figure) -> None:
        self.width, self.height = width, height
        self.figure = new(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Axes that cover this rectangle."""
        bottom = self.height - top - height
        return self.figure.add_axes(
            (left / self.width, bottom / self.height, width / self.width, height / self.height)
        )

    def text(self, left: float, top: float, words: str, size: float = 13, **how: Any) -> None:
        """Text whose top left corner (unless ha, va say otherwise) is here; size in pixels."""
        defaults: dict[str, Any] = {"color": INK, "ha": "left", "va": "top", "parse_math": False}
        how = defaults | how
        self.figure.text(left / self.width, 1 - top / self.height, words, fontsize=size * 72 / DPI, **how)

    def rgb(self) -> np.ndarray:
        """The picture as uint8 (height, width, 3)."""
        _write_out(self.figure)
        canvas = FigureCanvasAgg(self.figure)
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def png_bytes(shown: Figure | Axes | np.ndarray) -> bytes:
    """A figure, or the one that holds these axes, as a PNG file.

    Without the date or version that would make equal figures differ.
    """
    figure = figure_of(shown)
    _write_out(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=figure.dpi, metadata={"Software": None})
    return buffer.getvalue()


def _write_out(figure: Figure) -> None:
    """Write as its code what no font can show: somebody's classes or layers may be named so."""
    for text in figure.findobj(Text):
        signs = text.get_text()
        if (words := visible(signs)) != signs:
            text.set_text(words)


def figure_of(shown: Figure | Axes | np.ndarray) -> Figure:
    """The figure that holds some axes, one or an array of them."""
    if isinstance(shown, Figure):
        return shown
    figure = np.ravel(np.asarray(shown, dtype=object))[0].get_figure(root=True)
    return figure


def show_map(axes: Axes, values: np.ndarray, limit: float) -> None:
    """A signed map on the scale −limit … limit, without ticks."""
    axes.imshow(values, cmap=DIVERGING, vmin=-limit, vmax=limit, interpolation="nearest")
    bare(axes)


def show_picture(axes: Axes, values: np.ndarray) -> None:
    """A grey picture (H, W) or colour picture (H, W, 3) in [0, 1], without ticks."""
    axes.imshow(values, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    bare(axes)


def bare(axes: Axes) -> None:
    """No ticks, a thin frame."""
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(linewidth=0.6, color=FAINT)


def plain(axes: Axes) -> None:
    """Axes for curves: two spines, a faint grid, small ticks."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.grid(color="#e5e7eb", linewidth=0.8)
    axes.tick_params(labelsize=9, colors=INK)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def scale_bar(page: PixelFigure, left: float, top: float, width: float, limit: float, words: str) -> None:
    """A horizontal colour bar from −limit to limit with its caption beside it."""
    axes = page.axes(left, top, width, 12)
    scale = ScalarMappable(Normalize(-limit, limit), DIVERGING)
    bar = page.figure.colorbar(scale, cax=axes, orientation="horizontal", ticks=[-limit, 0, limit])
    bar.ax.set_xticklabels([signed(-limit, ".2g"), "0", f"{limit:.2g}"], fontsize=9, color=INK)
    bar.outline.set_linewidth(0.6)
    page.text(left + width + 22, top - 1, words, size=13, color=FAINT)


def symmetric_limit(values: np.ndarray) -> float:
    """Largest |finite value|, the end of a zero-centred scale; 1 where there is none but zero."""
    finite = np.abs(values[np.isfinite(values)])
    return float(finite.max()) if finite.size and finite.max() > 0 else 1.0


def step_name(step: float) -> str:
    """`untrained`, `epoch 0.15`, `epoch 7`."""
    return "untrained" if step == 0 else f"epoch {step:.2f}" if step % 1 else f"epoch {step:.0f}"
