"""How a SIP client asks for relay credentials and what it is told (`application/msrtc-media-relay-auth+xml`).

docs/protocol/relay.md shows both. Element names are compared without their namespace, and whatever else a request
says is left aside.
"""

from dataclasses import dataclass
from typing import Any

from lxml import etree

from vestibule.media.relay_credentials import LIFETIME_SECONDS, RelayCredential, RelayPlace
from vestibule.sip.xml_body import BadBody, children, name_of, read_xml, text_of

CONTENT_TYPE = "application/msrtc-media-relay-auth+xml"
NAMESPACE = "http://schemas.microsoft.com/2006/09/sip/mrasp"

_LARGEST = 4096
_LOCATIONS = ("intranet", "internet")
_MOST_DIGITS = 9
_OURS_FIRST: Any = {None: NAMESPACE}  # the stubs know no default namespace


@dataclass(frozen=True, slots=True)
class RelayRequest:
    """One request for one credential. `identity` is whose it is to be, as claimed; "" if it isn't said."""

    request_id: str
    credentials_id: str
    identity: str
    locations: tuple[str, ...]
    """From where the relay is to be used: what was asked for, or all there are."""
    minutes: int
    """For how long, as it was asked for, or the longest time there is."""


def parse_relay_request(body: bytes) -> RelayRequest:
    """Read a request. Raises BadBody."""
    root = read_xml(body, largest=_LARGEST)
    wanted = children(root)
    if name_of(root) != "request" or [name_of(child) for child in wanted] != ["credentialsRequest"]:
        raise BadBody("a request with one credentialsRequest expected")
    location = _said(wanted[0], "location")
    if location and location not in _LOCATIONS:
        raise BadBody("location is intranet or internet")
    return RelayRequest(
        request_id=root.get("requestID", ""),
        credentials_id=wanted[0].get("credentialsRequestID", ""),
        identity=_said(wanted[0], "identity"),
        locations=(location,) if location else _LOCATIONS,
        minutes=_minutes(_said(wanted[0], "duration")),
    )


def write_relay_answer(
    request: RelayRequest, credential: RelayCredential, place: RelayPlace, *, us: str, them: str
) -> bytes:
    """The answer to a request. `us` and `them`: the addresses of who answers and who asked."""
    root = etree.Element(
        _tag("response"),
        {
            "requestID": request.request_id,
            "version": "1.0",
            "serverVersion": "2.0",
            "to": them,
            "from": us,
            "reasonPhrase": "OK",
        },
        nsmap=_OURS_FIRST,
    )
    number = {"credentialsRequestID": request.credentials_id}
    response = etree.SubElement(root, _tag("credentialsResponse"), number)
    credentials = etree.SubElement(response, _tag("credentials"))
    _add(credentials, "username", credential.username)
    _add(credentials, "password", credential.password)
    _add(credentials, "duration", str(credential.lifetime // 60))
    relays = etree.SubElement(response, _tag("mediaRelayList"))
    for location in request.locations:
        relay = etree.SubElement(relays, _tag("mediaRelay"))
        _add(relay, "location", location)
        _add(relay, "hostName", place.host.strip("[]"))
        _add(relay, "udpPort", str(place.port))
        _add(relay, "tcpPort", str(place.port))
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def _said(parent: etree._Element, name: str) -> str:
    """What the one child of that name says; "" without one. Two may be read as either: BadBody."""
    found = children(parent, name)
    if len(found) > 1:
        raise BadBody(f"more than one {name}")
    return text_of(found[0]) if found else ""


def _minutes(text: str) -> int:
    if not text:
        return LIFETIME_SECONDS // 60
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS) or int(text) == 0:
        raise BadBody("duration is a number of minutes")
    return int(text)


def _add(parent: etree._Element, name: str, text: str) -> None:
    etree.SubElement(parent, _tag(name)).text = text


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"
