"""What is read from a request for relay credentials, and what the answer says."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.media.relay_credentials import RelayCredential, RelayPlace
from vestibule.media.relay_request import (
    RelayRequest,
    parse_relay_request,
    write_relay_answer,
)
from vestibule.sip.xml_body import BadBody

NAMESPACE = "http://schemas.microsoft.com/2006/09/sip/mrasp"
CREDENTIAL = RelayCredential("turn:r", "turn:r", "turns:r", "name", "secret", 3600)


def request(inside: str, tag: str = "credentialsRequest") -> bytes:
    return (
        f'<request requestID="7" from="sip:a@d.test" version="1.0" to="sip:mras@d.test" xmlns="{NAMESPACE}">'
        f'<{tag} credentialsRequestID="9">{inside}</{tag}></request>'
    ).encode()


def test_a_whole_request() -> None:
    inside = "<identity> sip:a@d.test </identity><location>intranet</location><duration>60</duration><x/>"
    wanted = RelayRequest("7", "9", "sip:a@d.test", ("intranet",), 60)
    assert parse_relay_request(request(inside)) == wanted


def test_what_is_left_out() -> None:
    wanted = RelayRequest("7", "9", "", ("intranet", "internet"), 480)
    assert parse_relay_request(request("")) == wanted


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<request/>",
        b"<response><credentialsRequest/></response>",
        b"<request><credentialsRequest/><credentialsRequest/></request>",
        request("", tag="credentialRequest"),
        request("<identity/><identity/>"),
        request("<duration>60</duration><duration>480</duration>"),
        request("<duration>0</duration>"),
        request("<duration>-1</duration>"),
        request("<duration>1e2</duration>"),
        request("<duration>\u0661</duration>"),
        request(f"<duration>{'9' * 10}</duration>"),
        request("<location>extranet</location>"),
        request("<identity>" + "x" * 4000 + "</identity>"),
    ],
)
def test_refused_requests(body: bytes) -> None:
    with pytest.raises(BadBody):
        parse_relay_request(body)


@given(st.integers(min_value=1, max_value=10**9 - 1))
def test_a_duration_is_read(minutes: int) -> None:
    parsed = parse_relay_request(request(f"<duration>{minutes}</duration>"))
    assert parsed.minutes == minutes


@given(
    st.binary(max_size=300)
    | st.text(max_size=60).map(
        lambda text: request(f"<duration>{text}</duration><identity>{text}</identity>")
    )
)
def test_any_bytes_are_a_request_or_refused(body: bytes) -> None:
    try:
        parsed = parse_relay_request(body)
    except BadBody:
        return
    assert parsed.minutes > 0


@pytest.mark.parametrize(
    ("host", "told"), [("relay.test", "relay.test"), ("[2001:db8::1]", "2001:db8::1")]
)
def test_the_answer(host: str, told: str) -> None:
    asked = RelayRequest('7"<', "9", "sip:a@d.test", ("intranet", "internet"), 60)
    place = RelayPlace(host, 3478, 443)
    body = write_relay_answer(asked, CREDENTIAL, place, us="sip:mras@d.test", them="sip:a@d.test")
    root = ElementTree.fromstring(body)
    assert root.attrib == {
        "requestID": '7"<', "version": "1.0", "serverVersion": "2.0", "to": "sip:a@d.test",
        "from": "sip:mras@d.test", "reasonPhrase": "OK",
    }  # fmt: skip
    said = [(e.tag.removeprefix(f"{{{NAMESPACE}}}"), e.text) for e in root.iter() if e.text]
    relay = [("hostName", told), ("udpPort", "3478"), ("tcpPort", "3478")]
    assert said == [
        ("username", "name"), ("password", "secret"), ("duration", "60"),
        ("location", "intranet"), *relay, ("location", "internet"), *relay,
    ]  # fmt: skip
