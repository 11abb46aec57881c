"""Conditions: named changes to a study's base settings, built in or from a TOML file of somebody's own."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from linesexp.config import (
    SECTIONS,
    ExperimentConfig,
    build_config,
    check_names,
    read_toml,
    refuse_records,
    settings_of,
)
from linesexp.errors import ConfigError
from linesexp.wording import nearest

Settings = dict[str, dict[str, Any]]
Change = Settings | Callable[[ExperimentConfig], Settings]  # a function where it depends on the base


def _small_kernels(base: ExperimentConfig) -> Settings:
    return {"network": {"kernel_sizes": (3, *base.network.kernel_sizes[1:])}}


CONDITIONS: dict[str, Change] = {
    "default": {},
    "weight-decay": {"network": {"weight_decay": 1e-2}},
    "thin-lines": {"images": {"thickness_px": (1, 1)}},
    "thick-bars": {"images": {"thickness_px": (1, 8)}},
    "mixed-contrast": {"images": {"contrast": "mixed"}},
    "noise": {"images": {"noise": 0.2}},
    "small-kernels": _small_kernels,
    "average-pooling": {"network": {"pooling": "average"}},
    "shuffled-labels": {"training": {"shuffle_labels": True}},
    "frozen-random": {"network": {"first_layer": "random"}},
    "frozen-prewitt": {"network": {"first_layer": "prewitt"}},
}
USUAL = ("default", "weight-decay", "shuffled-labels")  # unless others are asked for
ALL = "all"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")  # a folder's name, on every system
OF_THE_STUDY = {("training", "seed"): "--first-seed", ("images", "data_seed"): "--data-seed"}


def own_conditions(path: str | Path) -> dict[str, Settings]:
    """Conditions in a TOML file by name: `[my-condition.network]`, then settings as in a configuration file.

    Raises InputError if the file cannot be read as TOML, ConfigError, naming the file, for a name or a field
    that it may not hold, with the nearest that it may.
    """
    found = read_toml(path)
    for name, settings in found.items():
        if name in SECTIONS:
            raise ConfigError(f"{path}: [{name}] belongs to no condition; write [my-condition.{name}]")
        where = f"{path}: condition {name}"
        if not isinstance(settings, dict):
            raise ConfigError(f"{where} must be tables of settings, such as [{name}.network]")
        if not NAME.fullmatch(name):
            raise ConfigError(f"{where}: a name is of a-z, 0-9, - and _, at most 64 of them")
        if name in CONDITIONS or name == ALL:
            raise ConfigError(f"{where}: there is a built-in one of this name; choose another")
        check_names(settings, source=where)
        refuse_records(settings, source=where)
        for (section, field), option in OF_THE_STUDY.items():
            if field in settings.get(section, {}):
                raise ConfigError(f"{where}: {section}.{field} is the study's, for all conditions: {option}")
        if settings.get("network", {}).get("first_layer") == "given":
            raise ConfigError(f"{where}: first_layer = 'given': use trained, random or prewitt")
    return found


def chosen_conditions(
    names: Iterable[str],
    base: ExperimentConfig,
    own: dict[str, Settings],
    known: dict[str, ExperimentConfig] | None = None,
) -> dict[str, ExperimentConfig]:
    """The settings of each condition by its name, in the order of `names`; `all` stands for all there are.

    own: those of somebody's own file; known: settings of conditions that a study holds already, for names that
    are neither built in nor in the file. Raises ConfigError for an unknown name, with the nearest, and for
    settings that do not go together, naming the condition.
    """
    changes: dict[str, Change] = {**CONDITIONS, **own}
    known = known or {}
    found: dict[str, ExperimentConfig] = {}
    for name in names:
        if name == ALL:
            found |= {every: _changed(every, change, base) for every, change in changes.items()}
        elif name in changes:
            found[name] = _changed(name, changes[name], base)
        elif name in known:
            found[name] = known[name]
        else:
            raise ConfigError(f"unknown condition {name}{nearest(name, [*changes, *known])}")
    return found


def _changed(name: str, change: Change, base: ExperimentConfig) -> ExperimentConfig:
    settings = change(base) if callable(change) else change
    try:
        return build_config(settings_of(base), settings)
    except ConfigError as error:
        raise ConfigError(f"condition {name}: {error}") from None
