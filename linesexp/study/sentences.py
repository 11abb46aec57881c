"""Every sentence of a study's page that states something, computed from its numbers."""

from linesexp.kernels.records import SIGNIFICANT
from linesexp.kernels.verdicts import LEVEL, REFUTED, SUPPORTED, UNDECIDED, Judgement
from linesexp.report.ledger import leans
from linesexp.study.analysis import Condition, Number, StudyAnalysis
from linesexp.study.measuring import MEASURES
from linesexp.study.roles import CONTROL, OTHER, role_of
from linesexp.study.statistics import BOOTSTRAP, FEWEST, smallest_p
from linesexp.wording import percent

SHARES = {measure.id for measure in MEASURES if measure.unit == "share"}


def title(analysis: StudyAnalysis) -> str:
    """What the page is about."""
    members = sum(condition.members for condition in analysis.conditions)
    return f"What {members:,} network{'s' if members != 1 else ''} learned from pictures of lines"


def summary(analysis: StudyAnalysis) -> list[str]:
    """The verdicts first, then the number that most people ask for."""
    reference = analysis.condition(analysis.reference)
    tested = [judgement for judgement in reference.ledger if judgement.effect is not None]
    supported, refuted = (sum(j.verdict == word for j in tested) for word in (SUPPORTED, REFUTED))
    networks = _count(reference.members, "network")
    sentences = [
        f"{networks} (condition {reference.name}) support {supported} and refute {refuted} of "
        f"{len(reference.ledger)} things that people say about such networks; {len(tested) - supported - refuted} "
        f"stay undecided, and {len(reference.ledger) - len(tested)} were not measured.",
    ]
    if few := too_few(reference, analysis.method):
        sentences.append(few)
    matched = [
        f"{_with_interval(reference.measures['matched'])} of a network’s kernels resemble a classical operator "
        f"more than 95 % of untrained kernels do; luck alone gives {percent(SIGNIFICANT)}"
    ]
    matched += [
        f"under {other.name} {_with_interval(other.measures['matched'])}"
        for other in analysis.conditions
        if role_of(other, analysis) == CONTROL and other.name == "shuffled-labels"
    ]
    smooth = _with_interval(reference.measures["matched_smooth"])
    sentences.append(
        f"{'; '.join(matched)}. More than 95 % of random kernels that are as smooth: {smooth} of them do."
    )
    return sentences


def refuted_claims(analysis: StudyAnalysis) -> list[Judgement]:
    """The claims that the reference condition refutes."""
    return [j for j in analysis.condition(analysis.reference).ledger if j.verdict == REFUTED]


def too_few(condition: Condition, method: str) -> str:
    """Why so few members decide nothing, if that is so."""
    tests = sum(judgement.p is not None for judgement in condition.ledger)
    if condition.members < FEWEST:
        return f"{_count(condition.members, 'member')} are too few for intervals, which need {FEWEST}."
    if method != BOOTSTRAP or tests * smallest_p(condition.members) < LEVEL:
        return ""
    enough = next(n for n in range(condition.members, 100) if tests * smallest_p(n) < LEVEL)
    leaning = [leans(j) for j in condition.ledger if j.verdict.startswith(UNDECIDED) and j.effect is not None]
    return (
        f"{condition.members} members are too few to decide {tests} claims at once: even if all agree, p corrected "
        f"for all claims is {min(tests * smallest_p(condition.members), 1):.2f}; {enough} members could. As it is, "
        f"the intervals of {leaning.count('for')} claims lie wholly on the side that was wanted, and those of "
        f"{leaning.count('against')} wholly on the other."
    )


def about_method(analysis: StudyAnalysis) -> list[str]:
    """How verdicts, intervals and p come about."""
    seeds = len(analysis.data_seeds)
    pictures = (
        f"All members learned from the same pictures (data seed {analysis.data_seeds[0]}), so that intervals say how "
        "far other initial weights would change a number, and not other pictures."
        if seeds == 1
        else f"Every seed learned from {seeds} sets of pictures, and intervals speak of other seeds and other "
        "pictures alike."
    )
    return [
        f"The unit is the network, never its kernels, which learned from each other’s errors. {pictures}",
        f"Intervals hold the mean over members with 95 % confidence ({analysis.method}). p is two-sided, that the "
        "mean is the reference of the claim, or that there is no difference; it is corrected by Holm’s method over "
        "all claims of a condition.",
        f"A claim is supported or refuted if its interval lies wholly on one side of the reference and the "
        f"corrected p is below {LEVEL:g}. A claim about every network falls with one that contradicts it by "
        "itself, at a level that allows for how many were asked.",
    ]


def about_emergence(analysis: StudyAnalysis) -> str:
    """When kernels come to resemble operators."""
    parts = []
    for condition in analysis.conditions:
        number = condition.measures["emergence"]
        if role_of(condition, analysis) != CONTROL and number.mean is not None:
            interval = "" if number.low is None else f" ({number.low:.1f} to {number.high:.1f})"
            parts.append(f"{condition.name} {number.mean:.1f}{interval}")
    if not parts:
        return ""
    return (
        "A kernel’s match emerges at the recorded step from which it stays beyond 95 % of untrained kernels to the "
        f"end. The middle kernel’s epoch, mean over members: {', '.join(parts)}."
    )


def about_differences(analysis: StudyAnalysis) -> str:
    """Which conditions change what."""
    parts = []
    for condition in analysis.conditions:
        gap = condition.differences.get("matched")
        if gap is None or gap.mean is None or role_of(condition, analysis) != OTHER:
            continue
        clear = gap.p_holm is not None and gap.p_holm < LEVEL
        change = percent(gap.mean).replace(" %", "").removeprefix("−")
        word = ("more" if gap.mean > 0 else "fewer") if clear else "not clearly other"
        parts.append(f"{condition.name}: {change + ' points ' if clear else ''}{word}")
    words = (
        f"Each member is compared with the member of {analysis.reference} that has the same seed, and so began "
        "with the same weights where the layers are of the same size."
    )
    if parts:
        words += f" Kernels that resemble an operator, in percentage points: {'; '.join(parts)}."
    return words


def about_recurring(analysis: StudyAnalysis) -> str:
    """What the groups are."""
    reference = analysis.condition(analysis.reference).recurring
    sampled = any(c.recurring.members < c.members for c in analysis.conditions)
    return (
        "Two kernels are alike if one, turned, mirrored or inverted, has a |cosine| of 0.7 or more with the other; "
        "groups are those of average linkage, of three kernels or more. "
        f"Of the kernels of {analysis.reference}, {reference.grouped} of {reference.kernels} are in a group; of as "
        f"many random kernels that are as smooth, {reference.by_chance}."
        + (" Of large conditions the kernels of some members, evenly chosen, are looked at." if sampled else "")
    )


def about_variation(analysis: StudyAnalysis) -> str:
    """What variance components say."""
    return (
        f"Every seed was trained on the pictures of {len(analysis.data_seeds)} data seeds. What differs between "
        "members comes from the pictures, from how the weights were drawn (and dropout), or only from both "
        "together; shares of the variance, and p of an F test that pictures, or seeds, make no difference."
    )


def _with_interval(number: Number) -> str:
    """A share, and its interval."""
    if number.mean is None:
        return "an unknown share"
    if number.low is None or number.high is None:
        return percent(number.mean)
    return f"{percent(number.mean)} ({100 * number.low:.0f} to {100 * number.high:.0f})"


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' if count != 1 else ''}"
