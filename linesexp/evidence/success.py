"""Whether a network does better than luck: if not, there is little to learn from its kernels."""

from linesexp.kernels.analysis import Analysis
from linesexp.run import Run

ONE_SIDED_95 = 1.645  # standard deviations


def beats_largest_class(correct: int, pictures: int, by_largest: int) -> bool:
    """Whether so many pictures named rightly are more than naming the largest class always would get by luck.

    Score test of a share, one-sided at 5 %, by the normal approximation.
    """
    share = by_largest / pictures
    return correct > by_largest + ONE_SIDED_95 * (pictures * share * (1 - share)) ** 0.5


def about_failure(analysis: Analysis) -> str:
    """A sentence on a trained network that does no better than luck; empty for one that does."""
    chance, after = analysis.audit.chance, analysis.after
    if chance is None or beats_largest_class(after.correct, after.pictures, chance.correct):
        return ""
    return (
        f"This network does no better than luck on new pictures: it names {after.correct} of {after.pictures} "
        f"rightly, and naming the largest class always gets {chance.correct}. What its kernels look like says "
        "little about learning."
    )


def note_after_training(run: Run) -> str:
    """The same after `train`, from the validation pictures, as the test pictures are for the report."""
    counts = run.dataset.counts()
    pictures = sum(counts["validation"].values())
    if not pictures:
        return ""
    by_largest = counts["validation"][max(counts["train"], key=lambda name: counts["train"][name])]
    correct = round(float(run.log["validation_accuracy"][-1]) * pictures)
    if beats_largest_class(correct, pictures, by_largest):
        return ""
    return (
        f"note: the network does no better than luck: {correct} of {pictures} validation pictures named "
        f"rightly, and naming the largest class always gets {by_largest}. Its kernels say little about "
        "learning yet; more epochs, another learning rate or more pictures may help"
    )
