import pytest

from tests.unit.sip.wire import request
from vestibule.sip.message import address_uri, parameter_of, tokens_of


@pytest.mark.parametrize(
    ("value", "uri"),
    [
        ("<sip:a@d>", "sip:a@d"),
        ("<sip:a@d;transport=tls>;expires=60", "sip:a@d;transport=tls"),
        ("sip:a@d;expires=60", "sip:a@d"),
        ("sip:a@d", "sip:a@d"),
        ('"Alice <sip:evil@e>" <sip:a@d>', "sip:a@d"),
        ('"Al\\"<sip:evil@e>" <sip:a@d>;tag=1', "sip:a@d"),
        ("Alice <sip:a@d>", "sip:a@d"),
        ("", ""),
    ],
)
def test_the_uri_of_an_address(value: str, uri: str) -> None:
    assert address_uri(value) == uri


@pytest.mark.parametrize(
    ("value", "name", "expected"),
    [
        ("<sip:a@d;expires=5>;expires=60", "expires", "60"),
        ("<sip:a@d;expires=5>", "expires", None),
        ('<sip:a@d>;+sip.instance="<urn:uuid:1>";reg-id=1', "+sip.instance", "<urn:uuid:1>"),
        ('<sip:a@d>;+sip.instance="<urn:uuid:1>";reg-id=1', "reg-id", "1"),
        ('"x;expires=9" <sip:a@d> ; Expires = 60', "expires", "60"),
        ('<sip:a@d>;x="a\\"b"', "x", 'a"b'),
        ("<sip:a@d>;ob", "ob", ""),
        ("sip:a@d;expires=7", "expires", "7"),
    ],
)
def test_header_parameters(value: str, name: str, expected: str | None) -> None:
    assert parameter_of(value, name) == expected


def test_tokens_are_compared_without_case() -> None:
    message = request(headers=(("Supported", "GRUU, outbound"), ("Supported", "path")))
    assert tokens_of(message, "Supported") == {"gruu", "outbound", "path"}
