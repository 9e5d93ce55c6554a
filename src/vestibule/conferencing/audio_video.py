"""The audio-video endpoint of a meeting: takes the focus's tokens, opens media in the room.

A browser asks the focus for media, gets a token, and brings it back with its offer; a phone brings its
offer to the focus itself. Either way the room learns what the seat may send from the table of
rights, and the seat's end is the media's end.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from vestibule.conferencing import c3p
from vestibule.conferencing.c3p import C3pRequest
from vestibule.conferencing.conference import Conference, Ending, NotAllowed, Seat
from vestibule.conferencing.focus_session import ALLOW, FocusSession, reason
from vestibule.conferencing.join_tokens import JoinTokens
from vestibule.conferencing.live import LiveConferences
from vestibule.conferencing.phone_keys import PhoneKeys, Wish
from vestibule.conferencing.room import (
    EndpointQuality,
    RelayAccessIssuer,
    Rooms,
    Sound,
    rights_of,
)
from vestibule.journal.journal import JournalFull
from vestibule.sip.dialog import Dialog
from vestibule.sip.dialog_table import DialogTable
from vestibule.sip.message import SipMessage
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.replaces import require_own_place
from vestibule.sip.transaction import ServerTransaction

_SDP = "application/sdp"
_ENDPOINT = re.compile(r"[A-Za-z0-9_{}-]{8,64}")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class AudioVideoParts:
    """What the endpoint works with."""

    live: LiveConferences
    rooms: Rooms
    relay: RelayAccessIssuer
    tokens: JoinTokens
    dialogs: DialogTable
    record_route: Callable[[ServerTransaction], str]
    address_of: Callable[[int], str | None]
    """The address at the other end of a connection."""


class MediaSession:
    """The dialog that a browser's media lives in."""

    def __init__(self, endpoint: "AudioVideo", conference: Conference, seat: Seat, dialog: Dialog):
        self.dialog = dialog
        self._endpoint = endpoint
        self._conference = conference
        self._seat = seat

    def on_request(self, dialog: Dialog, transaction: ServerTransaction) -> None:
        """BYE ends the media; a new offer would need a new token, so it is refused."""
        method = transaction.request.method
        if method == "BYE":
            transaction.respond(200)
            self._endpoint.end_media(self._conference, self._seat)
        elif method in ("INVITE", "UPDATE"):
            transaction.respond(488, headers=(reason(488, "leave and join again"),))
        else:
            transaction.respond(405, headers=(("Allow", ALLOW),))

    def on_ack(self, dialog: Dialog, message: SipMessage) -> None:
        """The answer has arrived."""

    def on_flow_closed(self, dialog: Dialog) -> None:
        """The connection is gone."""
        self._endpoint.end_media(self._conference, self._seat)


