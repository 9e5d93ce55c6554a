"""The native SIP message as Python sees it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule._native import MalformedMessage, SipMessage, build_request, parse_sip

INVITE = (
    b"INVITE sip:b@d SIP/2.0\r\n"
    b"v : SIP/2.0/tls p;branch=z9hG4bK1, SIP/2.0/TLS h\r\n"
    b'FROM: "A \\"x\\" \xc3\xa4" <sip:a@d;user=phone>;tag=1;epid=92b9\r\n'
    b"t: <sip:b@d>\r\n"
    b"Subject: long\r\n and folded\r\n"
    b"Supported: 100rel,  timer\r\nk: gruu\r\n"
    b"Route: <sip:x;lr>, <sip:y;lr>\r\n"
    b"Call-ID: c@h\r\nCSeq: 0009 INVITE\r\n"
    b"c: Application/SDP ; charset=utf-8\r\nl: 3\r\n\r\nabc"
)


def test_reads_a_request() -> None:
    message = parse_sip(INVITE)
    assert message.flow == 0
    assert message.is_request
    assert (message.method, message.uri) == ("INVITE", "sip:b@d")
    assert (message.status, message.reason) == (0, "")
    assert (message.call_id, message.cseq) == ("c@h", 9)
    assert (message.branch, message.via_count) == ("z9hG4bK1", 2)
    assert message.from_uri == "sip:a@d;user=phone"
    assert message.from_tag == "1"
    assert message.from_display == 'A "x" ä'
    assert (message.to_uri, message.to_tag) == ("sip:b@d", "")
    assert message.max_forwards == 70
    assert message.content_type == "application/sdp"
    assert message.body == b"abc"
    assert message.to_bytes() == INVITE


def test_reads_headers_whatever_their_spelling() -> None:
    message = parse_sip(INVITE)
    assert message.header("s") == "long and folded"
    assert message.header("SUBJECT") == "long and folded"
    assert message.header("absent") is None
    assert message.headers("supported") == ["100rel,  timer", "gruu"]
    assert message.values("Supported") == ["100rel", "timer", "gruu"]


def test_reads_a_response() -> None:
    invite = parse_sip(INVITE)
    response = parse_sip(invite.response(404, to_tag="x"))
    assert not response.is_request
    assert (response.status, response.reason, response.method) == (404, "Not Found", "INVITE")
    assert (response.uri, response.to_tag, response.via_count) == ("", "x", 2)


def test_forwards_with_nothing_else_changed() -> None:
    sent = parse_sip(INVITE).forwarded(
        uri="sip:b@10.0.0.1",
        pop_via=True,
        push_via="SIP/2.0/TLS me;branch=z9hG4bK0",
        pop_routes=1,
        push_record_route="<sip:me;lr>",
        max_forwards=69,
        drop=["subject"],
        add=[("P-Asserted-Identity", "<sip:a@d>")],
        body=b"longer",
    )
    assert sent == (
        INVITE.replace(
            b"INVITE sip:b@d SIP/2.0\r\n",
            b"INVITE sip:b@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TLS me;branch=z9hG4bK0\r\n"
            b"Record-Route: <sip:me;lr>\r\n",
        )
        .replace(b"SIP/2.0/tls p;branch=z9hG4bK1, ", b"")
        .replace(b"<sip:x;lr>, ", b"")
        .replace(b"Subject: long\r\n and folded\r\n", b"")
        .replace(
            b"l: 3\r\n\r\nabc",
            b"l: 6\r\nMax-Forwards: 69\r\nP-Asserted-Identity: <sip:a@d>\r\n\r\nlonger",
        )
    )


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        ((b"SIP/2.0\r\n", b"SIP/3.0\r\n"), 505, "Version Not Supported"),
        ((b"0009 INVITE", b"0009 BYE"), 400, "CSeq Method Mismatch"),
        ((b"Call-ID: c@h\r\n", b""), 400, "Missing Call-ID"),
        ((b"l: 3\r\n", b"l: 3\r\nMax-Forwards: 256\r\n"), 400, "Malformed Max-Forwards"),
        ((b"l: 3", b"l: 4"), 400, "Body Shorter Than Content-Length"),
    ],
)
def test_says_what_the_wire_should_say(
    change: tuple[bytes, bytes], status: int, reason: str
) -> None:
    with pytest.raises(MalformedMessage) as caught:
        parse_sip(INVITE.replace(*change))
    assert caught.value.args == (status, reason)
    assert (caught.value.status, caught.value.reason) == (status, reason)


@pytest.mark.parametrize("bad", ["a\r\nX: y", "a\nb", "a\rb", "a\0b"])
def test_refuses_values_that_would_write_other_lines(bad: str) -> None:
    message = parse_sip(INVITE)
    with pytest.raises(ValueError, match="CR, LF or NUL"):
        message.forwarded(add=[("X", bad)])
    with pytest.raises(ValueError, match="CR, LF or NUL"):
        message.response(200, bad)
    with pytest.raises(ValueError, match="CR, LF or NUL"):
        build_request("OPTIONS", "sip:d", [("X", bad)])


def test_is_immutable() -> None:
    message = parse_sip(INVITE)
    with pytest.raises(AttributeError):
        message.method = "BYE"
    with pytest.raises(TypeError):
        SipMessage()


line = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=40)


@given(subject=line, body=st.binary(max_size=200), user=st.from_regex("[a-z]{1,9}", fullmatch=True))
def test_what_was_built_is_what_is_parsed(subject: str, body: bytes, user: str) -> None:
    built = build_request(
        "MESSAGE",
        f"sip:{user}@d",
        [
            ("Via", "SIP/2.0/TLS h;branch=z9hG4bK1"),
            ("From", "<sip:a@d>;tag=1"),
            ("To", f"<sip:{user}@d>"),
            ("Call-ID", "c"),
            ("CSeq", "1 MESSAGE"),
            ("Subject", subject),
        ],
        body,
    )
    message = parse_sip(built)
    assert message.to_bytes() == built == message.forwarded()
    assert message.uri == message.to_uri == f"sip:{user}@d"
    assert message.header("Subject") == subject.strip(" \t")
    assert message.body == body


@given(st.binary(max_size=400))
def test_any_bytes_are_a_message_or_malformed(data: bytes) -> None:
    try:
        parse_sip(data)
    except MalformedMessage as malformed:
        assert malformed.status in {400, 414, 505, 513}
