"""Every sentence of the report that states something, computed from the run's numbers."""

from typing import Any

import numpy as np

from linesexp.config import ExperimentConfig
from linesexp.evidence.success import about_failure
from linesexp.kernels.analysis import Analysis
from linesexp.kernels.health import DEAD
from linesexp.kernels.records import SIGNIFICANT, KernelRecord
from linesexp.kernels.verdicts import REFUTED
from linesexp.own_pictures.words import about_own_data, compared, picture_words
from linesexp.wording import percent


def summary(config: ExperimentConfig, analysis: Analysis) -> list[str]:
    """What came out, in three sentences; before them that nothing was learned, where that is so."""
    before, after = analysis.before, analysis.after
    matched, count = _matched(analysis.kernels), len(analysis.kernels)
    untrained = _matched(analysis.untrained)
    smooth = sum(_beyond(r, "p_covariance") for r in analysis.kernels)
    failed = about_failure(analysis)
    return [
        *([failed] if failed else []),
        f"{_so_far(config, analysis)} the network names the class of {after.correct} of {after.pictures} test "
        f"pictures, {picture_words(config.images).unknown}; untrained, it named {before.correct}.",
        f"{matched} of {count} kernels resemble a classical operator more than 95 % of untrained kernels do "
        f"(untrained: {untrained} of {count}; luck alone: {count * SIGNIFICANT:.1f} on average), and {smooth} "
        f"of {count} more than 95 % of random kernels that are as smooth.",
        _verdicts(analysis),
    ]


def title(config: ExperimentConfig, analysis: Analysis) -> str:
    """The page's title, which promises learning only where there was some."""
    first, size = config.network.filters[0], config.network.kernel_sizes[0]
    kernels, words = (
        f"{first} kernel{'s' if first > 1 else ''} of {size}×{size}",
        picture_words(config.images).title,
    )
    return f"{kernels} and {words}" if about_failure(analysis) else f"What {kernels} learned from {words}"


def _verdicts(analysis: Analysis) -> str:
    refuted = sum(judgement.verdict == REFUTED for judgement in analysis.ledger)
    return (
        f"Of {len(analysis.ledger)} things that are said about such networks this run refutes {refuted} and "
        "leaves the others undecided: it is one run, and another seed gives other kernels."
    )


def _so_far(config: ExperimentConfig, analysis: Analysis) -> str:
    done, planned = analysis.steps[-1], config.training.epochs
    return f"After {done:g} epochs" if done == planned else f"After {done:g} of {planned} epochs (not finished)"


def about_data(config: ExperimentConfig, counts: dict[str, dict[str, int]]) -> str:
    """The pictures: number, classes, traits, and how they are split."""
    images = config.images
    if images.folders is not None:
        return about_own_data(config, counts)
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
        f"{total:,} pictures of {images.size}×{images.size} pixels, {len(classes)} classes "
        f"({', '.join(classes)}), one straight line in each: {', '.join(traits)}. {parts}. "
        "No two pictures are alike, and the splits are disjoint in position: the pixel on which a test line is "
        "centred, counted across it (the row of a horizontal line, the column of a vertical one), is never the "
        "centre of a training line of its class."
    )


def about_network(layers: list[dict[str, Any]], filters: int, size: int) -> str:
    """How many weights the layers learn."""
    first = layers[1]["weights"]
    total = sum(layer["weights"] for layer in layers)
    channels = layers[0]["gives"].rpartition("×")[2]
    deep = "" if channels == "1" else f"×{channels}"
    return (
        f"The first layer learns {filters} kernels of {size}×{size}{deep} weights and a bias each, "
        f"{first:,} in all; the whole network learns {total:,}."
    )


def about_blind_border(config: ExperimentConfig, pixels: np.ndarray) -> str:
    """Which border never reaches the output, and how many lines lie there; empty if there is none."""
    seen, size = config.network.seen_size(config.images.size), config.images.size
    if seen == size:
        return ""
    words = (
        f"Pooling drops what does not fill its window, so only the first {seen} of {size} rows and columns "
        "can reach the output."
    )
    if config.images.noise or config.images.folders is not None:
        return words
    inside = pixels[:, :seen, :seen].reshape(len(pixels), -1)
    invisible = int(np.sum(inside.min(axis=1) == inside.max(axis=1)))
    return (
        f"{words} In {invisible} of {len(pixels):,} pictures the whole line lies beyond."
        if invisible
        else words
    )


def about_training(config: ExperimentConfig, analysis: Analysis, steps: int) -> str:
    """How it was trained, and test loss and accuracy before and after."""
    training = config.training
    within = sum(0 < step < 1 for step in analysis.steps)
    before, after = (
        "infinite" if part.loss is None else f"{part.loss:.3g}" for part in (analysis.before, analysis.after)
    )
    return (
        f"{training.optimizer} with step size {training.learning_rate:g}, batches of {training.batch_size}, "
        f"{analysis.steps[-1]:g} of {training.epochs} epochs done; {steps} steps were recorded: the "
        f"untrained network (step 0), {within} moments inside the first epoch, where most happens, and the "
        "end of each epoch. Test loss "
        f"went from {before} to {after}, test accuracy from "
        f"{analysis.before.accuracy:.3f} to {analysis.after.accuracy:.3f}."
    )


