"""What a run's report says: which figures, tables and sentences it holds."""

from typing import Any

from linesexp import __version__
from linesexp.config import changed_settings
from linesexp.environment import backend_command
from linesexp.kernels.match import operator_bank
from linesexp.kernels.records import KernelRecord
from linesexp.own_pictures.words import picture_words
from linesexp.report.deeper import deeper_section
from linesexp.report.evidence import (
    ablation_table,
    about_audit,
    about_controls,
    about_nulls,
    about_pairs,
    controls_table,
    layer_quality_table,
    p_table,
    shortcuts_table,
    unseen_table,
)
from linesexp.report.laboratory import about_laboratory, laboratory_data
from linesexp.report.layer_table import layer_table
from linesexp.report.ledger import about_ledger, ledger_cards
from linesexp.report.place import place_section
from linesexp.report.sentences import (
    about_blind_border,
    about_chance,
    about_data,
    about_matches,
    about_network,
    about_responses,
    about_training,
    about_tuning,
    operator_name,
    summary,
    title,
)
from linesexp.run import Run
from linesexp.runs.formats import parse_json
from linesexp.study.place import Place
from linesexp.views.animation import first_frame
from linesexp.views.page import data_uri, fewer_colours, render_page
from linesexp.wording import option_words, signed

FRAMES = 60  # of a GIF at most: more would take much memory and patience


def page_of(run: Run, place: Place | None = None) -> str:
    """The report as HTML. Needs the run's analysis, figures and GIFs, also that of its place in a study."""
    config, analysis, dataset = run.config, run.analysis, run.dataset
    layers = layer_table(config, dataset.pixels.shape[-1], len(dataset.class_names))
    first = config.network.filters[0]
    size = config.network.kernel_sizes[0]
    words = picture_words(config.images)
    laboratory = laboratory_data(run)
    return render_page(
        laboratory=laboratory,
        about_laboratory=about_laboratory(run, laboratory),
        version=__version__,
        title=title(config, analysis),
        question=words.question,
        summary=summary(config, analysis),
        data={"words": about_data(config, dataset.counts()), "sheet": _png(run, "dataset.png")},
        network={
            "layers": layers,
            "weights": sum(layer["weights"] for layer in layers),
            "words": about_network(layers, first, size),
            "blind": about_blind_border(config, dataset.pixels),
        },
        training={
            "figure": _png(run, "figures/training.png"),
            "words": about_training(config, analysis, len(analysis.steps)),
            "caption": "Loss and accuracy; the first point is the untrained network, measured without dropout. "
            "The loss is the one that training lowers"
            + (", the weight decay's penalty included." if config.network.weight_decay else "."),
        },
        kernels={
            "gif": _gif(run, "gifs/kernels.gif"),
            "caption": f"{min(len(analysis.steps), FRAMES)} of {len(analysis.steps)} recorded steps, from the "
            "untrained network to the last. "
            "One scale for all kernels and steps: blue is negative, orange positive, near-white zero.",
            "figure": _png(run, "figures/kernels_before_after.png"),
            "figure_caption": "Upper two rows on one scale. Below: the operator with the largest |cosine|, at "
            "the size, place and sign in which it fits best, on a scale of its own. The best of many is "
            "always somewhat similar; the section on chance says how similar.",
            "colour": _in_colour(run),
        },
        responses={
            "words": about_responses(config, analysis),
            "one": words.one,
            "figure": _png(run, "figures/responses.png"),
            "caption": "All maps share one zero-centred scale. The Prewitt operators are scaled to the norm of "
            "the learned kernel that they stand beside, and have no bias.",
            "gif": _gif(run, "gifs/responses.gif"),
        },
        walkthrough={
            "figure": _png(run, "figures/walkthrough.png"),
            "caption": "Each layer has its own zero-centred scale, at the right. A map that is zero everywhere "
            "is grey and marked silent: silent on this picture, which does not mean dead.",
        },
        deeper=_deeper(run),
        comparison={
            "words": about_matches(analysis),
            "caption": f"Kernels of the first layer after epoch {analysis.steps[-1]:g}",
            "rows": [
                _row(after, before) for after, before in zip(analysis.kernels, analysis.untrained, strict=True)
            ],
            "figure": _png(run, "figures/similarity.png"),
            "figure_caption": "Largest |cosine| with any operator of that direction, at each recorded step.",
            "classes": [f"{name}{words.of_class}" for name in analysis.preference_classes],
            "operators": _png(run, "figures/operators.png"),
            "course": _png(run, "figures/course.png"),
            "course_caption": "Odd is like an edge, even like a line, the mean like a blur. Thin: each kernel.",
        },
        audit={
            "words": [*about_audit(analysis), words.independence],
            "shortcuts": shortcuts_table(analysis),
            "unseen": unseen_table(analysis, config.images),
        },
        tuning={
            "words": about_tuning(analysis),
            "figure": _png(run, "figures/tuning.png"),
            "caption": words.tuning,
        },
        chance={
            "words": about_chance(analysis, size, operator_bank(size).whole),
            "nulls": about_nulls(analysis),
            "table": p_table(analysis),
            "pairs": about_pairs(analysis),
            "quality": layer_quality_table(analysis),
        },
        controls={
            "words": about_controls(analysis),
            "trained": controls_table(analysis),
            "ablation": ablation_table(analysis),
        },
        evidence={
            "words": about_ledger(analysis.ledger),
            "cards": ledger_cards(analysis.ledger),
            "missing": analysis.missing,
        },
        place=None if place is None else place_section(place, _png(run, "figures/place.png")),
        repeat=_repeat(run),
    )


