"""The figures of preferred inputs: what each shows of every unit."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from linesexp.looking.look import to_scale
from linesexp.looking.networks import Network
from linesexp.looking.opponents import Opponents
from linesexp.looking.wanted import WantedUnits
from linesexp.views.preferred import PreferredSheet, Tile, UnitRow, preferred_figure
from linesexp.views.style import png_bytes

if TYPE_CHECKING:
    from linesexp.seeing.preferred import Preferred

ROWS = 16  # units of a figure


def drive_words(asked_for: WantedUnits) -> str:
    """What the drive of a layer's units is."""
    if asked_for.layer.squashed:
        return "score before softmax or sigmoid"
    return "largest answer at any place of its map" if asked_for.layer.places else "answer"


def preferred_figures(
    network: Network,
    asked_for: WantedUnits,
    units: Sequence[dict[str, Any]],
    found: "Preferred",
    opponents: Opponents,
    stem: str,
) -> Iterator[tuple[str, bytes]]:
    """(file name, PNG) of one layer: sixteen units on each. units: their facts; stem: how names begin."""
    rows = _rows(network, asked_for, units, found, opponents)
    live = [unit for unit in units if unit["live"]]
    wins = sum(unit["wins"] for unit in live)
    height, width = found.pictures.shape[1:3]
    crop = _crop(found.box, (height, width))
    of = "" if network.data_set() is None else "training "
    count = 0 if opponents.data_set is None else len(opponents.data_set.pictures)
    against = f"{count:,} {of}pictures and " if count else ""
    for start in range(0, len(rows), ROWS):
        part = rows[start : start + ROWS]
        sheet = PreferredSheet(
            title=f"{asked_for.layer.name}: what its units like best",
            about=f"network: {network.source}\nThe preferred input drives {wins} of {len(live)} live units "
            f"more than {against}{len(opponents.noise.pictures):,} noise pictures do.",
            drive=drive_words(asked_for),
            seen_px=crop[2:] if crop else None,
            picture_px=(height, width),
            data=f"{of}pictures",
        )
        name = f"{stem}.png" if len(rows) <= ROWS else f"{stem}-{asked_for.units[start]}.png"
        yield name, png_bytes(preferred_figure(sheet, part))


def _rows(
    network: Network,
    asked_for: WantedUnits,
    units: Sequence[dict[str, Any]],
    found: "Preferred",
    opponents: Opponents,
) -> list[UnitRow]:
    """What a figure shows of each unit."""
    from linesexp.seeing.drives import driving_boxes

    crop = _crop(found.box, found.pictures.shape[1:3])
    tiles: list[list[Tile]] = [[] for _ in units]
    if data := opponents.data_set:
        best = [
            data.most_driving(asked_for.layer.name, unit["unit"], len(unit["most_driving"])) for unit in units
        ]
        pictures = data.pictures[np.concatenate(best)]
        count = len(best[0])
        boxes: list[Any] = [None] * len(pictures)
        if crop:
            each = np.repeat(np.array(asked_for.units), count)
            boxes = driving_boxes(network.models[0], to_scale(pictures, network), asked_for.layer, each)
        for row, unit in enumerate(units):
            for rank, named in enumerate(unit["most_driving"]):
                at = row * count + rank
                box = boxes[at] if named["value"] > 0 else None
                tiles[row].append(Tile(pictures[at], named["value"], box))
    rows = []
    for row, unit in enumerate(units):
        shown = found.pictures[row]
        if crop:
            top, left, height, width = crop
            shown = shown[top : top + height, left : left + width]
        drives = [
            unit["drive"],
            *(unit[name] and unit[name]["value"] for name in ("best_training", "best_noise")),
        ]
        rows.append(UnitRow(unit["name"], shown, tiles[row], drives, unit["wins"], unit["live"]))
    return rows


def _crop(box: tuple[int, int, int, int] | None, picture: tuple[int, ...]) -> tuple[int, int, int, int] | None:
    """What a unit sees, where that is less than half of a picture, so that it is worth a closer look."""
    return box if box and 2 * box[2] * box[3] < picture[0] * picture[1] else None
