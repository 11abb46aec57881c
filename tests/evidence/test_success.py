"""Whether a network does better than luck, as the report and `train` say it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from linesexp import open_run
from linesexp.evidence.success import about_failure, beats_largest_class, note_after_training
from linesexp.images.dataset import Dataset
from linesexp.report.sentences import summary, title


@pytest.mark.parametrize(("pictures", "by_largest"), [(180, 90), (40, 30), (1000, 100)])
def test_luck_passes_one_time_in_twenty(pictures, by_largest):
    enough = next(n for n in range(pictures + 1) if beats_largest_class(n, pictures, by_largest))
    assert 0.02 < stats.binom.sf(enough - 1, pictures, by_largest / pictures) < 0.08


def test_naming_the_largest_class_always_is_not_learning():
    assert not beats_largest_class(4, 8, 4)
    assert beats_largest_class(8, 8, 4)
    assert not beats_largest_class(8, 8, 8)


def test_a_report_on_a_run_that_learned_nothing_begins_with_that(tiny_run):
    run = open_run(tiny_run)
    analysis, config = run.analysis, run.config
    good, bad = (
        replace(analysis, after=replace(analysis.after, correct=correct))
        for correct in (analysis.after.pictures, analysis.audit.chance.correct)
    )
    assert about_failure(good) == ""
    assert summary(config, bad)[0] == about_failure(bad)
    assert summary(config, bad)[0].startswith(
        "This network does no better than luck on new pictures: it names 4"
    )
    assert len(summary(config, bad)) == len(summary(config, good)) + 1
    assert title(config, good) == "What 4 kernels of 5×5 learned from pictures of lines"
    assert title(config, bad) == "4 kernels of 5×5 and pictures of lines"


@pytest.mark.parametrize(("accuracy", "noted"), [(0.5, True), (0.0, True), (1.0, False)])
def test_train_says_so_from_the_validation_pictures(accuracy, noted):
    class Trained:
        dataset = Dataset(
            np.zeros((60, 4, 4, 1), np.uint8),
            np.arange(60) % 2,
            np.repeat([0, 1, 2], 20),
            ("horizontal", "vertical"),
        )
        log = {"validation_accuracy": np.array([1.0, accuracy])}

    note = note_after_training(Trained())
    assert ("naming the largest class always gets 10" in note) == noted
    assert bool(note) == noted
