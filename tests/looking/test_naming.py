"""Names of files and folders that every system takes."""

import pytest

from linesexp.looking.naming import file_names, folder_names


@pytest.mark.parametrize("made", [file_names, folder_names])
def test_no_file_or_folder_is_called_as_a_device_of_windows(made):
    assert made(["con", "NUL", "aux", "COM1", "conv1", "con"]) == [
        *("con-2", "NUL-2", "aux-2", "COM1-2", "conv1", "con-3")
    ]


def test_no_folder_ends_with_a_dot():
    assert folder_names(["a.", "a"]) == ["a", "a-2"]
