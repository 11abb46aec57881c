"""see --preferred: its options, and what is printed of preferred inputs."""

from collections.abc import Callable, Sequence
from typing import Any

import click

MOST_LINES = 12  # units that get a line each


def preferred_options(command: Callable) -> Callable:
    """--preferred and what goes with it."""
    for option in reversed(
        (
            click.option(
                "--preferred",
                metavar="LAYER[:UNIT]",
                multiple=True,
                help="The input that a unit likes best, or each unit of a layer, set against noise and the "
                "run's training pictures (a model: against PICTURES). May be repeated.",
            ),
            click.option(
                "--preferred-steps",
                type=click.IntRange(0),
                default=50,
                show_default=True,
                help="Steps of gradient ascent.",
            ),
            click.option(
                "--preferred-pull",
                type=click.FloatRange(0),
                default=0.2,
                show_default=True,
                help="Pull of preferred inputs to smooth grey: what black and white pixels in turn cost, as a "
                "share of the range of the unit's answers to noise.",
            ),
            click.option(
                "--noise-pictures",
                type=click.IntRange(4),
                default=1000,
                show_default=True,
                help="Noise pictures to set them against, a quarter of each kind: uniform, black or white "
                "pixels, soft clouds, black or white blots.",
            ),
        )
    ):
        command = option(command)
    return command


def preferred_lines(facts: dict[str, Any]) -> list[str]:
    """What to print: a line for each of a few units or for each layer, then who wins and who does not."""
    units = facts["units"]
    if len(units) <= MOST_LINES:
        lines = [_unit_line(unit) for unit in units]
    else:
        lines = [_layer_line(layer, units) for layer in facts["layers"]]
    against = "noise" if facts["training_pictures"] is None else "all training pictures and noise"
    lines.append(f"preferred inputs win against {against} for {facts['wins']} of {facts['live']} live units")
    return lines


def _unit_line(unit: dict[str, Any]) -> str:
    parts = [f"{_name(unit)}: preferred {unit['drive']:.4g}"]
    for words, key in (("best training picture", "best_training"), ("best noise", "best_noise")):
        if best := unit[key]:
            kind = f", {best['kind']}" if "kind" in best else ""
            parts.append(f"{words} {best['value']:.4g} ({best['picture']}{kind})")
    verdict = "wins" if unit["wins"] else "DOES NOT WIN"
    return "; ".join([*parts, verdict if unit["live"] else "not live"])


def _layer_line(layer: dict[str, Any], units: Sequence[dict[str, Any]]) -> str:
    own = [unit for unit in units if unit["layer"] == layer["layer"]]
    lost = [unit["name"] for unit in own if unit["live"] and not unit["wins"]]
    dead = [unit["name"] for unit in own if not unit["live"]]
    line = f"{layer['layer']}: wins for {layer['wins']} of {layer['live']} live units"
    line += f"; DOES NOT WIN: {', '.join(lost)}" if lost else ""
    return line + (f"; not live: {', '.join(dead)}" if dead else "")


def _name(unit: dict[str, Any]) -> str:
    return f"{unit['layer']}:{unit['name']}"
