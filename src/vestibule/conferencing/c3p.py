"""C3P, the conference control protocol (`application/cccp+xml`), as focus and clients speak it.

Only what a message says is kept: its command, the keys and values in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from vestibule.sip.xml_body import BadBody, anywhere, children, name_of, read_xml, text_of

CONTENT_TYPE = "application/cccp+xml"
NAMESPACE = "urn:ietf:params:xml:ns:cccp"
EXTENSIONS = "http://schemas.microsoft.com/rtc/2005/08/cccpextensions"
RECORDING = "urn:vestibule:params:xml:ns:recording"
"""Of our own: no client of that era knows of a recording by the server."""
CONFERENCE_INFO = "urn:ietf:params:xml:ns:conference-info"

# The stubs know no default namespace.
_C3P_FIRST: Any = {None: NAMESPACE, "mscp": EXTENSIONS, "ci": CONFERENCE_INFO}
_EXTENSIONS_FIRST: Any = {None: EXTENSIONS}
_RECORDING_FIRST: Any = {None: RECORDING}
_LARGEST = 32 * 1024


@dataclass(frozen=True, slots=True)
class C3pRequest:
    """One request: `command` is the element's name, such as `addUser` or `setLobbyAccess`."""

    command: str
    request_id: str
    sender: str
    recipient: str
    user_entity: str = ""
    """Whom it is about: `userKeys@userEntity` or `user@entity`; "" if nobody is named."""
    endpoint_entity: str = ""
    mcu_uri: str = ""
    """The conferencing endpoint it is for; "" for the focus itself."""
    display_name: str = ""
    role: str = ""
    access: str = ""
    """Of `setLobbyAccess` and `setRecordingConsent`: `granted` or `denied`."""
    user_entities: tuple[str, ...] = ()
    """Of `setLobbyAccess`: whom it is about."""
    media: Mapping[str, str] = field(default_factory=dict)
    """Of `modifyEndpointMedia`: media type to status, such as audio to recvonly."""


def parse_request(body: bytes) -> C3pRequest:
    """Read a C3P request. Raises BadBody."""
    root = read_xml(body, largest=_LARGEST)
    if name_of(root) != "request":
        raise BadBody("C3P request expected")
    commands = children(root)
    if len(commands) != 1:
        raise BadBody("exactly one C3P command expected")
    command = commands[0]
    return C3pRequest(
        command=name_of(command),
        request_id=root.get("requestId", ""),
        sender=root.get("from", ""),
        recipient=root.get("to", ""),
        user_entity=_attribute(command, "userKeys", "userEntity")
        or _attribute(command, "mediaKeys", "userEntity")
        or _attribute(command, "user", "entity"),
        endpoint_entity=_attribute(command, "mediaKeys", "endpointEntity")
        or _attribute(command, "endpoint", "entity"),
        mcu_uri=command.get(f"{{{EXTENSIONS}}}mcuUri", "") or command.get("mcuUri", ""),
        display_name=_text(command, "display-text"),
        role=_text(command, "entry"),
        access=_text(command, "access"),
        user_entities=tuple(text_of(e) for e in anywhere(command, "userEntity")),
        media={_text(m, "type"): _text(m, "status") for m in anywhere(command, "media")},
    )


def success(request: C3pRequest, content: Sequence[etree._Element] = ()) -> bytes:
    """A response with code success."""
    return _response(request, {"code": "success"}, content)


def failure(request: C3pRequest, reason: str) -> bytes:
    """A response with code failure and a reason, such as `accessDenied`."""
    return _response(request, {"code": "failure", "reason": reason}, ())


def user(entity: str, display_name: str, role: str) -> etree._Element:
    """The `user` element of an `addUser` answer: who the joiner is in this conference."""
    element = etree.Element(f"{{{CONFERENCE_INFO}}}user", entity=entity)
    etree.SubElement(element, f"{{{CONFERENCE_INFO}}}display-text").text = display_name
    roles = etree.SubElement(element, f"{{{CONFERENCE_INFO}}}roles")
    etree.SubElement(roles, f"{{{CONFERENCE_INFO}}}entry").text = role
    return element


def connection_info(entries: Mapping[str, str]) -> etree._Element:
    """The `connection-info` element: where and with what to connect."""
    element = etree.Element(f"{{{EXTENSIONS}}}connection-info", nsmap=_EXTENSIONS_FIRST)
    for key, value in entries.items():
        entry = etree.SubElement(element, f"{{{EXTENSIONS}}}entry")
        etree.SubElement(entry, f"{{{EXTENSIONS}}}key").text = key
        etree.SubElement(entry, f"{{{EXTENSIONS}}}value").text = value
    return element


def recording_progress(seconds: float, octets: int) -> etree._Element:
    """How far a recording is."""
    element = etree.Element(f"{{{RECORDING}}}progress", nsmap=_RECORDING_FIRST)
    element.set("seconds", f"{seconds:.1f}")
    element.set("octets", str(octets))
    return element


def _response(
    request: C3pRequest, outcome: Mapping[str, str], content: Sequence[etree._Element]
) -> bytes:
    attributes = {
        "C3PVersion": "1",
        "from": request.recipient,
        "to": request.sender,
        "requestId": request.request_id,
        **outcome,
    }
    root = etree.Element(f"{{{NAMESPACE}}}response", attributes, nsmap=_C3P_FIRST)
    etree.SubElement(root, f"{{{NAMESPACE}}}{request.command}").extend(content)
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def _attribute(parent: etree._Element, element: str, attribute: str) -> str:
    found = anywhere(parent, element)
    return found[0].get(attribute, "") if found else ""


def _text(parent: etree._Element, name: str) -> str:
    found = anywhere(parent, name)
    return text_of(found[0]) if found else ""
