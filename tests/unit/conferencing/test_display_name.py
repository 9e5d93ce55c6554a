"""Hostile names are shown safely (ATTACKS 17, 66)."""

import pytest

from vestibule.conferencing.display_name import shown_name


@pytest.mark.parametrize(
    ("claimed", "shown"),
    [
        ("Gus", "Gus"),
        ("  Gus \t  Lee ", "Gus Lee"),
        ("Alice\u202eecilA", "AliceecilA"),
        ("a\x00b\x1b[31m", "ab[31m"),
        ("\u200b\u200b", "Guest"),
        ("", "Guest"),
        ("x" * 100, "x" * 64),
    ],
)
def test_shown_name(claimed: str, shown: str) -> None:
    assert shown_name(claimed, "Guest") == shown
