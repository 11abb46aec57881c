"""What the page says of deeper layers follows from their records."""

import pytest

from linesexp.kernels.analysis import DeeperRecord
from linesexp.report.deeper import about_deeper, deeper_section, deeper_table


def record(**changed):
    whole = {
        "layer": "conv2",
        "channels": 8,
        "receptive_px": 16,
        "effective_px_before": [16.0, 16.0, 14.0],
        "effective_px": [14.0, 12.0, 10.0],
        "agreement_before": [0.2, 0.95, None],
        "agreement": [0.97, -0.95, 0.9],
        "change": [0.5, 0.7, 0.9],
    }
    return DeeperRecord(**(whole | changed))


def test_filters_whose_fields_describe_them_are_counted():
    assert "In conv2, 2 of 3 filters have an r of 0.9 or more (untrained: 1)." in about_deeper([record()])


def test_the_table_holds_medians():
    (row,) = deeper_table([record()])["rows"]
    assert row == ["conv2", "3 × 8", "16 px", "12 px", "+0.57", "+0.90", "0.70"]


def test_what_is_not_known_is_a_dash():
    (row,) = deeper_table([record(agreement=[None, None, None], effective_px=[None] * 3)])["rows"]
    assert row[3] == row[5] == "–"


def test_a_head_for_every_cell():
    table = deeper_table([record(), record(layer="conv3")])
    assert all(len(row) == len(table["head"]) for row in table["rows"])


def test_every_layer_has_its_sheet_and_names_its_gif():
    section = deeper_section([record(), record(layer="conv3")], "figure", ["one", "two"])
    assert [sheet["source"] for sheet in section["sheets"]] == ["one", "two"]
    assert "gifs/conv3.gif" in section["sheets"][1]["caption"]
    with pytest.raises(ValueError, match="zip"):
        deeper_section([record()], "figure", ["one", "two"])
