"""Numbers as a reader sees them."""

import os
import shlex

import pytest

from linesexp.wording import as_argument, option_words, share_words, signed, visible


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (-0.174, ".2g", "−0.17"),
        (-0.004, ".2f", "0.00"),
        (-0.004, "+.2f", "+0.00"),
        (0.004, "+.2f", "+0.00"),
        (-3e-7, ".2g", "−3e−07"),
        (float("nan"), ".2f", "nan"),
    ],
)
def test_a_minus_is_a_minus_and_none_stands_before_zero(value, form, text):
    assert signed(value, form) == text


def test_what_a_terminal_would_obey_is_visible():
    assert visible("\x1b[2J a\u00a0b\n−1\u202e") == "\\x1b[2J a\u00a0b\n−1\\u202e"


@pytest.mark.parametrize("path", ["run", "-x", "--help", "my run", "it's", "$HOME", "~", "straße/#1", "-x/a b"])
def test_a_path_is_pasted_as_one_word_that_is_no_option(path):
    (word,) = shlex.split(as_argument(path), comments=True)
    assert os.path.normpath(word) == path
    assert not word.startswith("-")


@pytest.mark.parametrize(
    ("share", "words"),
    [
        *((0, "0"), (1, "100"), (0.5, "50"), (0.994, "99"), (0.996, "99.6")),
        *(
            (0.998, "99.8"),
            (0.9999, ">99.9"),
            (0.004, "0.4"),
            (0.0001, "<0.1"),
            (-0.25, "−25"),
            (-0.004, "−0.4"),
        ),
        *((1 - 1e-12, "100"), (-0.0, "0")),
    ],
)
def test_a_share_that_is_not_all_or_nothing_is_never_written_so(share, words):
    assert share_words(share) == words


@pytest.mark.parametrize(
    ("name", "value", "option"),
    [
        ("shuffle_labels", True, "--shuffle-labels"),
        ("shuffle_labels", False, "--no-shuffle-labels"),
        ("kernel_sizes", (3, 5), "--kernel-sizes 3,5"),
        ("weight_decay", 0.01, "--weight-decay 0.01"),
        ("contrast", "mixed", "--contrast mixed"),
        ("contrast", "it's; odd", """--contrast 'it'"'"'s; odd'"""),
    ],
)
def test_a_setting_is_written_as_an_option_that_a_shell_reads(name, value, option):
    assert option_words(name, value) == option
