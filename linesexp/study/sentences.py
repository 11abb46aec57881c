"""Every sentence of a study's page that states something, computed from its numbers."""

from linesexp.kernels.records import SIGNIFICANT
from linesexp.kernels.verdicts import LEVEL, REFUTED, SUPPORTED, UNDECIDED, Judgement
from linesexp.report.ledger import leans
from linesexp.study.analysis import Condition, Number, StudyAnalysis
from linesexp.study.recurring import ALIKE, FEWEST_MEMBERS, SMALLEST
from linesexp.study.roles import CONTROL, OTHER, role_of
from linesexp.study.statistics import BOOTSTRAP, FEWEST, smallest_p
from linesexp.wording import counted, percent, share_words


def title(analysis: StudyAnalysis) -> str:
    """What the page is about."""
    members = sum(condition.members for condition in analysis.conditions)
    return f"What {members:,} network{'s' if members != 1 else ''} learned from pictures of lines"


def summary(analysis: StudyAnalysis) -> list[str]:
    """The verdicts first, then the number that most people ask for."""
    reference = analysis.condition(analysis.reference)
    asked = len(reference.ledger)
    measured = [judgement for judgement in reference.ledger if judgement.effect is not None]
    supported, refuted = (sum(j.verdict == word for j in measured) for word in (SUPPORTED, REFUTED))
    rest = len(measured) - supported - refuted
    left = [f"{rest} stay{'s' if rest == 1 else ''} undecided"] if rest else []
    left += [f"{asked - len(measured)} could not be measured"] if asked > len(measured) else []
    sentences = [
        f"Of {asked} things that people say about such networks, {counted(reference.members, 'network')} of "
        f"the condition {reference.name} support {supported} and refute {refuted}"
        f"{'; ' if left else ''}{' and '.join(left)}."
    ]
    if fewer := on_fewer(reference):
        sentences.append(fewer)
    if few := too_few(reference, analysis.method):
        sentences.append(few)
    shuffled = [
        f"; learned from shuffled labels, {_with_interval(condition.measures['matched'])} do"
        for condition in analysis.conditions
        if condition.name == "shuffled-labels" and analysis.reference != condition.name
    ]
    sentences.append(
        f"On average {_with_interval(reference.measures['matched'], '95 % interval ')} of a network’s kernels "
        f"resemble a classical operator more than 95 % of untrained kernels do{''.join(shuffled)}; luck alone "
        f"gives {percent(SIGNIFICANT)}. More than 95 % of random kernels that are as smooth, "
        f"{_with_interval(reference.measures['matched_smooth'])} do."
    )
    return sentences


def decision(analysis: StudyAnalysis) -> str:
    """What the networks decide, in one sentence of the field's words, for the end of a command."""
    reference = analysis.condition(analysis.reference)
    members = sum(condition.members for condition in analysis.conditions)
    networks = f"{counted(members, 'network')} under {counted(len(analysis.conditions), 'condition')}"
    verdicts = [judgement.verdict.partition(" ")[0] for judgement in reference.ledger]
    counts = [f"{verdicts.count(word)} {word}" for word in (SUPPORTED, REFUTED, UNDECIDED) if word in verdicts]
    claims = f"of {counted(len(verdicts), 'claim')}: {', '.join(counts)}"
    if set(verdicts) == {UNDECIDED}:
        claims = f"too few networks to decide any of {counted(len(verdicts), 'claim')} tested together"
    main = _headline(reference)
    if main.effect is None:
        return f"{networks}: no kernel can be compared with edge operators; {claims}."
    expected = percent(main.reference)
    words = (
        f"{networks}: in {main.wanted_side} of {main.runs} {reference.name} networks, more kernels match an "
        f"edge operator than the {expected} expected under the initializer null; the mean is "
        f"{_effect(main, '95 % interval ')}"
    )
    if main.interval and main.interval[0] <= main.reference <= main.interval[1]:
        words += f", which does not exclude {expected}"
    for condition in analysis.conditions:
        if condition.name == "shuffled-labels" != reference.name and _headline(condition).effect is not None:
            words += f", with shuffled training labels {_effect(_headline(condition))}"
    return f"{words}; {claims}."


def _headline(condition: Condition) -> Judgement:
    """The claim that is made most: learned kernels are like Prewitt's operator, and untrained ones are not."""
    return next(judgement for judgement in condition.ledger if judgement.id == "like-prewitt-initialiser")


def _effect(judgement: Judgement, name: str = "") -> str:
    """A claim's effect, which is a share, and its interval; name: what to call that."""
    low, high = judgement.interval or (None, None)
    return _with_interval(Number(judgement.effect, low, high, judgement.runs), name)


def refuted_claims(analysis: StudyAnalysis) -> list[Judgement]:
    """The claims that the reference condition refutes."""
    return [j for j in analysis.condition(analysis.reference).ledger if j.verdict == REFUTED]


def too_few(condition: Condition, method: str) -> str:
    """Why so few members decide nothing, if that is so."""
    tests = sum(judgement.p is not None for judgement in condition.ledger)
    if condition.members < FEWEST:
        return f"{counted(condition.members, 'member')} are too few for intervals, which need {FEWEST}."
    if method != BOOTSTRAP or tests * smallest_p(condition.members) < LEVEL:
        return ""
    enough = next(n for n in range(condition.members, 100) if tests * smallest_p(n) < LEVEL)
    worst = min(tests * smallest_p(condition.members), 1)
    leaning = [leans(j) for j in condition.ledger if j.verdict.startswith(UNDECIDED) and j.effect is not None]
    return (
        f"{condition.members} members are too few to decide {tests} claims at once: even where all agree, p "
        f"corrected for all claims is {worst:.2f}; {enough} members could. As it is, the intervals of "
        f"{leaning.count('for')} claims lie wholly on the wanted side, and those of "
        f"{leaning.count('against')} wholly on the other."
    )


