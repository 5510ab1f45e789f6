"""column_names.py: what the name of a column says."""

import pytest

from catwalk.data import column_names


@pytest.mark.parametrize(
    ("name", "is_id", "is_label"),
    [
        ("id", True, False),
        ("image_id", True, False),
        ("ImageId", True, False),
        ("PictureId", True, False),
        ("row", True, False),
        ("filename", True, False),
        ("grid", False, False),
        ("pixel1", False, False),
        ("Label", False, True),
        ("digit", False, True),
        ("class_name", False, True),
    ],
)
def test_an_id_and_a_label_by_their_names(name: str, is_id: bool, is_label: bool) -> None:
    assert (column_names.is_id(name), column_names.is_label(name)) == (is_id, is_label)
