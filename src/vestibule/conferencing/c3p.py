"""C3P, the conference control protocol (`application/cccp+xml`), as focus and clients speak it.

Only what a message says is kept: its command, the keys and values in it. Element names are compared
without their namespace, as Skype-for-Business-era clients do. No document type, entity or external
reference is ever read (ATTACKS 24).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

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
_DEEPEST = 32


class C3pError(ValueError):
    """The body is no C3P request; the message says why and may go on the wire."""


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
    """Read a C3P request. Raises C3pError."""
    root = _root_of(body)
    if _name(root) != "request":
        raise C3pError("C3P request expected")
    commands = [child for child in root if isinstance(child.tag, str)]
    if len(commands) != 1:
        raise C3pError("exactly one C3P command expected")
    command = commands[0]
    return C3pRequest(
        command=_name(command),
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
        user_entities=tuple((e.text or "").strip() for e in _all(command, "userEntity")),
        media={_text(m, "type"): _text(m, "status") for m in _all(command, "media")},
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


def _root_of(body: bytes) -> etree._Element:
    if len(body) > _LARGEST:
        raise C3pError("C3P body too large")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False,
        huge_tree=False, remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise C3pError("C3P body is not well-formed XML") from error
    document: Any = root.getroottree().docinfo
    if document.doctype:
        raise C3pError("a document type is not accepted")
    if _depth(root) > _DEEPEST:
        raise C3pError("C3P body nested too deeply")
    return root


def _depth(root: etree._Element) -> int:
    level = deepest = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        level += 1 if event == "start" else -1
        deepest = max(deepest, level)
    return deepest


def _name(element: etree._Element) -> str:
    return etree.QName(element).localname


def _all(parent: etree._Element, name: str) -> list[etree._Element]:
    return [e for e in parent.iter() if isinstance(e.tag, str) and _name(e) == name]


def _attribute(parent: etree._Element, element: str, attribute: str) -> str:
    found = _all(parent, element)
    return found[0].get(attribute, "") if found else ""


def _text(parent: etree._Element, name: str) -> str:
    found = _all(parent, name)
    return (found[0].text or "").strip() if found else ""
