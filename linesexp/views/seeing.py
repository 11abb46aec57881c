"""What a network does with one picture: an overview, a sheet for each layer, and what speaks for a class."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from linesexp.views.colours import FAINT
from linesexp.views.style import CATEGORIES, PixelFigure, symmetric_limit
from linesexp.views.tiles import (
    Grid,
    draw_map,
    draw_picture,
    draw_scale,
    draw_tiles,
    draw_upright_scale,
    silent_maps,
)

MOST_ROWS = 24  # layers of an overview
IN_OVERVIEW = 16  # maps of a layer there
SIDE, GAP, LEFT = 62, 6, 230
WIDTH = LEFT + IN_OVERVIEW * (SIDE + GAP) + 90
CLASSES, BAR = 5, 22
PANEL = 190


@dataclass(frozen=True)
class Shown:
    """The picture that a network saw, and what to say about it and the network."""

    picture: np.ndarray  # (H, W, C) in [0, 1]
    title: str
    about: str  # a few lines: what was done to the picture, by which network


@dataclass(frozen=True)
class Moment:
    """What a layer gives at one moment of training ("" for the only one): maps (h, w, n) or units (n,)."""

    name: str
    values: np.ndarray


@dataclass(frozen=True)
class LayerView:
    """One layer, at each moment that is compared."""

    name: str
    moments: Sequence[Moment]

    @property
    def limit(self) -> float:
        """The end of the layer's zero-centred scale, the same for all moments."""
        return (
            max(symmetric_limit(moment.values) if moment.values.any() else 0 for moment in self.moments) or 1.0
        )


@dataclass(frozen=True)
class MethodView:
    """One method's maps (h, w) of one picture: by the trained and by an untrained network."""

    name: str
    words: str
    trained: np.ndarray
    untrained: np.ndarray


def overview_figure(
    shown: Shown, layers: Sequence[LayerView], class_names: Sequence[str], left_out: str = ""
) -> Figure:
    """A row of maps for each layer and moment; the last layer holds the classes where `class_names` has any.

    left_out says which layers are not here.
    """
    classes = len(class_names)
    rows = [_row_height(layer, classes if layer is layers[-1] else 0) for layer in layers]
    page = PixelFigure(WIDTH, 192 + sum(rows) + 60)
    _head(page, shown)
    top = 192
    for layer, height in zip(layers, rows, strict=True):
        if classes and layer is layers[-1]:
            _classes(page, top, layer, class_names)
        else:
            _layer_row(page, top, layer)
        top += height
    words = (
        "Blue is below zero, orange above. Each layer has a scale of its own, written beside it; "
        "grey maps are zero everywhere on this picture."
    )
    page.text(20, top + 20, f"{words} {left_out}".strip(), size=13, color=FAINT)
    return page.figure


def sheet_figure(shown: Shown, layer: LayerView) -> Figure:
    """All maps of one layer, numbered, on one zero-centred scale."""
    height, width, count = layer.moments[0].values.shape
    grid = _grid(height, width, count)
    across, down = grid.size(count)
    named = 26 if layer.moments[0].name else 0
    page = PixelFigure(max(across + 40, 760), 172 + len(layer.moments) * (down + named + 26) + 50)
    _head(page, shown, side=96)
    top = 168
    for moment in layer.moments:
        silent = int(silent_maps(moment.values).sum())
        words = [moment.name] if moment.name else []
        if silent:
            words.append(f"{silent} of {count} silent (grey): zero everywhere on this picture")
        if named:
            page.text(20, top, " · ".join(words), size=15)
        draw_tiles(page, 20, top + named, moment.values, layer.limit, grid)
        if not named and words:
            page.text(20, top + down + 6, words[0], size=13, color=FAINT)
        top += down + named + 26
    both = ", at both moments" if len(layer.moments) > 1 else ""
    draw_scale(page, 20, top + 4, 200, layer.limit, f"one scale for all maps of this layer{both}")
    return page.figure


