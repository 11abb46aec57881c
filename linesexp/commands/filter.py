"""filter: a kernel over any picture."""

from pathlib import Path
from typing import Any

import click

from linesexp.commands.speaking import common_options, finish, most_pixels_option, progress_on
from linesexp.errors import ConfigError
from linesexp.wording import as_argument

# Written out, as --help waits for neither NumPy nor the rooms; a test holds them against the code.
OPERATOR_NAMES = ("prewitt", "sobel", "scharr", "roberts", "line", "laplacian")
DETECTS = ("vertical", "horizontal", "antidiagonal", "diagonal", "both")
ACTIVATION_NAMES = ("relu", "leaky_relu", "elu", "tanh", "sigmoid", "linear")
MOST_SIDE = 99


@click.command("filter")
@click.argument("picture")
@click.option(
    "--operator",
    type=click.Choice((*OPERATOR_NAMES, "all")),
    metavar="NAME",
    help=f"{', '.join(OPERATOR_NAMES)}, or all side by side.  [default: prewitt]",
)
@click.option("--size", type=click.IntRange(3, MOST_SIDE), help="Side of the operator, odd.  [default: 3]")
@click.option("--detects", type=click.Choice(DETECTS), help="Direction of the edges or lines that it finds.")
@click.option(
    "--kernel",
    metavar="ROWS|FILE.csv",
    help='A kernel of your own: "0 -1 0; -1 4 -1; 0 -1 0", or a file with a row in each line.',
)
@click.option(
    "--border",
    default="drop",
    show_default=True,
    metavar="drop|zero|reflect|nearest|GREY",
    help="Where the kernel reaches beyond the picture: drop such places, or go on with black, the mirrored "
    "picture, its edge, or a grey value 0 … 1.",
)
@click.option(
    "--stride", type=click.IntRange(1), default=1, show_default=True, help="Pixels from place to place."
)
@click.option("--relu", is_flag=True, help="Then ReLU: what is negative becomes 0.")
@click.option("--activation", type=click.Choice(ACTIVATION_NAMES), help="Another activation.")
@click.option("--pool", "pooling", type=click.Choice(("max", "average")), help="Then pooling.")
@click.option("--pool-size", type=click.IntRange(1), help="Side of the pooling window.  [default: 2]")
@click.option("--pool-stride", type=click.IntRange(1), help="From window to window.  [default: its side]")
@click.option("--animate", is_flag=True, help="Also GIFs that show each product and sum, and each pooling.")
@click.option("--longest", type=click.IntRange(1), help="Scale the picture down to this longest side.")
@most_pixels_option
@click.option(
    "--out",
    default="filtered",
    show_default=True,
    metavar="DIR",
    help="Folder for the files; earlier ones of these names are replaced.",
)
@common_options
def filter_command(
    picture: str,
    operator: str | None,
    size: int | None,
    detects: str | None,
    kernel: str | None,
    relu: bool,
    activation: str | None,
    animate: bool,
    longest: int | None,
    most_pixels: int | None,
    out: str,
    as_json: bool,
    quiet: bool,
    debug: bool,
    **steps: Any,
) -> None:
    """Lay a kernel over PICTURE, at every place, and show what comes out.

    Writes result.png and figure.png (--animate: steps.gif, pooling.gif; --operator all: operators.png
    alone) into --out. The picture keeps its size; colour is brought to grey. As in Keras, the kernel is
    not flipped.
    """
    from linesexp.filtering import compare_operators, filter_file

    chosen = _steps("relu" if relu else activation, **steps)
    _agree(kernel, operator, size, detects, relu and activation, animate, **steps)
    reading: dict[str, Any] = {"longest": longest, "most_pixels": most_pixels}
    with progress_on("operator" if operator == "all" else "row", quiet) as progress:
        if operator == "all":
            facts = compare_operators(picture, size or 3, detects, chosen, out, progress=progress, **reading)
        else:
            called, weights = _kernel(kernel, operator or "prewitt", size or 3, detects)
            facts = filter_file(
                picture, weights, called, chosen, out, animate=animate, progress=progress, **reading
            )
    finish(facts, _in_words(facts), f"open {_best(facts['files'])}", as_json, quiet)


def _agree(
    kernel: str | None,
    operator: str | None,
    size: int | None,
    detects: str | None,
    activation: str | bool | None,
    animate: bool,
    **steps: Any,
) -> None:
    """Raise ConfigError for options that do not go together, as one of them would have no effect."""
    of_operators = {"--operator": operator, "--size": size, "--detects": detects}
    for name, value in of_operators.items():
        if kernel is not None and value is not None:
            raise ConfigError(f"{name} {value} is about operators, and --kernel gives one of your own")
    for name in ("pool_size", "pool_stride"):
        if steps["pooling"] is None and steps[name] is not None:
            raise ConfigError(f"--{name.replace('_', '-')} {steps[name]} needs --pool max or --pool average")
    if activation and activation != "relu":
        raise ConfigError(f"--relu and --activation {activation}: choose one")
    if animate and operator == "all":
        raise ConfigError("--animate shows one operator; name it instead of all")


def _steps(activation: str | None, border: str, pool_size: int | None, **more: Any) -> Any:
    from linesexp.seeing.filtering import Steps, parse_border

    return Steps(parse_border(border), activation=activation, pool_size=pool_size or 2, **more)


def _kernel(text: str | None, operator: str, size: int, detects: str | None) -> tuple[str, Any]:
    """What a kernel is called, and its weights (k, k)."""
    from linesexp.filtering import read_kernel
    from linesexp.kernels.operators import get_operator
    from linesexp.seeing.filtering import parse_kernel

    if text is None:
        named = get_operator(operator, size, detects)
        return f"{named.name}, detects {named.detects}", named.kernel
    if text.lower().endswith((".csv", ".txt", ".tsv")):
        return Path(text).name, read_kernel(text)
    try:
        return "kernel of your own", parse_kernel(text)
    except ValueError as error:
        raise ConfigError(f"--kernel: {error}") from None


def _in_words(facts: dict[str, Any]) -> str:
    """What was done, a line for each thing."""
    lines = [f"{facts['picture']}: {facts['rows']}×{facts['columns']} (rows × columns)"]
    for stage in facts.get("stages", []):
        lowest, highest = (f"{stage[end]:.3g}".replace("-", "−") for end in ("lowest", "highest"))
        lines.append(f"{stage['stage']}: {stage['rows']}×{stage['columns']}, values {lowest} … {highest}")
    if "operators" in facts:
        lines.append(f"{len(facts['operators'])} operators side by side")
    else:
        lines += [facts["brightness"], f"result.png: {facts['scale']['words']}"]
    return "\n".join(lines + facts["notes"])


def _best(files: dict[str, str]) -> str:
    """The file to look at first."""
    name = next(name for name in ("steps.gif", "operators.png", "figure.png") if name in files)
    return as_argument(files[name])
