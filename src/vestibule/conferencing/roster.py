"""The roster as watchers see it: conference documents of RFC 4575.

There are two views. Leaders see who waits in the lobby, as users whose focus endpoint is `pending`;
everyone else sees only who is inside (ATTACKS 38). Each view counts its own versions, so that one
body serves all of its watchers and the versions they see rise by one.
"""

from typing import Any

from lxml import etree

from vestibule.conferencing.c3p import RECORDING
from vestibule.conferencing.conference import Conference, Seat
from vestibule.conferencing.roles import Act

CONTENT_TYPE = "application/conference-info+xml"
_INFO = "urn:ietf:params:xml:ns:conference-info"
_EXTENSIONS = "http://schemas.microsoft.com/rtc/2005/08/confinfoextensions"
_NSMAP: Any = {
    None: _INFO,
    "msci": _EXTENSIONS,
    "rec": RECORDING,
}  # the stubs know no default namespace


class RosterView:
    """What one kind of watcher sees of a conference."""

    def __init__(self, conference: Conference, *, sees_lobby: bool) -> None:
        self._conference = conference
        self._sees_lobby = sees_lobby
        self._version = 0
        self._shown: set[str] = set()
        """Who was in the newest version: to tell a departure from an arrival not yet seen."""

    def full(self) -> bytes:
        """The whole roster, at the newest version."""
        root = self._root("full")
        self._describe(root)
        users = etree.SubElement(root, _tag("users"))
        self._shown = set()
        for seat in self._conference.seats():
            if self._shows(seat) and seat.entity not in self._shown:
                self._shown.add(seat.entity)
                users.append(self._user(seat.entity))
        return _serialise(root)

    def partial(self, entity: str) -> bytes | None:
        """What has changed about one person, as the next version; None if this view sees nothing."""
        visible = any(self._shows(seat) for seat in self._conference.seats_of(entity))
        if not visible and entity not in self._shown:
            return None
        self._version += 1
        root = self._root("partial")
        users = etree.SubElement(root, _tag("users"))
        if visible:
            self._shown.add(entity)
            users.append(self._user(entity))
        else:
            self._shown.discard(entity)
            etree.SubElement(users, _tag("user"), entity=entity, state="deleted")
        return _serialise(root)

    def _shows(self, seat: Seat) -> bool:
        return seat.is_in or self._sees_lobby

    def _root(self, state: str) -> etree._Element:
        return etree.Element(
            _tag("conference-info"),
            {
                "entity": self._conference.meeting.address.focus,
                "state": state,
                "version": str(self._version),
            },
            nsmap=_NSMAP,
        )

    def _describe(self, root: etree._Element) -> None:
        meeting = self._conference.meeting
        description = etree.SubElement(root, _tag("conference-description"))
        _text(description, "subject", meeting.subject)
        entry = etree.SubElement(etree.SubElement(description, _tag("conf-uris")), _tag("entry"))
        _text(entry, "uri", meeting.address.audio_video)
        _text(entry, "purpose", "audio-video")
        organizer = etree.SubElement(description, f"{{{_EXTENSIONS}}}organizer")
        name = etree.SubElement(organizer, f"{{{_EXTENSIONS}}}display-name")
        name.text = meeting.organizer_name
        self._describe_recording(description)

    def _describe_recording(self, description: etree._Element) -> None:
        element = etree.SubElement(description, f"{{{RECORDING}}}recording")
        recording = self._conference.recording
        if recording is not None:
            element.set("state", "on")
            element.set("id", recording.id)
            element.set("by", recording.starter_name)
        elif self._conference.recording_failed:
            element.set("state", "failed")
        else:
            allowed = self._conference.meeting.policy.recording
            element.set("state", "off" if allowed else "not-allowed")

    def _user(self, entity: str) -> etree._Element:
        seats = [seat for seat in self._conference.seats_of(entity) if self._shows(seat)]
        user = etree.Element(_tag("user"), entity=entity, state="full")
        _text(user, "display-text", seats[0].display_name)
        _text(etree.SubElement(user, _tag("roles")), "entry", seats[0].role.value)
        for seat in seats:
            _focus_endpoint(user, seat)
            if seat.endpoint is not None and seat.media_connected:
                _media_endpoint(user, seat, recorded=self._recorded(seat))
        return user

    def _recorded(self, seat: Seat) -> bool | None:
        """Whether a seat has agreed; None while nothing is recorded."""
        return None if self._conference.recording is None else seat.agrees


def _focus_endpoint(user: etree._Element, seat: Seat) -> None:
    endpoint = etree.SubElement(
        user, _tag("endpoint"), {"entity": seat.id, "session-type": "focus"}
    )
    _text(endpoint, "status", "connected" if seat.is_in else "pending")


def _media_endpoint(user: etree._Element, seat: Seat, *, recorded: bool | None) -> None:
    endpoint = etree.SubElement(
        user, _tag("endpoint"), {"entity": seat.endpoint or "", "session-type": "audio-video"}
    )
    _text(endpoint, "status", "connected")
    audio = _media(endpoint, "1", "audio", may_send=seat.may_be_heard)
    if seat.muted or not seat.may(Act.SEND_AUDIO):  # else a phone's own keys mute it
        etree.SubElement(audio, f"{{{_EXTENSIONS}}}media-ingress-filter").text = "block"
    _media(endpoint, "2", "video", may_send=seat.may(Act.SEND_VIDEO))
    _media(endpoint, "3", "applicationsharing", may_send=seat.may(Act.SHARE_SCREEN))
    if recorded is not None:
        element = etree.SubElement(endpoint, f"{{{RECORDING}}}recorded")
        element.text = "true" if recorded else "false"


def _media(endpoint: etree._Element, media_id: str, kind: str, *, may_send: bool) -> etree._Element:
    media = etree.SubElement(endpoint, _tag("media"), id=media_id)
    _text(media, "type", kind)
    _text(media, "status", "sendrecv" if may_send else "recvonly")
    return media


def _text(parent: etree._Element, name: str, value: str) -> None:
    etree.SubElement(parent, _tag(name)).text = value


def _tag(name: str) -> str:
    return f"{{{_INFO}}}{name}"


def _serialise(root: etree._Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")