def attribution_figure(
    shown: Shown, methods: Sequence[MethodView], score: str, untrained: str, trained: str = "trained"
) -> Figure:
    """Rows of methods: picture, trained network, untrained one on the same scale, untrained one on its own.

    trained: the heading of its column; untrained: what the untrained network is; score: what the maps explain.
    """
    height, width = shown.picture.shape[:2]
    tall, wide = (max(40, round(PANEL * side / max(height, width))) for side in (height, width))
    columns = [20 + column * (max(wide, 120) + 24) for column in range(4)]
    words_left, first, row = columns[-1] + max(wide, 120) + 34, 170, tall + 62
    page = PixelFigure(words_left + 400, first + len(methods) * row + 70)
    page.text(20, 16, shown.title, size=19)
    page.text(20, 48, f"{shown.about}\nexplained: {score}", size=13, color=FAINT, linespacing=1.5)
    headings = ("picture", trained, "untrained, same scale", "untrained, own scale")
    for left, words in zip(columns, headings, strict=True):
        page.text(left, first - 6, words, size=13, va="bottom")
    for index, method in enumerate(methods):
        top = first + index * row
        own = symmetric_limit(method.untrained)
        both = symmetric_limit(np.concatenate([method.trained.ravel(), method.untrained.ravel()]))
        draw_picture(page, (columns[0], top), (wide, tall), shown.picture)
        panels = ((method.trained, both), (method.untrained, both), (method.untrained, own))
        for left, (values, limit) in zip(columns[1:], panels, strict=True):
            draw_map(page, (left, top), (wide, tall), values, limit)
            if not values.any():
                page.text(left + wide / 2, top + tall / 2, "zero everywhere", size=11, ha="center", va="center")
        draw_scale(page, columns[1], top + tall + 8, columns[2] + wide - columns[1], both)
        if method.untrained.any():
            draw_scale(page, columns[3], top + tall + 8, wide, own)
        page.text(words_left, top, method.name, size=16)
        words = f"{method.words}\n\n{likeness_words(method)}"
        page.text(words_left, top + 26, words, size=13, color=FAINT, linespacing=1.5)
    words = (
        f"Untrained: {untrained}. Such maps can look convincing on random weights too "
        "(Adebayo et al. 2018, Sanity Checks for Saliency Maps):\n"
        "what the untrained network shows too comes from the picture and the architecture, not from learning."
    )
    page.text(20, first + len(methods) * row + 8, words, size=13, linespacing=1.5)
    return page.figure


def likeness(method: MethodView) -> float:
    """Pearson's correlation of the trained and the untrained map, over pixels; NaN where one is constant."""
    maps = method.trained.ravel().astype(np.float64), method.untrained.ravel().astype(np.float64)
    if any(values.std() == 0 or not np.isfinite(values).all() for values in maps):
        return float("nan")
    return float(np.corrcoef(*maps)[0, 1])


def likeness_words(method: MethodView) -> str:
    """How alike the trained and the untrained map are, as a sentence."""
    found = likeness(method)
    if np.isnan(found):
        return "cannot be compared with the untrained map:\none of the two is constant"
    return f"correlation with the untrained map: {found:+.2f}".replace("-", "−")


def in_overview(names: Sequence[str], convolutions: Sequence[str]) -> list[int]:
    """Which layers an overview has room for: all; else convolutions and the last; else evenly some of those."""
    chosen = list(range(len(names)))
    if len(chosen) > MOST_ROWS:
        chosen = [index for index in chosen if names[index] in convolutions or index == len(names) - 1]
    if len(chosen) > MOST_ROWS:
        chosen = [
            chosen[at] for at in np.unique(np.linspace(0, len(chosen) - 1, MOST_ROWS).round().astype(int))
        ]
    return chosen


def _head(page: PixelFigure, shown: Shown, side: int = 112) -> None:
    height, width = shown.picture.shape[:2]
    tall, wide = (max(2, round(side * length / max(height, width))) for length in (height, width))
    page.text(20, 16, shown.title, size=19)
    draw_picture(page, (20, 56), (wide, tall), shown.picture)
    page.text(20 + wide + 18, 56, shown.about, size=13, color=FAINT, linespacing=1.5)


def _row_height(layer: LayerView, classes: int) -> int:
    if classes:
        return len(layer.moments) * (min(classes, CLASSES) * BAR + 36) + 8
    return len(layer.moments) * (SIDE + GAP) + 16


