"""Forms of settings; tests/unit/test_config.py has what a whole file says."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from vestibule.setting_values import (
    AddressV6,
    DatabaseUrl,
    Listener,
    Networks,
    ServerName,
    Several,
)

FORMS = (ServerName, AddressV6, Listener, DatabaseUrl, Networks)


@pytest.mark.parametrize("form", FORMS)
@given(st.text(max_size=40) | st.text("0123456789abcdef:.[]/-,", max_size=40))
def test_what_is_taken_is_in_its_usual_shape(form: Any, text: str) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(form)
    try:
        shaped = adapter.validate_python(text)
    except ValidationError:
        return
    assert adapter.validate_python(shaped) == shaped


def test_several_stand_in_one_text_or_in_a_list() -> None:
    adapter: TypeAdapter[tuple[str, ...]] = TypeAdapter(Several)
    assert adapter.validate_python(" a, b,,") == adapter.validate_python(["a", "b"]) == ("a", "b")


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (ServerName, "a b"),
        (AddressV6, "192.0.2.1"),
        (Listener, "127.0.0.1"),
        (Listener, "127.0.0.1:0"),
        (Networks, "10.0.0.1/8"),
        (DatabaseUrl, "postgresql://db.test/x"),
        (DatabaseUrl, "postgresql://db.test/x?sslmode=require"),
    ],
)
def test_what_is_refused(form: Any, text: str) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(form)
    with pytest.raises(ValidationError):
        adapter.validate_python(text)
