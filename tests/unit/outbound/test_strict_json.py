"""JSON has one reading, and its limits don't mistake text for structure (ATTACKS 24)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.outbound.strict_json import parse

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_whatever_json_writes_is_read_as_it_was(value: object) -> None:
    assert parse(json.dumps(value)) == value


def test_brackets_in_text_are_text() -> None:
    text = '\\"[' * 100
    assert parse(json.dumps([text])) == [text]


@pytest.mark.parametrize("depth", [16, 17])
def test_depth_ends_at_sixteen(depth: int) -> None:
    text = "[" * depth + "]" * depth
    if depth <= 16:
        parse(text)
    else:
        with pytest.raises(json.JSONDecodeError, match="deep"):
            parse(text)


@pytest.mark.parametrize(
    "hostile", ["[" * 60_000, '"' + "\\" * 60_000, '{"a":' * 10_000, '"[' * 30_000]
)
def test_hostile_text_is_refused_at_once(hostile: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(hostile)
