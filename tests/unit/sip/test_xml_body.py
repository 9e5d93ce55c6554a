"""XML bodies that are read, and those that are refused (ATTACKS 24)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.sip.xml_body import BadBody, anywhere, children, name_of, read_xml, text_of

LARGEST = 1000


def test_names_are_compared_without_their_namespace() -> None:
    body = b'<a xmlns="urn:x"><b> one </b><!-- c --><?p?><c xmlns:y="urn:y"><y:b>two</y:b></c></a>'
    root = read_xml(body, largest=LARGEST)
    assert name_of(root) == "a"
    assert [name_of(child) for child in children(root)] == ["b", "c"]
    assert [text_of(child) for child in children(root, "b")] == ["one"]
    assert [text_of(element) for element in anywhere(root, "b")] == ["one", "two"]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "well-formed"),
        (b"<a", "well-formed"),
        (b"<a/><b/>", "well-formed"),
        (b"<a>&x;</a>", "well-formed"),
        (b"\xff\xfe<", "well-formed"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "document type"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "document type"),
        (b"<!DOCTYPE a><a/>", "document type"),
        (b"<a>" * 33 + b"</a>" * 33, "deep"),
        (b"<a>" + b"x" * LARGEST + b"</a>", "large"),
    ],
)
def test_refused_bodies(body: bytes, why: str) -> None:
    with pytest.raises(BadBody, match=why):
        read_xml(body, largest=LARGEST)


def test_as_deep_and_as_large_as_may_be() -> None:
    read_xml(b"<a>" * 32 + b"</a>" * 32, largest=LARGEST)
    read_xml(b"<a>" + b"x" * (LARGEST - 7) + b"</a>", largest=LARGEST)


@given(st.binary(max_size=300) | st.text("<>&;!?/ax[]\"'= ", max_size=60).map(str.encode))
def test_any_bytes_are_a_document_or_refused(body: bytes) -> None:
    try:
        read_xml(body, largest=LARGEST)
    except BadBody:
        pass
