"""see --preferred: the inputs that units like best, set against all pictures of the data set and noise."""

import functools
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from linesexp.errors import ConfigError
from linesexp.images.noise import KINDS, noise_pictures
from linesexp.images.pictures import MOST_PIXELS
from linesexp.looking.look import read_picture, to_scale
from linesexp.looking.naming import file_names
from linesexp.looking.networks import Network
from linesexp.looking.opponents import Group, Opponents, opponents_of
from linesexp.looking.picturing_preferred import drive_words, preferred_figures
from linesexp.looking.see import Progress, write_facts
from linesexp.looking.wanted import WantedUnits, wanted_units
from linesexp.runs.atomic import write_atomically
from linesexp.runs.formats import npz_bytes
from linesexp.seeds import rng_for

if TYPE_CHECKING:
    from linesexp.seeing.preferred import Preferred

FOLDER = "preferred"
POOL = 128  # noise pictures to begin from, at each contrast
# 1: black to white. Fainter starts end in smoother and stronger pictures, but only a unit that answers climbs.
CONTRASTS = (0.2, 0.5, 1.0)
ASCENT_COST = 3  # a step of ascent takes a picture as long as so many ways through the network


@dataclass(frozen=True)
class PreferredOptions:
    """wanted: `LAYER` or `LAYER:UNIT`; noise_pictures: how many to compare with; steps and pull as in
    `linesexp.seeing.preferred.Ascent`."""

    wanted: Sequence[str]
    seed: int = 0
    noise_pictures: int = 1000
    steps: int = 50
    pull: float = 0.2
    most_pixels: int = MOST_PIXELS


def prefer(
    network: Network,
    options: PreferredOptions,
    out: str | os.PathLike[str],
    names: Sequence[str] = (),
    figures: bool = True,
    say: Callable[[str], None] = lambda words: None,
    progress: Progress = lambda done, total, words: None,
) -> dict[str, Any]:
    """Find the preferred inputs of the units that are asked for, and say what they are worth.

    names: picture files that are a model's data set; a run has its own. Writes out/preferred/LAYER.png (unless
    `figures` is False), out/preferred/inputs.npz with the inputs as numbers, and out/preferred.json. Returns
    the facts: settings, `live`, `wins`, `layers`, and a list `units`. A unit is live if it answers above zero
    to a picture of the data set, to noise or to a probe (bars and edges); a score before softmax or sigmoid, if
    it differs among them. Raises ConfigError for a layer or unit that is not there.
    """
    shape = _shape(network)
    progress(0, 1, "loading Keras")
    model = network.models[0]
    from linesexp.seeing.drives import drives, layers_of

    layers = layers_of(model, to_scale(np.zeros(shape, np.float32), network))
    asked = wanted_units(options.wanted, layers, network.class_names)
    data_set = _data_set(network, names, options)
    for asked_for in asked:
        if asked_for.cut:
            layer = asked_for.layer
            say(f"{layer.name}: {len(asked_for.units)} of {layer.units} units; name others one by one")
    if data_set is None:
        say(f"{network.source}: no pictures are named, so preferred inputs are compared with noise alone")
    opponents = opponents_of(
        data_set, shape, options.noise_pictures, rng_for(options.seed, "preferred", "noise")
    )
    climbs = sum(len(asked_for.units) for asked_for in asked) * len(CONTRASTS) * (options.steps + 1)
    more = _Counter(opponents.pictures + climbs * ASCENT_COST, progress)
    for group in opponents.groups:
        group.drives = drives(
            model,
            to_scale(group.pictures, network),
            [asked_for.layer for asked_for in asked],
            functools.partial(more, words="pictures and noise"),
        )
    facts = _settings(options, opponents)
    arrays: dict[str, np.ndarray] = {}
    files: dict[str, bytes] = {}
    stems = file_names(asked_for.layer.name for asked_for in asked)
    for asked_for, stem in zip(asked, stems, strict=True):
        name = asked_for.layer.name
        found = _inputs(network, asked_for, options, functools.partial(more, words=name, cost=ASCENT_COST))
        reached = drives(model, to_scale(found.pictures, network), [asked_for.layer])[name]
        units = [
            {"layer": name, "unit": unit, "name": word}
            | opponents.facts(asked_for.layer, unit, float(reached[row, unit]))
            for row, (unit, word) in enumerate(zip(asked_for.units, asked_for.names, strict=True))
        ]
        facts["units"] += units
        facts["layers"].append(_layer_facts(asked_for, units, found.box))
        arrays[name.replace("/", ".")] = found.pictures
        if figures:
            files |= {
                f"{FOLDER}/{file}": data
                for file, data in preferred_figures(network, asked_for, units, found, opponents, stem)
            }
    files[f"{FOLDER}/inputs.npz"] = npz_bytes(arrays)
    for file, data in files.items():
        write_atomically(Path(out) / file, data)
    facts["live"] = sum(unit["live"] for unit in facts["units"])
    facts["wins"] = sum(unit["live"] and unit["wins"] for unit in facts["units"])
    facts["files"] = list(files)
    write_facts(Path(out) / "preferred.json", network, facts)
    more.end()
    return facts


