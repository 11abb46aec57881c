"""What the page's sections on evidence hold: p-values, the whole layer, controls, the audit."""

from typing import Any

from linesexp.config import ImagesConfig
from linesexp.images.unseen import changes_in_words
from linesexp.kernels.analysis import Analysis
from linesexp.kernels.records import SIGNIFICANT, KernelRecord
from linesexp.report.sentences import operator_name
from linesexp.wording import percent, signed

Table = dict[str, Any]  # caption; head: (words of a column, whether it holds words); rows of texts

NULL_QUESTIONS = {  # column of the table, its null, and what it asks
    "luck": ("initialiser", "kernels drawn as the untrained ones are: is the likeness more than luck?"),
    "smooth": (
        "covariance",
        "random kernels as smooth as the learned ones, but with no favourite direction: is it more than "
        "smoothness?",
    ),
    "start": ("step0", "this run’s untrained weights in random order: is it more than what this start had?"),
    "shuffled": (
        "shuffled",
        "random kernels as smooth as those of the same network trained on shuffled labels: is it more than "
        "what training gives where there is nothing to find?",
    ),
}
SHORTCUTS = {
    "brightness": "linear regression on mean brightness",
    "row_sums": "linear regression on the sum of each row",
    "column_sums": "linear regression on the sum of each column",
    "row_and_column_sums": "linear regression on row and column sums",
    "pixels": "linear regression on all pixels",
    "sum_spread": "by hand: which vary more, row or column sums?",
}


def p_table(analysis: Analysis) -> Table:
    """Each kernel's p under each null."""
    rows = [
        [str(record.index), operator_name(record), _cosine(record), *_p_columns(record)]
        for record in analysis.kernels
    ]
    head = [("kernel", False), ("most similar operator", True), ("cosine", False)]
    head += [(f"p ({name})", False) for name in NULL_QUESTIONS]
    head += [("q (luck)", False), ("p (luck), edge", False)]
    return {"caption": "How often chance does as well, by four kinds of chance", "head": head, "rows": rows}


def about_nulls(analysis: Analysis) -> list[tuple[str, str]]:
    """(name, what it asks and how many kernels pass) for each null, and for q."""
    count = len(analysis.kernels)
    lines = []
    for name, (null, question) in NULL_QUESTIONS.items():
        p = [getattr(r.match, f"p_{null}") for r in analysis.kernels if r.match]
        if not p or None in p:
            lines.append((f"p ({name})", f"{question} Not measured here."))
        else:
            passed = sum(value < SIGNIFICANT for value in p)
            lines.append((f"p ({name})", f"{question} {passed} of {count} kernels have p < {SIGNIFICANT:g}."))
    passed = sum(r.match is not None and r.match.q_initialiser < SIGNIFICANT for r in analysis.kernels)
    lines.append(
        (
            "q (luck)",
            f"p (luck) corrected for looking at {count} kernels (Benjamini–Hochberg): among kernels with "
            f"q < {SIGNIFICANT:g} at most one in twenty is a false alarm on average. {passed} of {count} have "
            "it.",
        )
    )
    lines.append(
        (
            "p (luck), edge",
            "the same as p (luck) for likeness to edges alone, which is what the ledger asks; a kernel that "
            "is more like a line has 1.",
        )
    )
    return lines


def layer_quality_table(analysis: Analysis) -> Table:
    """The layer as a whole before and after, beside layers of chance."""
    rows = []
    for name, words in (
        ("sparsity", "share of kernels that are next to nothing"),
        ("variance_entropy", "variance entropy: how varied the kernels are"),
        ("orthogonality", "orthogonality: 1 if all are at right angles"),
    ):
        chance = getattr(analysis.quality.chance, name)
        cells = [_number(getattr(part, name), ".3f") for part in (analysis.quality_before, analysis.quality)]
        between = f"{chance[0]:.3f} – {chance[2]:.3f}" if chance else "–"
        rows.append([words, *cells, between])
    layers = analysis.quality.chance.layers
    head = [("measure", False), ("untrained", False), ("trained", False), ("95 % of layers of chance", False)]
    caption = f"The first layer as a whole; chance: {layers:,} layers of as many untrained kernels of this size"
    return {"caption": caption, "head": head, "rows": rows}


def about_pairs(analysis: Analysis) -> str:
    """Which kernels are opposites."""
    pairs, limit = analysis.quality.opposite_pairs, analysis.quality.chance.opposite_cosine
    if limit is None:
        return "A single kernel has no opposite."
    threshold = f"below {_number(limit, '.2f')}, which one layer of chance in a hundred reaches"
    if not pairs:
        return f"No two kernels are of opposite polarity (cosine {threshold})."
    named = ", ".join(f"{p.first} and {p.second} ({_number(p.cosine, '+.2f')})" for p in pairs)
    return f"Kernels of opposite polarity (cosine {threshold}): {named}."


