"""Whatever a SCIM client says is understood or refused as SCIM refuses; a filter finds what it names."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.directory.model import Person
from vestibule.directory.names import display_name, email_address
from vestibule.portal.scim.listing import page_of, search_in, wanted_by
from vestibule.portal.scim.message import ScimError
from vestibule.portal.scim.patch import PATCH, said_by
from vestibule.portal.scim.user import SCHEMA, bare, said_in

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just("a@b.test"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["value", "primary", "formatted", "x"]), inner)
    ),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["userName", "USERNAME", "displayName", "name", "name.formatted", "emails", "active",
     "externalId", "title", 'emails[type eq "work"].value', f"{SCHEMA}:active", "x", "id"]
)  # fmt: skip
NOTHING = bare("erin", "vestibule.test")


def operation(kind: str, path: str | None, value: Any = None) -> dict[str, Any]:
    said = {"op": kind, "path": path, "value": value}
    return {name: one for name, one in said.items() if one is not None}


def patched(*operations: Any) -> Any:
    return said_by({"schemas": [PATCH], "Operations": list(operations)}).kept(NOTHING, NOTHING)


@given(st.dictionaries(NAMES, JSON))
def test_any_user_document_is_fit_or_refused(document: Any) -> None:
    try:
        kept = said_in({"schemas": [SCHEMA], **document}).kept(NOTHING, NOTHING)
    except ScimError as error:
        assert error.status == 400
        return
    assert display_name(kept.display_name) == kept.display_name
    assert email_address(kept.email)


OPERATION = st.builds(operation, st.sampled_from(["add", "Replace", "remove"]), NAMES, JSON)


@given(st.lists(OPERATION | JSON, max_size=4))
def test_any_patch_is_fit_or_refused(operations: Any) -> None:
    try:
        kept = patched(*operations)
    except ScimError as error:
        assert error.status == 400
        return
    assert display_name(kept.display_name) == kept.display_name
    assert email_address(kept.email)
    assert isinstance(kept.enabled, bool)


@pytest.mark.parametrize(
    ("operations", "changed"),
    [
        ([operation("replace", "active", value=False)], {"enabled": False}),
        ([operation("Replace", None, {"active": "False", "displayName": "E"})],
         {"enabled": False, "display_name": "E"}),
        ([operation("add", 'emails[type eq "work"].value', "a@b.test")], {"email": "a@b.test"}),
        ([operation("add", "name", {"formatted": "E. E."})], {"display_name": "E. E."}),
        ([operation("add", "externalId", "1"), operation("remove", "externalId")], {}),
        ([operation("replace", f"{SCHEMA}:displayName", "E")], {"display_name": "E"}),
        ([operation("replace", "title", "Dr."), operation("remove", "nickName")], {}),
    ],
)  # fmt: skip
def test_operations_come_to(operations: Any, changed: dict[str, Any]) -> None:
    kept = patched(*operations)
    for name in ("display_name", "email", "external_id", "enabled"):
        assert getattr(kept, name) == changed.get(name, getattr(NOTHING, name))


@pytest.mark.parametrize(
    ("refused", "kind"),
    [
        (operation("replace", "shoeSize", 42), "invalidPath"),
        (operation("replace", "id", "x"), "invalidPath"),
        (operation("remove", "active"), "mutability"),
        (operation("remove", None), "noTarget"),
        (operation("move", "active", value=True), "invalidSyntax"),
        (operation("add", "active", "maybe"), "invalidValue"),
    ],
)
def test_what_can_t_be_is_refused_by_its_name(refused: Any, kind: str) -> None:
    with pytest.raises(ScimError) as error:
        patched(operation("replace", "displayName", "E"), refused)
    assert error.value.kind == kind


def person(number: int) -> Person:
    name = f"p{number}"
    return Person(
        name, "t", name, "vestibule.test", name, f"{name}@x.test", licensed=True, enabled=True,
        external_id=name.upper(),
    )  # fmt: skip


PEOPLE = [person(number) for number in range(7)]


@given(st.text())
def test_any_filter_is_read_or_refused(text: str) -> None:
    for query in (text, f'userName eq "{text}"'):
        try:
            wanted = wanted_by({"filter": query})
        except ScimError as error:
            assert error.kind == "invalidFilter"
            continue
        assert wanted.attribute == "username"


@given(st.integers(-9, 99), st.integers(-9, 999))
def test_pages_are_cut_as_the_rfc_has_it(first: int, count: int) -> None:
    said = page_of(PEOPLE, wanted_by({"startIndex": str(first), "count": str(count)}), "https://x")
    begin = max(first, 1) - 1
    names = [user["displayName"] for user in said["Resources"]]
    assert names == [one.display_name for one in PEOPLE[begin : begin + max(count, 0)]]
    assert said["totalResults"] == len(PEOPLE)


def test_names_mind_no_case_and_external_ids_do() -> None:
    def found(query: str) -> int:
        total: int = page_of(PEOPLE, wanted_by({"filter": query}), "")["totalResults"]
        return total

    assert found('USERNAME eq "P3@Vestibule.Test"') == 1
    assert found('externalId eq "P3"') == 1
    assert found('externalId eq "p3"') == 0
    assert found('userName eq "\\u0070" ') == 0


def test_a_search_is_a_query() -> None:
    said = {"schemas": ["x"], "attributes": ["userName", "id"], "count": 3}
    assert search_in(said) == {"schemas": "x", "attributes": "userName,id", "count": "3"}
    with pytest.raises(ScimError):
        search_in({"count": {"x": 1}})
