"""The pictures that a preferred input is set against, how they drive units, and who wins."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from linesexp.errors import ConfigError
from linesexp.images.noise import KINDS, noise_pictures
from linesexp.images.probes import line_and_edge_probes

if TYPE_CHECKING:
    from linesexp.seeing.drives import Layer

MOST_DRIVING = 5  # pictures of the data set that are named for each unit


@dataclass
class Group:
    """Pictures, float32 (n, H, W, C) in [0, 1], a number or file name for each, its kind (a class, a kind of
    noise), where it has one, and their drives: layer → (n, units)."""

    pictures: np.ndarray
    names: Sequence[int | str]
    kinds: Sequence[str] = ()
    drives: dict[str, np.ndarray] = field(default_factory=dict)

    def most_driving(self, layer: str, unit: int, count: int) -> np.ndarray:
        """Indices of the pictures that drive a unit most, the strongest first; what is no number comes last."""
        return np.argsort(-np.nan_to_num(self.drives[layer][:, unit], nan=-np.inf), kind="stable")[:count]

    def named(self, layer: str, unit: int, at: int) -> dict[str, Any]:
        """One picture's drive, name and kind."""
        facts = {"value": float(self.drives[layer][at, unit]), "picture": self.names[at]}
        return facts | ({"kind": self.kinds[at]} if self.kinds else {})


@dataclass
class Opponents:
    """data_set: what the network learned from, or None; noise; probes: bars and edges, which only tell whether
    a unit lives."""

    data_set: Group | None
    noise: Group
    probes: Group

    @property
    def groups(self) -> list[Group]:
        """Those that there are."""
        return [group for group in (self.data_set, self.noise, self.probes) if group is not None]

    @property
    def pictures(self) -> int:
        """How many there are."""
        return sum(len(group.pictures) for group in self.groups)

    def facts(self, layer: "Layer", unit: int, drive: float) -> dict[str, Any]:
        """drive, best_training, best_noise, wins, live and most_driving of a unit whose preferred input reaches
        `drive`. It wins if that is above all pictures of the data set and all noise."""
        groups = {"best_training": self.data_set, "best_noise": self.noise}
        best = {
            name: group.named(layer.name, unit, group.most_driving(layer.name, unit, 1)[0]) if group else None
            for name, group in groups.items()
        }
        most = []
        if data := self.data_set:
            ranked = data.most_driving(layer.name, unit, MOST_DRIVING)
            most = [data.named(layer.name, unit, at) for at in ranked]
        return {
            "drive": drive,
            **best,
            "wins": all(drive > each["value"] for each in best.values() if each),
            "live": self._live(layer, unit),
            "most_driving": most,
        }

    def _live(self, layer: "Layer", unit: int) -> bool:
        """Whether it ever answers above zero; a score, whose zero means nothing: whether it ever differs."""
        answers = np.concatenate([group.drives[layer.name][:, unit] for group in self.groups])
        if not np.isfinite(answers).all():
            return False
        return bool(np.ptp(answers) > 0 if layer.squashed else answers.max() > 0)


def opponents_of(data_set: Group | None, shape: tuple[int, int, int], count: int, rng: Any) -> Opponents:
    """A data set (None: none), `count` noise pictures and the probes. Raises ConfigError for
    too little noise."""
    if count < len(KINDS):
        raise ConfigError(f"noise pictures must be {len(KINDS)} or more, one of each kind; got {count}")
    kinds = [KINDS[at % len(KINDS)] for at in range(count)]
    noise = Group(noise_pictures(count, shape, rng), range(count), kinds)
    probes = line_and_edge_probes(shape)
    return Opponents(data_set, noise, Group(probes, range(len(probes))))
