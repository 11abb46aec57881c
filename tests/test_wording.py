"""Numbers as a reader sees them."""

import pytest

from linesexp.wording import signed


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
