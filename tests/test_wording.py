"""Numbers as a reader sees them."""

import pytest

from linesexp.wording import signed, visible


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
