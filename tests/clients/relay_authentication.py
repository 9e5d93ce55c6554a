"""How a SIP client asks for relay credentials, written from docs/protocol/relay.md and nothing of ours."""

from dataclasses import dataclass
from xml.etree import ElementTree

from tests.clients.sip_line import SipLine, header_of, request, status_of

URI = "sip:mras@vestibule.test;gruu;opaque=srvr:mras:relay"
TYPE = "application/msrtc-media-relay-auth+xml"
HEADERS = f"Content-Type: {TYPE}"
_NAMES = {"": "http://schemas.microsoft.com/2006/09/sip/mrasp"}


@dataclass(frozen=True, slots=True)
class Granted:
    """What an answer says. `duration` in minutes."""

    username: str
    password: str
    duration: int
    location: str
    host: str
    udp_port: int
    tcp_port: int


def body(me: str, *, identity: str | None = None, duration: str = "480") -> str:
    """A request's body. `identity`: whose credential it is to be, if not the sender's own."""
    return (
        f'<request requestID="7" from="{me}" version="1.0" to="{URI}" xmlns="{_NAMES[""]}">'
        f'<credentialsRequest credentialsRequestID="9"><identity>{identity or me}</identity>'
        f"<location>internet</location><duration>{duration}</duration>"
        "</credentialsRequest></request>"
    )


def asking(me: str, text: str, *, headers: str = HEADERS) -> str:
    """A SERVICE with that body."""
    return request("SERVICE", URI, me, headers=headers, body=text)


def ask(line: SipLine, me: str, *, duration: str = "480") -> Granted:
    """What somebody is given by a connection that proves who they are."""
    line.send(asking(me, body(me, duration=duration)))
    return granted(line.final())


def granted(answer: str) -> Granted:
    """What an answer says; it must be a success."""
    assert status_of(answer) == 200, answer
    assert header_of(answer, "Content-Type") == TYPE
    root = ElementTree.fromstring(answer.partition("\r\n\r\n")[2])
    assert root.get("reasonPhrase") == "OK"
    assert root.get("requestID") == "7"

    def said(path: str) -> str:
        found = root.findtext(f"credentialsResponse/{path}", namespaces=_NAMES)
        assert found, (path, answer)
        return found

    relay = "mediaRelayList/mediaRelay"
    return Granted(
        username=said("credentials/username"),
        password=said("credentials/password"),
        duration=int(said("credentials/duration")),
        location=said(f"{relay}/location"),
        host=said(f"{relay}/hostName"),
        udp_port=int(said(f"{relay}/udpPort")),
        tcp_port=int(said(f"{relay}/tcpPort")),
    )