def _layer_row(page: PixelFigure, top: int, layer: LayerView) -> None:
    values = layer.moments[0].values
    tall = len(layer.moments) * (SIDE + GAP) - GAP
    page.text(
        20,
        top + tall / 2,
        f"{_short(layer.name)}\n{_shape_words(values)}",
        size=12,
        va="center",
        linespacing=1.4,
    )
    for index, moment in enumerate(layer.moments):
        y = top + index * (SIDE + GAP)
        words = moment.name
        if values.ndim == 3 and (silent := int(silent_maps(moment.values).sum())):
            words = f"{words}\n{silent} of {values.shape[-1]} silent".strip()
        page.text(
            LEFT - 10, y + SIDE / 2, words, size=11, va="center", ha="right", color=FAINT, linespacing=1.4
        )
        if values.ndim == 3:
            shown = moment.values[..., :IN_OVERVIEW]
            high, wide, _ = shown.shape
            grid = _tiles(high, wide, SIDE, IN_OVERVIEW)
            draw_tiles(page, LEFT, y + (SIDE - grid.height) // 2, shown, layer.limit, grid)
        else:
            size = IN_OVERVIEW * (SIDE + GAP) - GAP, SIDE - 28
            draw_map(page, (LEFT, y + 14), size, moment.values.reshape(1, -1), layer.limit)
    draw_upright_scale(page, LEFT + IN_OVERVIEW * (SIDE + GAP) + 4, top + 2, tall - 4, layer.limit)


def _classes(page: PixelFigure, top: int, layer: LayerView, class_names: Sequence[str]) -> None:
    """The likeliest classes of the last moment, as bars, at each moment."""
    order = np.argsort(-layer.moments[-1].values, kind="stable")[:CLASSES]
    all_values = np.nan_to_num(np.concatenate([moment.values for moment in layer.moments]))
    chances = all_values.min() >= 0 and all_values.max() <= 1
    more = f"\nlikeliest {CLASSES} of {len(class_names)}" if len(class_names) > CLASSES else ""
    kind = "probabilities" if chances else "scores"
    middle = top + len(layer.moments) * (BAR * len(order) + 36) / 2 - 8
    page.text(20, middle, f"{_short(layer.name)}\n{kind}{more}", size=12, va="center", linespacing=1.4)
    for index, moment in enumerate(layer.moments):
        height = BAR * len(order)
        y = top + index * (height + 36) + 8
        page.text(LEFT - 10, y + height / 2, moment.name, size=11, va="center", ha="right", color=FAINT)
        axes = page.axes(LEFT + 130, y, 420, height)
        values = moment.values[order]
        colours = [CATEGORIES[at % len(CATEGORIES)] for at in order]
        axes.barh(range(len(order)), values, color=colours, height=0.7)
        low, high = (0, 1) if chances else (min(0, all_values.min()), max(0, all_values.max()) or 1)
        names = [_short(class_names[at], 20) for at in order]
        axes.set(xlim=(low, high), ylim=(len(order) - 0.5, -0.5), yticks=range(len(order)), yticklabels=names)
        axes.tick_params(labelsize=9)
        axes.spines[["top", "right"]].set_visible(False)
        for place, value in enumerate(values):
            words = f"{value:.4f}" if chances else f"{value:.4g}"
            axes.text(high + (high - low) * 0.02, place, words, va="center", fontsize=9)


def _grid(height: int, width: int, count: int) -> Grid:
    """Large tiles for few maps, small ones for many, of the maps' own proportions."""
    side, columns = next(
        (size for most, size in ((16, (132, 8)), (64, (84, 12)), (256, (62, 16))) if count <= most), (40, 24)
    )
    return _tiles(height, width, side, columns, above=12)


def _tiles(height: int, width: int, side: int, columns: int, above: int = 0) -> Grid:
    longest = max(height, width)
    return Grid(max(12, side * width // longest), max(12, side * height // longest), columns, GAP, above)


def _shape_words(values: np.ndarray) -> str:
    if values.ndim != 3:
        return f"{values.size} numbers"
    height, width, count = values.shape
    shown = f"{IN_OVERVIEW} of {count}" if count > IN_OVERVIEW else str(count)
    return f"{shown} maps\n{height}×{width}"


def _short(name: str, most: int = 24) -> str:
    return name if len(name) <= most else "…" + name[1 - most :]