def about_responses(config: ExperimentConfig, analysis: Analysis) -> str:
    """What happens to a picture, and how choosy kernels are before and after."""
    first, second = analysis.preference_classes
    of_class = picture_words(config.images).of_class
    both = "both classes" if not config.images.folders else "two classes"
    before = [abs(record.preference) for record in analysis.untrained if record.preference is not None]
    after = [abs(record.preference) for record in analysis.kernels if record.preference is not None]
    middle = f"{_median(before)} before and {_median(after)} after training"
    return (
        f"The picture is convolved with the kernel, goes through the activation ({config.network.activation}), "
        f"and pooling keeps the {config.network.pooling} of each neighbourhood. The preference compares a "
        f"kernel’s mean strongest answers to the test pictures of {both}: −1 if it answers to "
        f"{first}{of_class} only, +1 to {second}{of_class} only, 0 if to both alike. "
        f"The median of its size over the kernels: {middle}. "
        f"{compared(analysis.preference_classes, config.images)}"
    ).strip()


def about_matches(analysis: Analysis) -> str:
    """Which operators the kernels resemble, and what the columns of their table mean."""
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
        f"{operator_name(strongest)}; an operator’s place is the row and column of its upper left corner in "
        "the kernel."
    )


def about_chance(analysis: Analysis, size: int, whole: bool) -> list[str]:
    """What likeness chance gives, and what each p asks; whole: whether the bank holds all sizes and places."""
    places = "all" if whole else "some"
    chance = analysis.chance
    low, middle, high = chance.any
    count = len(analysis.kernels)
    return [
        f"For noise, {percent(1 / size**2, 1)} of a kernel’s energy is its mean, and odd and even parts share "
        "the rest equally; in the middle of a kernel, a Prewitt operator is wholly odd, a line operator "
        "wholly even; "
        "one that lies off the middle is neither.",
        "Every kernel is compared with Prewitt, Sobel, Scharr, line and Laplacian operators of odd sizes "
        f"from 3 to {size} at {places} places. With so many to choose from, a kernel of pure noise finds a "
        f"similar one: {chance.draws:,} kernels drawn as the untrained ones are ({chance.initialiser}) have a "
        f"median best |cosine| of {middle:.2f}, and 98 % of them lie between {low:.2f} and {high:.2f}.",
        "p is the share of kernels of chance that match at least as well as the learned one, (b + 1)/(m + 1) "
        f"with b such kernels among m = {chance.draws:,}. What “chance” means decides the answer, so there are "
        f"several; each alone would give {count * SIGNIFICANT:.1f} of {count} kernels p < {SIGNIFICANT:g} on "
        "average:",
    ]


def about_tuning(analysis: Analysis) -> str:
    """How choosy kernels are for a direction, before and after."""
    choosy, order = (
        [
            [value for r in records if (value := getattr(r.tuning, name)) is not None]
            for records in (analysis.untrained, analysis.kernels)
        ]
        for name in ("one_minus_circular_variance", "direction_index")
    )
    return (
        "Every kernel is shown bars and step edges of all directions. How choosy it is for the direction of "
        f"a bar (1 − circular variance: 0 all alike, 1 one only) has a median of {_median(choosy[0])} before "
        f"and {_median(choosy[1])} after training; how much the order of dark and bright counts at an edge "
        "(direction index: the difference of its answers to an edge and to the reverse, over their sum) "
        f"{_median(order[0])} and {_median(order[1])}. The index compares answers after the activation: a "
        "kernel that one of the two edges leaves silent has 1, however weak it is, and one whose weights do "
        "not sum to zero answers to the bright area beside an edge, whichever way that lies. The claims "
        "below therefore take each kernel’s mean off and measure the difference itself."
    )


def operator_name(record: KernelRecord) -> str:
    """`prewitt 5×5 at (1, 1)`."""
    match = record.match
    if match is None:
        return "none (constant)"
    return f"{match.operator} {match.size}×{match.size} at ({match.row}, {match.column})"


def _matched(records: list[KernelRecord]) -> int:
    return sum(_beyond(r, "p_initialiser") for r in records)


def _beyond(record: KernelRecord, name: str) -> bool:
    """Whether a live kernel has p < SIGNIFICANT under a null; what is dead counts for nothing."""
    p = getattr(record.match, name, None)
    return p is not None and p < SIGNIFICANT and record.health != DEAD


def _median(values: list[float]) -> str:
    return f"{np.median(values):.2f}" if values else "–"


def _range(pair: tuple[int, int]) -> str:
    return f"{pair[0]}" if pair[0] == pair[1] else f"{pair[0]}–{pair[1]}"
