"""Pictures unlike the training ones, to ask a network what it has learned: lines, or just these lines."""

from dataclasses import dataclass

import msgspec
import numpy as np

from linesexp.config import ImagesConfig
from linesexp.errors import LinesexpError
from linesexp.images.dataset import Dataset, make_dataset
from linesexp.seeds import int_seed_for

PER_CLASS = (100, 50, 25, 12, 6, 3)  # the first of these numbers of pictures that exist is drawn
NOISE = 0.2  # standard deviation, as ImagesConfig.noise


@dataclass(frozen=True)
class Unseen:
    """Data sets by name, and why those of the names that are missing could not be drawn."""

    datasets: dict[str, Dataset]
    left_out: dict[str, str]


def unseen(config: ImagesConfig, dataset: Dataset) -> Unseen:
    """Pictures drawn from the settings of `dataset` with one of them changed, up to 100 of each class.

    `as trained` changes none and is the yardstick: fresh draws at all positions, those of training
    included. `thicker` is 1 px thicker than the thickest; `shorter` and `longer` have the lengths
    beyond the trained ones that fit; `noise` has a standard deviation of 0.2; `inverted contrast`
    exchanges bright and dark. No picture is one of the data set's own. The split that a picture is
    marked with means nothing here.
    """
    known = {picture.tobytes() for picture in dataset.pixels}
    datasets, left_out = {}, {}
    for name, change in _changes(config).items():
        drawn = change if isinstance(change, str) else _draw(config, name, change, known)
        if isinstance(drawn, str):
            left_out[name] = drawn
        else:
            datasets[name] = drawn
    return Unseen(datasets, left_out)


def changes_in_words(config: ImagesConfig) -> dict[str, str]:
    """What each name changes, with the numbers of these settings."""
    thickest, (shortest, longest) = config.thickness_px[1], config.length_px
    return {
        "as trained": "nothing",
        "thicker": f"{thickest + 1} px thick",
        "shorter": f"{thickest + 1}–{shortest - 1} px long",
        "longer": f"{longest + 1}–{config.size} px long",
        "noise": f"standard deviation {NOISE:g}",
        "inverted contrast": "bright on dark" if config.contrast == "dark" else "dark on bright",
    }


def _changes(config: ImagesConfig) -> dict[str, dict[str, object] | str]:
    """What each name changes in the settings, or why it cannot."""
    thickest, (shortest, longest) = config.thickness_px[1], config.length_px
    changes: dict[str, dict[str, object] | str] = {
        "as trained": {},
        # A line must be longer than thick.
        "thicker": {
            "thickness_px": (thickest + 1, thickest + 1),
            "length_px": (max(shortest, thickest + 2), longest),
        },
        "shorter": {"length_px": (thickest + 1, shortest - 1)},
        "longer": {"length_px": (longest + 1, config.size)},
        "noise": {"noise": NOISE},
        "inverted contrast": {"contrast": "bright" if config.contrast == "dark" else "dark"},
    }
    if thickest + 1 >= longest:
        changes["thicker"] = (
            f"lines of {thickest + 1} px would be as thick as the longest, {longest} px, are long"
        )
    if thickest + 1 >= shortest:
        changes["shorter"] = f"no line shorter than {shortest} px is longer than the thickest, {thickest} px"
    if longest == config.size:
        changes["longer"] = f"lines of {longest} px already reach across the {config.size}-pixel pictures"
    if config.noise >= NOISE:
        changes["noise"] = f"the pictures have noise of {config.noise:g} already"
    if config.contrast == "mixed":
        changes["inverted contrast"] = "the pictures have bright and dark lines already"
    return changes


def _draw(config: ImagesConfig, name: str, change: dict[str, object], known: set[bytes]) -> Dataset | str:
    """Pictures that are not among the known ones, or the reason why there are none."""
    seed = int_seed_for(config.data_seed, "unseen", name)
    for count in PER_CLASS:
        try:
            changed = {**change, "data_seed": seed, "pictures_per_class": count}
            drawn = make_dataset(msgspec.structs.replace(config, **changed))
        except LinesexpError as error:
            reason = str(error)
            continue
        new = np.array([picture.tobytes() not in known for picture in drawn.pixels])
        if len(np.unique(drawn.labels[new])) < len(drawn.class_names):
            return "every picture drawn of a class is in the data set already"
        return Dataset(drawn.pixels[new], drawn.labels[new], drawn.split[new], drawn.class_names)
    return reason