class AudioVideo:
    """Media of every live conference. Browsers' sessions are kept by seat id."""

    def __init__(self, parts: AudioVideoParts) -> None:
        self._parts = parts
        self._sessions: dict[str, MediaSession] = {}
        self._keys = PhoneKeys()

    # --- browsers ---

    def grant(self, session: FocusSession, request: C3pRequest) -> bytes:
        """`addUser` for audio-video: a token, and what is needed to use it. Raises NotAllowed."""
        meeting, seat = session.conference.meeting, session.seat
        if request.mcu_uri != meeting.address.audio_video:
            raise NotAllowed("mcuUnknown")
        if not _ENDPOINT.fullmatch(request.endpoint_entity):
            raise NotAllowed("endpointMalformed")
        self._leave_for(session.conference, seat, request.endpoint_entity)
        session.conference.claim_endpoint(seat, request.endpoint_entity)
        relay = self._parts.relay.issue(seat.id)
        entries = {
            "mcu-conference-uri": meeting.address.audio_video,
            "token": self._parts.tokens.issue(meeting.id, seat.id, request.endpoint_entity),
            "relay-uri": relay.udp_uri,
            "relay-tcp-uri": relay.tcp_uri,
            "relay-tls-uri": relay.tls_uri,
            "relay-username": relay.username,
            "relay-password": relay.password,
            "relay-lifetime": str(relay.lifetime),
        }
        return c3p.success(request, [c3p.connection_info(entries)])

    def invite(self, transaction: ServerTransaction) -> None:
        """INVITE with a token and a browser's offer. Raises SipRefusal."""
        require_own_place(transaction.request)
        conference, seat = self._seat_of(transaction)
        if transaction.request.content_type != _SDP:
            raise SipRefusal(415, headers=(("Accept", _SDP),))
        if seat.endpoint is None or seat.id in self._sessions:
            raise SipRefusal(403, headers=(reason(403, "media is up already"),))
        offer = transaction.request.body.decode("utf-8", "replace")
        answer = self._parts.rooms.join_browser(
            conference.meeting.id, seat.endpoint, offer, rights_of(seat)
        )
        self._parts.tokens.revoke(seat.id)
        self.apply_consent(conference, seat)
        route = self._parts.record_route(transaction)
        contact = conference.meeting.address.audio_video
        dialog = Dialog.uas(transaction, contact=contact, record_route=route)
        session = MediaSession(self, conference, seat, dialog)
        self._sessions[seat.id] = session
        self._parts.dialogs.add(dialog, session)
        transaction.respond(
            200,
            headers=(("Contact", f"<{contact}>"), ("Allow", ALLOW)),
            body=answer.encode(),
            content_type=_SDP,
        )

    def end_media(self, conference: Conference, seat: Seat) -> None:
        """A seat's media ends; the seat stays."""
        session = self._sessions.pop(seat.id, None)
        if session is not None:
            self._parts.dialogs.remove(session.dialog)
            session.dialog.end()
        self._leave(conference, seat)
        conference.media_changed(seat, connected=False)

    # --- phones ---

    def check_phone(self, message: SipMessage) -> None:
        """Refuse a phone's offer that can't be served before it knocks. Raises SipRefusal (488)."""
        self._parts.rooms.check_phone(message.body.decode("utf-8", "replace"))

    def join_phone(self, conference: Conference, seat: Seat, message: SipMessage) -> str:
        """Open a phone's media and return the answer. Raises SipRefusal (488)."""
        offer = message.body.decode("utf-8", "replace")
        conference.claim_endpoint(seat, seat.id)
        return self._parts.rooms.join_phone(
            conference.meeting.id, seat.id, offer, rights_of(seat),
            seen_at=self._parts.address_of(message.flow),
        )  # fmt: skip

    # --- what the focus and the rooms tell ---

    def apply_rights(self, conference: Conference, seat: Seat) -> None:
        """Let the room enforce what the seat may send now."""
        if seat.endpoint is not None:
            self._parts.rooms.set_rights(conference.meeting.id, seat.endpoint, rights_of(seat))

    def apply_consent(self, conference: Conference, seat: Seat) -> None:
        """Let the room leave out of a recording whoever hasn't agreed to be in it."""
        if seat.endpoint is not None:
            agreed = seat.agrees and conference.recording is not None
            self._parts.rooms.set_recorded(conference.meeting.id, seat.endpoint, recorded=agreed)

    def recording_changed(self, conference: Conference) -> None:
        """A recording began, which phones are told by a tone, or ended; what was agreed before is void."""
        for seat in conference.seats():
            self.apply_consent(conference, seat)
            if conference.recording is not None and seat.endpoint is not None:
                self._parts.rooms.play(conference.meeting.id, seat.endpoint, "recorded")

    def drop(self, conference: Conference, seat: Seat, ending: Ending) -> None:
        """A seat is gone: its token, relay credentials, media and dialog go with it."""
        self._parts.tokens.revoke(seat.id)
        self._parts.relay.revoke(seat.id)
        session = self._sessions.pop(seat.id, None)
        if session is not None:
            self._parts.dialogs.remove(session.dialog)
            if ending is not Ending.CONNECTION_LOST:
                session.dialog.request("BYE", headers=(reason(200, ending.value),))
            session.dialog.end()
        self._leave(conference, seat)

    def _leave(self, conference: Conference, seat: Seat) -> None:
        """The seat's media ends; how it fared in the end goes to the log."""
        if seat.endpoint is None:
            return
        room = conference.meeting.id
        media = self._parts.rooms.quality(room, seat.endpoint)
        self._parts.rooms.leave(room, seat.endpoint)
        self._keys.forget(seat.endpoint)
        if media is not None:
            _tell_how_it_fared(conference, seat, media)

    def close(self, conference: Conference) -> None:
        """The conference is over: its room closes."""
        self._parts.rooms.close(conference.meeting.id)

    def connected(self, room: str, endpoint: str) -> None:
        """The room says that an endpoint's media flows."""
        conference = self._parts.live.find(room)
        seat = conference.seat_of_endpoint(endpoint) if conference else None
        if conference is not None and seat is not None:
            conference.media_changed(seat, connected=True)
            sound: Sound = "entered" if conference.recording is None else "entered-recorded"
            self._parts.rooms.play(room, endpoint, sound)

    def pressed(self, room: str, endpoint: str, key: str) -> None:
        """The room says that a key of a phone was pressed."""
        conference = self._parts.live.find(room)
        seat = conference.seat_of_endpoint(endpoint) if conference else None
        if conference is None or seat is None:
            return
        wish = self._keys.press(endpoint, key)
        if wish is Wish.MUTE:
            conference.toggle_self_mute(seat)
            self._parts.rooms.play(room, endpoint, "unmuted" if seat.may_be_heard else "muted")
        elif wish is Wish.CONSENT:
            self._toggle_consent(conference, seat, endpoint)

    def gone(self, room: str, endpoint: str, why: str, quality: EndpointQuality) -> None:
        """The room says that an endpoint ended by itself: a browser may come back, a phone is gone."""
        conference = self._parts.live.find(room)
        seat = conference.seat_of_endpoint(endpoint) if conference else None
        if conference is None or seat is None:
            return
        _log.info("media.gone", meeting=room, entity=seat.entity, reason=why)
        _tell_how_it_fared(conference, seat, quality)
        session = self._sessions.get(seat.id)
        if session is None:
            conference.leave(seat, Ending.MEDIA_LOST)
            return
        session.dialog.request("BYE", headers=(reason(200, "media lost"),))
        self.end_media(conference, seat)

    # --- inside ---

    def _leave_for(self, conference: Conference, seat: Seat, endpoint: str) -> None:
        """Another endpoint is to be the seat's: the one before ends, for nothing would reach it any more.

        Mute, removal and a consent taken back are told to the endpoint that the seat has (ATTACKS 41).
        """
        if seat.endpoint in (None, endpoint):
            return
        if (media := self._sessions.get(seat.id)) is not None:
            media.dialog.request("BYE", headers=(reason(200, "media elsewhere"),))
        self.end_media(conference, seat)

    def _toggle_consent(self, conference: Conference, seat: Seat, endpoint: str) -> None:
        """A phone's keys agree to be recorded, or take that back; the tone says which."""
        try:
            conference.consent(seat, agreed=not seat.agrees)
        except (NotAllowed, JournalFull):  # nothing is recorded, or nothing may happen unrecorded
            return
        sound: Sound = "agreed" if seat.agrees else "disagreed"
        self._parts.rooms.play(conference.meeting.id, endpoint, sound)

    def _seat_of(self, transaction: ServerTransaction) -> tuple[Conference, Seat]:
        """Whom the token in a request was given to; it must be the very person who shows it."""
        token = transaction.request.header("Conference-Token") or ""
        grant = self._parts.tokens.find(token)
        conference = self._parts.live.find(grant.meeting_id) if grant else None
        seat = conference.seat(grant.seat_id) if conference and grant else None
        principal = transaction.principal
        if conference is None or seat is None or grant is None or principal is None:
            raise SipRefusal(403, headers=(reason(403, "token unknown, used or expired"),))
        of_this_meeting = transaction.request.uri == conference.meeting.address.audio_video
        same_endpoint = seat.endpoint == grant.endpoint
        if seat.entity != principal.aor or not (of_this_meeting and same_endpoint and seat.is_in):
            raise SipRefusal(403, headers=(reason(403, "token of somebody else"),))
        return conference, seat


def _tell_how_it_fared(conference: Conference, seat: Seat, media: EndpointQuality) -> None:
    if media.is_connected:
        _log.info(
            "media.ended", meeting=conference.meeting.id, entity=seat.entity,
            round_trip=media.round_trip, mos_received=media.mos_received, mos_sent=media.mos_sent,
        )  # fmt: skip