def controls_table(analysis: Analysis) -> Table:
    """This run beside the controls that were trained."""
    words = {
        "this run": "this run",
        "frozen-random": "first layer frozen as it was drawn",
        "frozen-prewitt": "first layer frozen at Prewitt operators",
        "frozen-learned": "first layer frozen at this run’s kernels",
        "shuffled-labels": "training labels shuffled",
    }
    rows = [
        [
            words[control.name],
            f"{control.correct} of {control.pictures}",
            _number(control.loss, ".3g", "infinite"),
            _number(control.epochs_to_95, "d", "never"),
            f"{control.matched} of {control.kernels}",
        ]
        for control in analysis.controls
    ]
    head = [
        *(("network", False), ("test pictures right", False), ("test loss", False)),
        *(("epochs to 95 %", False), ("matched kernels", False)),
    ]
    caption = (
        "The same network, pictures and seeds, with one thing changed and all else trained anew; matched: "
        "p (luck) below 0.05"
    )
    return {"caption": caption, "head": head, "rows": rows}


def about_controls(analysis: Analysis) -> str:
    """What the two tables of controls ask, and whether there are controls to compare with."""
    words = (
        "Two questions. Could a network do without learned kernels, if the rest learned behind others? And "
        "how much does this network, as it is, lean on each of its own?"
    )
    if len(analysis.controls) == 1:
        words += " For the first, controls would have to be trained; for this run they were not."
    return words


def ablation_table(analysis: Analysis) -> Table:
    """What the trained network loses without each kernel, or with its operator in its place."""
    without, swapped = analysis.ablation.without, analysis.swap.one
    rows = [
        [
            str(kernel.index),
            *(str(kernel.score.correct), _number(kernel.loss_change, "+.5f")),
            *(str(other.score.correct), _number(other.loss_change, "+.5f")),
        ]
        for kernel, other in zip(without, swapped, strict=True)
    ]
    whole, everything = analysis.swap.whole, analysis.swap.all
    change = None
    if everything.loss is not None and whole.loss is not None:
        change = everything.loss - whole.loss
    rows.append(["all", "–", "–", str(everything.correct), _number(change, "+.5f")])
    head = [
        *(("kernel", False), ("right without it", False), ("change of loss", False)),
        *(("right with its operator", False), ("change of loss", False)),
    ]
    caption = (
        "Nothing trained anew: each kernel’s answers replaced by their mean, or the kernel by its most "
        f"similar operator; the whole network has {whole.correct} of {whole.pictures} test pictures right"
    )
    return {"caption": caption, "head": head, "rows": rows}


def about_audit(analysis: Analysis) -> list[str]:
    """Copies, near copies, and what a network without convolutions would get."""
    audit = analysis.audit
    sentences = [
        f"{audit.distinct:,} of {audit.pictures:,} pictures are different, and {audit.in_several_splits} of "
        "them occur in more than one split."
    ]
    test, train = audit.neighbours.get("test"), audit.neighbours.get("train")
    if test and train:
        sentences.append(
            "The distance of a test picture to the nearest training picture (root of the summed squared "
            f"differences) has a median of {test.median:.1f} and is at least {test.least:.1f}; between "
            f"training pictures the median is {train.median:.1f}. Naming each test picture after its nearest "
            "training picture, which is remembering without learning, gets "
            f"{percent(test.same_class.accuracy)} right; this network gets "
            f"{percent(analysis.after.accuracy)}."
        )
    return sentences


def shortcuts_table(analysis: Analysis) -> Table:
    """How far rules get that need no network."""
    rows = [
        [SHORTCUTS[name], *_scored(found)]
        for name, found in analysis.audit.shortcuts.items()
        if found is not None
    ]
    if analysis.audit.chance is not None:
        rows.insert(0, ["always the same class", *_scored(analysis.audit.chance)])
    head = [("rule", False), ("test pictures right", False), ("95 % interval", False)]
    return {"caption": "Shortcuts: rules that need no convolution", "head": head, "rows": rows}


def unseen_table(analysis: Analysis, images: ImagesConfig) -> Table | None:
    """How the trained network does on lines unlike those that it learned from."""
    if not analysis.unseen:
        return None
    changes = changes_in_words(images)
    rows = [[f"{name}: {changes[name]}", *_scored(found)] for name, found in analysis.unseen.items()]
    rows += [[name, "–", reason] for name, reason in analysis.left_out.items()]
    head = [("pictures", False), ("named rightly", False), ("95 % interval", True)]
    return {
        "caption": "The trained network on fresh pictures at all positions, one thing changed; those that are "
        "in the data set already are left out",
        "head": head,
        "rows": rows,
    }


def _p_columns(record: KernelRecord) -> list[str]:
    names = [f"p_{null}" for null, _ in NULL_QUESTIONS.values()] + ["q_initialiser"]
    values = [getattr(record.match, name, None) for name in names] + [record.rivals.p_edge_initialiser]
    return [_number(value, ".4f") for value in values]


def _cosine(record: KernelRecord) -> str:
    return _number(record.match.cosine if record.match else None, "+.2f")


def _scored(score: Any) -> list[str]:
    return [f"{score.correct} of {score.pictures}", f"{percent(score.low)} – {percent(score.high)}"]


def _number(value: float | None, form: str, nothing: str = "–") -> str:
    return nothing if value is None else signed(value, form)
