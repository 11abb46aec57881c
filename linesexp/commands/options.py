"""Command-line options generated from ExperimentConfig, and the settings that they add up to."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args, get_origin

import click
import msgspec

from linesexp.config import (
    SECTIONS,
    ExperimentConfig,
    build_config,
    load_config,
    settings_of,
)
from linesexp.errors import ConfigError
from linesexp.section import choices, field_types, settable
from linesexp.wording import nearest

Settings = dict[str, dict[str, Any]]


class Numbers(click.ParamType):
    """Numbers separated by commas, such as 1,3."""

    name = "numbers"

    def __init__(self, kind: type) -> None:
        self.kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return tuple(self.kind(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r}: expected {self.describe()} separated by commas, such as 1,3", param, ctx)

    def describe(self) -> str:
        return "whole numbers" if self.kind is int else "numbers"


def config_options(*names: str) -> Callable[[Callable], Callable]:
    """Decorate a command with --config and one option for each field of these sections.

    A name is that of a section, or of one field: `images`, or `images.size`.

    An option that is given by nobody is None, so that a file or a run may have its say.
    """

    def decorate(command: Callable) -> Callable:
        for name in reversed(names):
            section, _, only = name.partition(".")
            for field in reversed(settable(SECTIONS[section])):
                if only in ("", field.name):
                    command = _option(section, field)(command)
        return click.option(
            "--config",
            "config_file",
            type=click.Path(path_type=Path),
            envvar="LINESEXP_CONFIG",
            help="TOML file with tables [images], [network], [training].",
        )(command)

    return decorate


def chosen_config(
    given: dict[str, Any], config_file: Path | None, before: ExperimentConfig | None
) -> ExperimentConfig:
    """Options and environment > TOML file > the run's settings so far > defaults. Raises ConfigError."""
    _check_environment()
    settings: Settings = {}
    for section, kind in SECTIONS.items():
        named = {name: given[name] for name in kind.__struct_fields__ if given.get(name) is not None}
        if named:
            settings[section] = named
    from_file = load_config(config_file) if config_file else {}
    so_far = settings_of(before) if before else {}
    if from_file:  # a mistake in the file is the file's: name it
        build_config(so_far, from_file, source=str(config_file))
    return build_config(so_far, from_file, settings)


def _check_environment() -> None:
    """Raise ConfigError for a variable LINESEXP_… that sets nothing."""
    known = [f"LINESEXP_{field.name.upper()}" for kind in SECTIONS.values() for field in settable(kind)]
    known += ["LINESEXP_CONFIG", "LINESEXP_RUN", "LINESEXP_STUDY"]
    for name in os.environ:
        if name.startswith("LINESEXP_") and name not in known:
            raise ConfigError(f"unknown environment variable {name}{nearest(name, known)}")


def _option(section: str, field: msgspec.structs.FieldInfo) -> Callable[[Callable], Callable]:
    hint = field_types(SECTIONS[section])[field.name]
    description = next(meta.description for meta in field.type.__metadata__ if meta.description)
    default = field.default
    shown = ",".join(f"{part:g}" for part in default) if isinstance(default, tuple) else default
    name = field.name.replace("_", "-")
    return click.option(
        f"--{name}/--no-{name}" if hint is bool else f"--{name}",
        field.name,
        type=_parameter_type(section, field.name, hint),
        envvar=f"LINESEXP_{field.name.upper()}",
        help=f"{description}  [default: {shown}]",
        default=None,  # a switch that is given by nobody would be off
    )


def _parameter_type(section: str, name: str, hint: Any) -> click.ParamType | type:
    if words := choices(SECTIONS[section], name):
        return click.Choice(words)
    if get_origin(hint) is tuple:
        return Numbers(get_args(hint)[0])
    return hint
