"""How every figure looks, and what becomes of names that no font shows."""

from matplotlib.figure import Figure

from linesexp.views.style import png_bytes


def test_what_no_font_shows_is_written_as_its_code():
    figure = Figure()
    words = [figure.text(0.5, 0.5, text) for text in ("\x1b]0;title\x07", "95\u00a0%\nof −1", "a\ue000b")]
    png_bytes(figure)
    assert [text.get_text() for text in words] == ["\\x1b]0;title\\x07", "95\u00a0%\nof −1", "a\\ue000b"]
