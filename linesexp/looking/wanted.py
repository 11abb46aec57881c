"""Which units a user means by LAYER and LAYER:UNIT."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from linesexp.errors import ConfigError
from linesexp.wording import nearest_among

if TYPE_CHECKING:
    from linesexp.seeing.drives import Layer

MOST_UNITS = 64  # of a layer that is named without a unit
MOST_NAMES = 12  # of layers, in an error


@dataclass(frozen=True)
class WantedUnits:
    """A layer, the units of it that are looked at, and their names: classes' or numbers."""

    layer: "Layer"
    units: list[int]
    names: list[str]

    @property
    def cut(self) -> bool:
        """Whether the layer was asked for as a whole, and has too many units."""
        return len(self.units) >= MOST_UNITS and self.layer.units > len(self.units)


def wanted_units(
    wanted: Sequence[str], layers: dict[str, "Layer"], class_names: Sequence[str] | None
) -> list[WantedUnits]:
    """The units that `wanted` names, layer by layer in the order of the network.

    `conv1`: all units of a layer, or its first 64; `conv1:3`: one, counted from 0; of the last layer also
    `dense:vertical`, by class. Raises ConfigError for what the network has not, saying what it has.
    """
    names = {name: [str(unit) for unit in range(layer.units)] for name, layer in layers.items()}
    last = next(reversed(layers), "")
    if class_names and layers[last].units == len(class_names):
        names[last] = list(class_names)
    chosen: dict[str, set[int]] = {}
    for words in wanted:
        name, _, unit = (words, "", "") if words in layers else words.rpartition(":")
        if name not in layers:
            raise ConfigError(f"--preferred {words}: no such layer{_known(name or words, layers)}")
        units = chosen.setdefault(name, set())
        if words == name:
            units |= set(range(min(layers[name].units, MOST_UNITS)))
        elif unit in names[name]:
            units.add(names[name].index(unit))
        elif unit.isdecimal() and int(unit) < layers[name].units:
            units.add(int(unit))
        else:
            among = f", or {', '.join(names[name])}" if class_names and name == last else ""
            raise ConfigError(f"--preferred {words}: no such unit; {name} has 0..{len(names[name]) - 1}{among}")
    return [
        WantedUnits(layer, sorted(chosen[name]), [names[name][unit] for unit in sorted(chosen[name])])
        for name, layer in layers.items()
        if name in chosen
    ]


def _known(name: str, layers: Sequence[str] | dict[str, "Layer"]) -> str:
    """`; did you mean …?` for a close one, and the layers' names, the first of them if they are many."""
    known = list(layers)
    more = f" and {len(known) - MOST_NAMES} more" if len(known) > MOST_NAMES else ""
    return nearest_among(name, known, f"{', '.join(known[:MOST_NAMES])}{more}")
