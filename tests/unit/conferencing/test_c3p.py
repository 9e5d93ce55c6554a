"""C3P requests read, answers written, and the bodies that are refused (ATTACKS 24, 40)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from vestibule.conferencing.c3p import (
    connection_info,
    failure,
    parse_request,
    success,
    user,
)
from vestibule.sip.xml_body import BadBody

HEAD = (
    '<request xmlns="urn:ietf:params:xml:ns:cccp" '
    'xmlns:mscp="http://schemas.microsoft.com/rtc/2005/08/cccpextensions" '
    'xmlns:ci="urn:ietf:params:xml:ns:conference-info" '
    'C3PVersion="1" to="sip:focus" from="sip:me" requestId="7">'
)


def request(content: str) -> bytes:
    return f"{HEAD}{content}</request>".encode()


def test_add_user_for_media() -> None:
    parsed = parse_request(
        request(
            '<addUser mscp:mcuUri="sip:av"><conferenceKeys confEntity="sip:focus"/>'
            '<ci:user entity="sip:me"><ci:display-text>Me</ci:display-text><ci:roles>'
            "<ci:entry>attendee</ci:entry></ci:roles>"
            '<ci:endpoint entity="e1" session-type="audio-video"/></ci:user></addUser>'
        )
    )
    assert parsed.command == "addUser"
    assert parsed.mcu_uri == "sip:av"
    assert (parsed.user_entity, parsed.endpoint_entity) == ("sip:me", "e1")
    assert (parsed.role, parsed.display_name) == ("attendee", "Me")


def test_lobby_access() -> None:
    parsed = parse_request(
        request(
            "<mscp:setLobbyAccess><conferenceKeys confEntity='sip:focus'/><userEntity>sip:a</userEntity>"
            "<userEntity> sip:b </userEntity><access>granted</access></mscp:setLobbyAccess>"
        )
    )
    assert parsed.command == "setLobbyAccess"
    assert parsed.user_entities == ("sip:a", "sip:b")
    assert parsed.access == "granted"


def test_modify_media() -> None:
    parsed = parse_request(
        request(
            '<modifyEndpointMedia><mediaKeys confEntity="f" userEntity="sip:a" endpointEntity="e1" '
            'mediaId="1"/><ci:media id="1"><ci:type>audio</ci:type><ci:status>recvonly</ci:status>'
            "</ci:media></modifyEndpointMedia>"
        )
    )
    assert parsed.media == {"audio": "recvonly"}
    assert (parsed.user_entity, parsed.endpoint_entity) == ("sip:a", "e1")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<request",
        b"<response/>",
        b"<request/>",
        b"<request><a/><b/></request>",
        b'<!DOCTYPE r [<!ENTITY x "y">]><request><a>&x;</a></request>',
        b'<!DOCTYPE r SYSTEM "file:///etc/passwd"><request><a/></request>',
        b"<request>" + b"<a>" * 40 + b"</a>" * 40 + b"</request>",
        b"<request><a>" + b"x" * 40_000 + b"</a></request>",
    ],
)
def test_refused_bodies(body: bytes) -> None:
    with pytest.raises(BadBody):
        parse_request(body)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_request_or_an_error(body: bytes) -> None:
    try:
        parse_request(body)
    except BadBody:
        pass


def test_answers_name_the_request_and_the_outcome() -> None:
    parsed = parse_request(request('<addUser><ci:user entity="sip:me"/></addUser>'))
    content = [user("sip:me", "A & <B>", "attendee"), connection_info({"token": "t"})]
    root = etree.fromstring(success(parsed, content))
    assert (root.get("requestId"), root.get("code")) == ("7", "success")
    assert (root.get("from"), root.get("to")) == ("sip:focus", "sip:me")
    assert "".join(map(str, root.itertext())) == "A & <B>attendeetokent"
    assert etree.fromstring(failure(parsed, "accessDenied")).get("reason") == "accessDenied"
