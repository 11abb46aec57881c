"""see: what a network does with pictures.

Rooms are imported inside the command, so that `--help` waits for none of them.
"""

import re
from pathlib import Path
from typing import Any

import click

from linesexp.commands.ending import complain
from linesexp.commands.following import opening
from linesexp.commands.options import Numbers
from linesexp.commands.preferred import preferred_lines, preferred_options
from linesexp.commands.speaking import common_options, default_folder, finish, progress_on, say

METHODS = ("gradient", "smoothgrad", "occlusion", "grad-cam")
MOST_CLASSES = 5  # that are printed


@click.command()
@click.argument("network", metavar="MODEL_OR_RUN")
@click.argument("pictures", nargs=-1)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder to write into.  [default: results/see/RUN, or FOLDER-MODEL]",
)
@click.option(
    "--attribution",
    help=f"Methods, separated by commas, or none.  [default: {','.join(METHODS)}]",
)
@click.option("--class", "class_name", help="Class to explain, by name or number.  [default: the likeliest]")
@click.option(
    "--samples", type=click.IntRange(1), default=25, show_default=True, help="Noisy copies for SmoothGrad."
)
@click.option(
    "--noise",
    type=click.FloatRange(0, 1),
    default=0.15,
    show_default=True,
    help="Standard deviation of their noise, as a share of black to white.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of all noise.")
@click.option(
    "--occlusion-size",
    type=click.IntRange(1),
    help="Side of the patch in px.  [default: an eighth of the picture]",
)
@click.option(
    "--occlusion-stride", type=click.IntRange(1), help="How far it moves in px.  [default: half of its side]"
)
@click.option(
    "--occlusion-fill", help="What covers: mean (of the picture), or 0 (black) to 1 (white).  [default: mean]"
)
@click.option(
    "--pixels",
    type=Numbers(float),
    help="What black and white are to a model.  [default: as its own rescaling tells, else 0,1]",
)
@click.option("--size", type=Numbers(int), help="Height,width in px for a model that takes any.")
@click.option(
    "--figures/--no-figures", default=True, help="Without: classes and maps as numbers, in .npz files."
)
@click.option(
    "--most-pixels", type=click.IntRange(1), help="Refuse pictures of more pixels.  [default: 25000000]"
)
@click.option("--run-its-code", is_flag=True, help="Load a model with Lambda layers: runs code from its file.")
@preferred_options
@common_options
def see(
    network: str,
    pictures: tuple[str, ...],
    preferred: tuple[str, ...],
    out: Path | None,
    figures: bool,
    run_its_code: bool,
    as_json: bool,
    quiet: bool,
    debug: bool,
    **given: Any,
) -> None:
    """Look into a network while it sees PICTURES.

    MODEL_OR_RUN is a run's folder, or a .keras file with any model that takes grey or colour pictures. Shows
    the classes, every layer's maps (of a run before and after training), and what in the picture speaks for
    the class, beside the same for an untrained network. Pictures are stretched to the size that the network
    takes. With --preferred, PICTURES may be left out, and a model's are its data set and not looked at one by
    one.
    """
    options = _options(given)
    scale, size = (_pair(given[name], f"--{name}") for name in ("pixels", "size"))
    if not pictures and not preferred:
        raise click.UsageError("name PICTURES to look at, or units with --preferred LAYER[:UNIT]")
    from linesexp.environment import check_backend
    from linesexp.runs.atomic import check_writable

    folder = out or default_folder("results/see", network)
    check_writable(folder)
    from linesexp.looking.networks import open_network, scale_facts, scale_words
    from linesexp.looking.preferring import PreferredOptions, prefer
    from linesexp.looking.see import see as see_pictures
    from linesexp.looking.see import see_numbers

    if preferred:  # which come after the pictures
        check_backend()
    found: list[dict[str, Any]] = []
    facts: dict[str, Any] = {"network": network, "out": str(folder), "pictures": found}
    with progress_on("picture" if pictures and not figures else "step", quiet) as progress:
        opened = open_network(network, scale, size, run_its_code, debug)
        facts["scale"] = scale_facts(opened)
        own = () if preferred and opened.kind == "model" else pictures
        if own and figures:
            found += see_pictures(opened, own, folder, options, say(quiet), progress)
        elif own:
            found += see_numbers(opened, own, folder, options, progress)
        if preferred:
            wanted = PreferredOptions(
                preferred,
                seed=options.seed,
                noise_pictures=given["noise_pictures"],
                steps=given["preferred_steps"],
                pull=given["preferred_pull"],
                most_pixels=options.most_pixels,
            )
            facts["preferred"] = prefer(opened, wanted, folder, pictures, figures, say(quiet), progress)
    if not as_json:
        if opened.scale_guessed:
            click.echo(scale_words(opened))
        for record in found:
            click.echo(f"{record['picture']}: {_classes(record)}")
        for line in preferred_lines(facts["preferred"]) if preferred else ():
            click.echo(line)
    if not opened.trained_fully and not quiet:
        complain(f"training has not ended: weights of epoch {opened.step:g}")
    files = [file for record in [*found, facts.get("preferred", {"files": []})] for file in record["files"]]
    following = opening(folder, files[0]) if figures else f"numpy.load({str(folder / files[0])!r})"
    finish(facts, f"{len(set(files))} files in {folder}", following, as_json, quiet)


def _options(given: dict[str, Any]) -> Any:
    from linesexp.errors import ConfigError
    from linesexp.looking.look import Options

    words = given["attribution"]
    methods = METHODS if words is None else () if words == "none" else tuple(words.split(","))
    if unknown := [method for method in methods if method not in METHODS]:
        raise ConfigError(f"--attribution {unknown[0]}: choose from {', '.join(METHODS)}, or none")
    fill = given["occlusion_fill"]
    if fill in (None, "mean"):
        fill = None
    elif re.fullmatch(r"0?\.\d+|0|1|[01]\.0*", fill):
        fill = float(fill)
    else:
        raise ConfigError(f"--occlusion-fill {fill}: expected mean, or a number from 0 (black) to 1 (white)")
    names = ("class_name", "samples", "noise", "seed", "occlusion_size", "occlusion_stride")
    chosen = {name: given[name] for name in names}
    if given["most_pixels"]:
        chosen["most_pixels"] = given["most_pixels"]
    return Options(methods=tuple(dict.fromkeys(methods)), occlusion_fill=fill, **chosen)


def _pair(numbers: tuple | None, option: str) -> Any:
    from linesexp.errors import ConfigError

    if numbers is None:
        return None
    if (
        len(numbers) != 2
        or (option == "--pixels" and numbers[0] >= numbers[1])
        or (option == "--size" and min(numbers) < 1)
    ):
        shown = ",".join(f"{number:g}" for number in numbers)
        example = (
            "black and white, such as 0,255" if option == "--pixels" else "height and width, such as 224,224"
        )
        raise ConfigError(f"{option} {shown}: expected {example}")
    return numbers


def _classes(record: dict[str, Any]) -> str:
    """`horizontal (0.9998), vertical (0.0002)`, the likeliest first."""
    if reason := record.get("no_class"):
        return f"no class: {reason}"
    kind = "probabilities" if "probabilities" in record else "scores"
    best = sorted(record[kind].items(), key=lambda item: -item[1])[:MOST_CLASSES]
    words = record.get("single") or ("scores, not probabilities" if kind == "scores" else "")
    return ", ".join(f"{name} ({value:.4g})" for name, value in best) + (f"; {words}" if words else "")