def on_fewer(condition: Condition) -> str:
    """Which claims rest on fewer networks than the condition has, if any do."""
    counts = [j.runs for j in condition.ledger if j.effect is not None and j.runs < condition.members]
    if not counts:
        return ""
    least, most = min(counts), max(counts)
    networks = counted(most, "network") if least == most else f"{least:,} to {most:,} networks"
    rest = "1 claim rests" if len(counts) == 1 else f"{len(counts)} claims rest"
    return f"{rest} on {networks} only, not on all {condition.members:,}: n is in the table of claims."


def about_method(analysis: StudyAnalysis) -> list[str]:
    """How verdicts, intervals, p and chance come about."""
    seeds = len(analysis.data_seeds)
    pictures = (
        f"All members learned from the same pictures (data seed {analysis.data_seeds[0]}), so intervals say "
        "how far other initial weights would change a number, and not other pictures."
        if seeds == 1
        else f"Every seed learned from {seeds} sets of pictures, and intervals speak of other seeds and other "
        "pictures alike."
    )
    return [
        f"The unit is the network and never its kernels, which learned from each other’s errors. {pictures}",
        f"Intervals hold the mean over members with 95 % confidence ({analysis.method}). p is two-sided, that "
        "the mean is the reference of the claim, or that there is no difference; it is corrected by Holm’s "
        "method over all claims of a condition.",
        "Kernels of chance are drawn once for each condition: as smooth as the kernels of all its members "
        "together, or their untrained weights in random order. A run has only its own kernels for that.",
        f"A claim is supported or refuted if its interval lies wholly on one side of the reference and the "
        f"corrected p is below {LEVEL:g}. A claim about every network falls with one that contradicts it by "
        "itself, at a level that allows for how many were asked.",
    ]


def about_controls(analysis: StudyAnalysis) -> list[str]:
    """What the controls say of the claims that the reference supports."""
    supported = [j.id for j in analysis.condition(analysis.reference).ledger if j.verdict == SUPPORTED]
    sentences = [
        "Mean effects over members, and what they come to. A claim about learned kernels ought to fail where "
        "nothing true can be learned: under shuffled labels, and with a frozen first layer."
    ]
    for condition in analysis.conditions:
        if not condition.control or condition.name == analysis.reference:
            continue
        too = [j.id for j in condition.ledger if j.verdict == SUPPORTED and j.id in supported]
        if too:
            sentences.append(
                f"But {condition.name} supports {', '.join(too)} as well as {analysis.reference} does: "
                f"{'these are' if len(too) > 1 else 'this is'} true without anything learned of the classes, "
                "and only the size of the effect can tell the two apart."
            )
    if any(condition.name == "shuffled-labels" for condition in analysis.conditions):
        sentences.append(
            "Under shuffled labels all members of a data seed learned from one and the same shuffle, so "
            "intervals say "
            "nothing of other shuffles."
        )
    return sentences


def about_emergence(analysis: StudyAnalysis) -> str:
    """When kernels come to resemble operators."""
    parts = []
    for condition in analysis.conditions:
        number = condition.measures["emergence"]
        if role_of(condition, analysis) != CONTROL and number.mean is not None:
            beside = [] if number.low is None else [f"{number.low:.1f} to {number.high:.1f}"]
            if number.n < condition.members:
                beside.append(f"{number.n:,} of {counted(condition.members, 'member')}")
            inside = f" ({'; '.join(beside)})" if beside else ""
            parts.append(f"{condition.name} {number.mean:.1f}{inside}")
    if not parts:
        return ""
    return (
        "A kernel’s match emerges at the recorded step from which it stays beyond 95 % of untrained kernels to "
        f"the end. The middle kernel’s epoch, mean over members: {', '.join(parts)}."
    )


def about_differences(analysis: StudyAnalysis) -> str:
    """Which conditions change what."""
    parts = []
    for condition in analysis.conditions:
        gap = condition.differences.get("matched")
        if gap is None or gap.mean is None or role_of(condition, analysis) != OTHER:
            continue
        clear = gap.p_holm is not None and gap.p_holm < LEVEL
        change = share_words(abs(gap.mean))
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
        "Two kernels are as alike as one, turned, mirrored or inverted, is to the other (|cosine|). Groups "
        f"are those of average linkage at {ALIKE:g}, of {SMALLEST} kernels or more and of {FEWEST_MEMBERS} "
        "networks or more. "
        f"Of the kernels of {analysis.reference}, {reference.grouped} of {reference.kernels} are in a group; "
        f"of as many random kernels that are as smooth, {reference.by_chance}."
        + (" Of large conditions the kernels of some members, evenly chosen, are looked at." if sampled else "")
    )


def about_variation(analysis: StudyAnalysis) -> str:
    """What variance components say."""
    return (
        f"Every seed was trained on the pictures of {len(analysis.data_seeds)} data seeds. What differs "
        "between members comes from the pictures, from how the weights were drawn (and dropout), or only from "
        "both together: shares of the variance, and p of F tests that pictures, or seeds, make no difference."
    )


def _with_interval(number: Number, name: str = "") -> str:
    """A share, and its interval; name: what to call that."""
    if number.mean is None:
        return "an unknown share"
    if number.low is None or number.high is None:
        return f"{share_words(number.mean)} %"
    low, high = share_words(number.low), share_words(number.high)
    return f"{share_words(number.mean)} % ({name}{low} to {high})"