def _in_colour(run: Run) -> dict[str, Any] | None:
    """The first layer of a network that looks at colours: its GIF and its sheet."""
    if run.dataset.pixels.shape[-1] == 1:
        return None
    return {
        "gif": _gif(run, "gifs/conv1.gif"),
        "figure": _png(run, "figures/conv1.png"),
        "caption": "Each kernel in colour, upper row untrained, lower row trained: mid-grey is zero, more red "
        "a larger weight for red. Beside it its luminance, then its red, green and blue weights, on the scale "
        "below.",
    }


def _deeper(run: Run) -> dict[str, Any] | None:
    layers = run.analysis.deeper
    if not layers:
        return None
    sheets = [_png(run, f"figures/{layer.layer}.png") for layer in layers]
    return deeper_section(layers, _png(run, "figures/compositions.png"), sheets)


def _repeat(run: Run) -> dict[str, Any]:
    options = [option_words(name, value) for name, value in changed_settings(run.config).items()]
    environment = parse_json(run.folder.read("environment.json"), "environment.json")
    commands = backend_command(environment["versions"])
    own = run.config.images.folders
    if own is None:
        commands += [" ".join(["linesexp generate repeated", *options]), "linesexp train repeated"]
    else:
        options += ["--skip-broken"] * bool(own.broken)
        commands += [" ".join(["linesexp train repeated --data DIR", *options])]
    commands += ["linesexp report repeated"]
    last = run.folder.names(prefix="kernels/")[-1]
    return {
        "words": "On a machine with the same processor and versions these commands give the same kernel files; "
        "elsewhere the last digits may differ, and with them, after many steps, more."
        + (" DIR is the folder of these very pictures; their SHA-256 is below." if own else ""),
        "commands": "\n".join(commands),
        "environment": [
            *environment["versions"].items(),
            *environment["machine"].items(),
            *([("SHA-256 of the pictures’ names and contents", own.sha256)] if own else []),
            (f"SHA-256 of {last}", run.folder.entry(last).sha256),
        ],
    }


def _row(after: KernelRecord, before: KernelRecord) -> dict[str, str | int]:
    match, energy = after.match, after.shares
    sides = {
        ("vertical", 1): "right",
        ("vertical", -1): "left",
        ("horizontal", 1): "below",
        ("horizontal", -1): "above",
    }
    return {
        "index": after.index,
        "operator": operator_name(after),
        "detects": after.detects or "–",
        "side": sides.get((after.detects or "", after.polarity or 0), "–"),
        "cosine": _two(match.cosine if match else None, "+.2f"),
        "angle": _two(after.tuning.preferred_angle_deg, ".0f"),
        "health": after.health,
        "odd": _two(energy.odd),
        "even": _two(energy.even),
        "dc": _two(energy.dc),
        "axis": _two(max(filter(None, (energy.axis_vertical, energy.axis_horizontal)), default=None)),
        "change": _two(after.change.relative_norm),
        "start": _two(after.change.cosine, "+.2f"),
        "preference": " → ".join(_two(r.preference, "+.2f", "silent") for r in (before, after)),
    }


def _two(value: float | None, form: str = ".2f", nothing: str = "–") -> str:
    return nothing if value is None else signed(value, form)


def _png(run: Run, name: str) -> str:
    return data_uri(fewer_colours(run.folder.read(name)), "image/png")


def _gif(run: Run, name: str) -> dict[str, str]:
    gif = run.folder.read(name)
    return {"moving": data_uri(gif, "image/gif"), "still": data_uri(first_frame(gif), "image/png")}
