"""What a run's report says: every sentence computed from the run's numbers."""

from typing import Any

import numpy as np

from linesexp import __version__
from linesexp.config import ExperimentConfig, settings_of
from linesexp.kernels.analysis import Analysis, KernelRecord
from linesexp.layer_table import layer_table
from linesexp.run import Run
from linesexp.runs.formats import parse_json
from linesexp.views.animation import first_frame
from linesexp.views.page import data_uri, render_page
from linesexp.wording import shown

SIGNIFICANT = 0.05
FRAMES = 60  # of a GIF at most: more would take much memory and patience


def page_of(run: Run) -> str:
    """The report as HTML. Needs the run's analysis, figures and GIFs."""
    config, analysis, dataset = run.config, run.analysis, run.dataset
    layers = layer_table(config, dataset.pixels.shape[-1], len(dataset.class_names))
    first = config.network.filters[0]
    size = config.network.kernel_sizes[0]
    return render_page(
        version=__version__,
        title=f"What {first} {size}×{size} kernels learned from pictures of lines",
        summary=_summary(config, analysis),
        data={"words": _data_words(config, dataset.counts()), "sheet": _png(run, "dataset.png")},
        network={
            "layers": layers,
            "weights": sum(layer["weights"] for layer in layers),
            "words": _network_words(layers, first, size),
            "blind": _blind_words(config, dataset.pixels),
        },
        training={
            "figure": _png(run, "figures/training.png"),
            "words": _training_words(config, analysis, len(analysis.steps)),
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
        },
        responses={
            "words": _responses_words(config, analysis),
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
        comparison={
            "words": _comparison_words(analysis),
            "caption": f"Kernels of the first layer after epoch {analysis.steps[-1]:g}",
            "rows": [
                _row(after, before) for after, before in zip(analysis.kernels, analysis.untrained, strict=True)
            ],
            "figure": _png(run, "figures/similarity.png"),
            "figure_caption": "Largest |cosine| with any operator of that direction, at each recorded step.",
        },
        chance=_chance_words(analysis, size),
        repeat=_repeat(run),
    )


def _summary(config: ExperimentConfig, analysis: Analysis) -> list[str]:
    before, after = analysis.before, analysis.after
    matched, count = _matched(analysis.kernels), len(analysis.kernels)
    untrained = _matched(analysis.untrained)
    return [
        f"{_so_far(config, analysis)} the network names the class of {after.correct} of {after.pictures} test "
        "pictures, whose lines are centred where it never saw one of their class centred; untrained, it named "
        f"{before.correct}.",
        f"{matched} of {count} kernels resemble a classical operator more than 95 % of untrained kernels do "
        f"(untrained: {untrained} of {count}; luck alone: {count * SIGNIFICANT:.1f} on average).",
        "This is one run, an anecdote with numbers: another seed gives other kernels.",
    ]


def _so_far(config: ExperimentConfig, analysis: Analysis) -> str:
    done, planned = analysis.steps[-1], config.training.epochs
    return f"After {done:g} epochs" if done == planned else f"After {done:g} of {planned} epochs (not finished)"


def _data_words(config: ExperimentConfig, counts: dict[str, dict[str, int]]) -> str:
    images = config.images
    classes = list(counts["train"])
    total = sum(sum(split.values()) for split in counts.values())
    parts = ", ".join(f"{sum(split.values())} for {name}" for name, split in counts.items())
    traits = [
        f"{_range(images.thickness_px)} px thick",
        f"{_range(images.length_px)} px long",
        {"bright": "bright on dark", "dark": "dark on bright", "mixed": "bright on dark or dark on bright"}[
            images.contrast
        ],
        f"at least {images.margin_px} px from the border that they run along"
        if set(images.angles_deg) <= {0, 90} and not images.angle_jitter_deg
        else f"their middles at least {images.margin_px} px from the border, counted across them",
    ]
    if images.noise:
        traits.append(f"with noise of standard deviation {images.noise:g}")
    if images.blur_px:
        traits.append(f"blurred by {images.blur_px:g} px")
    if images.angle_jitter_deg:
        traits.append(f"turned by up to {images.angle_jitter_deg:g}°")
    return (
        f"{total} pictures of {images.size}×{images.size} pixels, {len(classes)} classes "
        f"({', '.join(classes)}), one straight line in each: {', '.join(traits)}. {parts}. "
        "No two pictures are alike, and the splits are disjoint in position: the pixel on which a test line is "
        "centred, counted across it (the row of a horizontal line, the column of a vertical one), is never the "
        "centre of a training line of its class."
    )


def _network_words(layers: list[dict[str, Any]], filters: int, size: int) -> str:
    first = layers[1]["weights"]
    total = sum(layer["weights"] for layer in layers)
    return (
        f"The first layer learns {filters} kernels of {size}×{size} weights and a bias each, {first:,} in all; "
        f"the whole network learns {total:,}."
    )


def _blind_words(config: ExperimentConfig, pixels: np.ndarray) -> str:
    seen, size = config.network.seen_size(config.images.size), config.images.size
    if seen == size:
        return ""
    words = (
        f"Pooling drops what does not fill its window, so only the first {seen} of {size} rows and columns "
        "can reach the output."
    )
    if config.images.noise:
        return words
    inside = pixels[:, :seen, :seen].reshape(len(pixels), -1)
    invisible = int(np.sum(inside.min(axis=1) == inside.max(axis=1)))
    return f"{words} In {invisible} of {len(pixels)} pictures the whole line lies beyond."


def _training_words(config: ExperimentConfig, analysis: Analysis, steps: int) -> str:
    training = config.training
    before, after = (
        "infinite" if part.loss is None else f"{part.loss:.3g}" for part in (analysis.before, analysis.after)
    )
    return (
        f"{training.optimizer} with step size {training.learning_rate:g}, batches of {training.batch_size}, "
        f"{analysis.steps[-1]:g} of {training.epochs} epochs done; {steps} steps were recorded, step 0 being "
        "the untrained network. Test loss "
        f"went from {before} to {after}, test accuracy from "
        f"{analysis.before.accuracy:.3f} to {analysis.after.accuracy:.3f}."
    )


def _responses_words(config: ExperimentConfig, analysis: Analysis) -> str:
    first, second = analysis.preference_classes
    before = [abs(record.preference) for record in analysis.untrained if record.preference is not None]
    after = [abs(record.preference) for record in analysis.kernels if record.preference is not None]
    middle = f"{_median(before)} before and {_median(after)} after training"
    return (
        f"The picture is convolved with the kernel, goes through the activation ({config.network.activation}), "
        f"and pooling keeps the {config.network.pooling} of each neighbourhood. The preference compares a "
        f"kernel’s mean strongest answers to the test pictures of both classes: −1 if it answers to "
        f"{first} lines only, +1 to {second} lines only, 0 if to both alike. "
        f"Its size, in the middle of all kernels: {middle}."
    )


def _comparison_words(analysis: Analysis) -> str:
    matches = [(abs(r.match.cosine), r.match.order, r) for r in analysis.kernels if r.match]
    edges, lines = (sum(order == wanted for _, order, _ in matches) for wanted in (1, 2))
    words = (
        f"The best match of {edges} kernels is a first-derivative (edge) operator, that of {lines} a "
        "second-derivative (line or spot) operator."
    )
    if not matches:
        return words
    cosine, _, strongest = max(matches, key=lambda found: found[0])
    return (
        f"{words} The strongest is kernel {strongest.index}: |cosine| {cosine:.2f} with "
        f"{_operator(strongest)}. The column “bright side” says where a bright area makes the kernel answer; "
        "“change” is the distance from the untrained kernel, relative to its norm; an operator’s place is "
        "the row and column of its upper left corner in the kernel."
    )


def _chance_words(analysis: Analysis, size: int) -> list[str]:
    chance = analysis.chance
    low, middle, high = chance.any
    matched, count = _matched(analysis.kernels), len(analysis.kernels)
    return [
        f"Every kernel is compared with Prewitt, Sobel, Scharr, line and Laplacian operators of all odd sizes "
        f"from 3 to {size} at all places. With so many to choose from, a kernel of pure noise finds a "
        f"similar one: {chance.draws:,} kernels drawn as the untrained ones are ({chance.initialiser}) have a "
        f"best |cosine| of {middle:.2f} in the middle, and 98 % of them lie between {low:.2f} and {high:.2f}.",
        f"p is the share of such noise kernels that match at least as well, (b + 1)/(m + 1) with m = "
        f"{chance.draws:,}. Here {matched} of {count} kernels have p < {SIGNIFICANT:g}; luck alone would give "
        f"{count * SIGNIFICANT:.1f} on average.",
        f"For noise, {1 / size**2:.1%} of a kernel’s energy is its mean, and odd and even parts share the rest "
        "equally; a Prewitt operator is wholly odd, a line operator wholly even.",
    ]


def _repeat(run: Run) -> dict[str, Any]:
    default = settings_of(ExperimentConfig())
    options = [
        f"--{name.replace('_', '-')} {value if isinstance(value, str) else shown(value)}"
        for section, values in settings_of(run.config).items()
        for name, value in values.items()
        if value != default[section][name]
    ]
    environment = parse_json(run.folder.read("environment.json"), "environment.json")
    backend = environment["versions"].get("backend", "tensorflow")
    commands = [] if backend == "tensorflow" else [f"export KERAS_BACKEND={backend}"]
    commands += [" ".join(["linesexp generate repeated", *options])]
    commands += [f"linesexp {command} repeated" for command in ("train", "report")]
    last = run.folder.names(prefix="kernels/")[-1]
    return {
        "words": "On a machine with the same processor and versions these commands give the same kernel files; "
        "elsewhere the last digits may differ, and with them, after many steps, more.",
        "commands": "\n".join(commands),
        "environment": [
            *environment["versions"].items(),
            *environment["machine"].items(),
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
        "operator": _operator(after),
        "detects": after.detects or "–",
        "side": sides.get((after.detects or "", after.polarity or 0), "–"),
        "cosine": f"{match.cosine:+.2f}" if match else "–",
        "p": f"{match.p_initialiser:.4f}" if match else "–",
        "odd": _two(energy.odd),
        "even": _two(energy.even),
        "dc": _two(energy.dc),
        "axis_vertical": _two(energy.axis_vertical),
        "axis_horizontal": _two(energy.axis_horizontal),
        "change": _two(after.change.relative_norm),
        "before": _two(before.preference, "+.2f", "silent"),
        "after": _two(after.preference, "+.2f", "silent"),
    }


def _operator(record: KernelRecord) -> str:
    match = record.match
    if match is None:
        return "none (constant)"
    return f"{match.operator} {match.size}×{match.size} at ({match.row}, {match.column})"


def _matched(records: list[KernelRecord]) -> int:
    return sum(r.match is not None and r.match.p_initialiser < SIGNIFICANT for r in records)


def _median(values: list[float]) -> str:
    return f"{np.median(values):.2f}" if values else "–"


def _range(pair: tuple[int, int]) -> str:
    return f"{pair[0]}" if pair[0] == pair[1] else f"{pair[0]}–{pair[1]}"


def _two(value: float | None, form: str = ".2f", nothing: str = "–") -> str:
    return nothing if value is None else format(value, form)


def _png(run: Run, name: str) -> str:
    return data_uri(run.folder.read(name), "image/png")


def _gif(run: Run, name: str) -> dict[str, str]:
    gif = run.folder.read(name)
    return {"moving": data_uri(gif, "image/gif"), "still": data_uri(first_frame(gif), "image/png")}
