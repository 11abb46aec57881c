"""The commands that train a study anew, and the file of conditions that they need."""

import shlex

import msgspec

from linesexp.config import changed_settings, settings_of
from linesexp.study.conditions import CONDITIONS
from linesexp.study.plan import StudySettings, numbers, spans
from linesexp.wording import option_words

FILE = "conditions.toml"


def commands_of(settings: StudySettings) -> list[str]:
    """The command that trains the same members in one go, however the study grew.

    A study made from Python may leave out seeds between others: then a command for each part of it, each with
    a folder of its own.
    """
    seeds, data_seeds = spans(sorted(numbers(settings.seeds))), spans(sorted(settings.data_seeds))
    parts = [(seeds_of, data_of) for seeds_of in seeds for data_of in data_seeds]
    folders = ["repeated"] if len(parts) == 1 else [f"repeated-{index + 1}" for index in range(len(parts))]
    how = [f"--conditions {shlex.quote(','.join(settings.conditions))}"]
    how += [f"--conditions-file {FILE}"] * bool(own_conditions_of(settings))
    how += [option_words(name, value) for name, value in changed_settings(settings.base).items()]
    commands = []
    for folder, ((first, count), (first_data, count_data)) in zip(folders, parts, strict=True):
        words = [f"linesexp study {folder} --seeds {first}-{first + count - 1}"]
        if (first_data, count_data) != (0, 1):
            words += [f"--data-seed {first_data} --data-seeds {count_data}"]
        commands.append(" ".join([*words, *how]))
    return commands


def own_conditions_of(settings: StudySettings) -> str:
    """TOML of the conditions that are not built in, to be given by --conditions-file; empty without any."""
    base = settings_of(settings.base)
    lines = []
    for name, config in settings.conditions.items():
        if name in CONDITIONS:
            continue
        tables = {
            section: {field: value for field, value in values.items() if value != base[section][field]}
            for section, values in settings_of(config).items()
        }
        changed = {section: values for section, values in tables.items() if values}
        for section, values in changed.items():
            lines.append(f"[{name}.{section}]")
            # What JSON writes of numbers, words, lists, true and false, TOML reads alike.
            lines += [f"{field} = {msgspec.json.encode(value).decode()}" for field, value in values.items()]
        if not changed:
            lines.append(f"[{name}]")
    return "\n".join(lines)