class _Counter:
    """Counts steps towards a total, and tells of them."""

    def __init__(self, total: int, progress: Progress) -> None:
        self._done, self._total, self._progress = 0, total, progress
        progress(0, total, "")  # time is counted from here

    def __call__(self, count: int, words: str, cost: int = 1) -> None:
        self._done += count * cost
        self._progress(min(self._done, self._total - 1), self._total, words)

    def end(self) -> None:
        """All is done, the figures too."""
        self._progress(self._total, self._total, "")


def _shape(network: Network) -> tuple[int, int, int]:
    height, width, channels = network.shape
    if height is None or width is None:
        raise ConfigError(
            f"{network.source}: takes pictures of any size; for preferred inputs name one with --size"
        )
    return height, width, channels


def _data_set(network: Network, names: Sequence[str], options: PreferredOptions) -> Group | None:
    own = network.data_set()
    if own is not None:
        return Group(*own)
    if not names:
        return None
    pictures = [read_picture(name, network, options.most_pixels) for name in names]
    return Group(np.stack([picture.values for picture in pictures]), [picture.name for picture in pictures])


def _settings(options: PreferredOptions, opponents: Opponents) -> dict[str, Any]:
    """The facts that hold for all units."""
    return {
        "seed": options.seed,
        "steps": options.steps,
        "starts": {"pictures": POOL, "contrasts": list(CONTRASTS)},
        "pull": options.pull,
        "training_pictures": len(opponents.data_set.pictures) if opponents.data_set else None,
        "noise_pictures": options.noise_pictures,
        "noise_kinds": list(KINDS),
        "layers": [],
        "units": [],
    }


def _inputs(
    network: Network, asked_for: WantedUnits, options: PreferredOptions, more: Callable[[int], None]
) -> "Preferred":
    from linesexp.seeing.preferred import Ascent, preferred_inputs

    pool = noise_pictures(POOL, _shape(network), rng_for(options.seed, "preferred", "starts"))
    return preferred_inputs(
        network.models[0],
        asked_for.layer,
        np.array(asked_for.units),
        np.stack([0.5 + np.float32(contrast) * (pool - 0.5) for contrast in CONTRASTS]),
        network.scale,
        Ascent(options.steps, options.pull),
        more,
    )


def _layer_facts(
    asked_for: WantedUnits, units: Sequence[dict[str, Any]], box: tuple[int, ...] | None
) -> dict[str, Any]:
    live = [unit for unit in units if unit["live"]]
    return {
        "layer": asked_for.layer.name,
        "units": asked_for.layer.units,
        "shown": len(units),
        "live": len(live),
        "wins": sum(unit["wins"] for unit in live),
        "drive": drive_words(asked_for),
        "sees_px": list(box[2:]) if box else None,
    }
