"""The focus: takes joins and commands, and makes signalling and media follow the roster (RFC 4353).

It observes every live conference: whatever ends a seat, its dialog, its media, its tokens, its relay
credentials and its roster subscription end in the same step (ATTACKS 41).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import structlog

from vestibule.conferencing import c3p
from vestibule.conferencing.admission import Who
from vestibule.conferencing.audio_video import AudioVideo
from vestibule.conferencing.c3p import C3pRequest
from vestibule.conferencing.conference import Acted, Conference, Ending, NotAllowed, Schedule, Seat
from vestibule.conferencing.display_name import shown_name
from vestibule.conferencing.focus_session import Acceptance, FocusSession, reason
from vestibule.conferencing.identifiers import meeting_id_of
from vestibule.conferencing.live import LiveConferences
from vestibule.conferencing.meeting import Meeting
from vestibule.conferencing.meeting_journal import MeetingJournal
from vestibule.conferencing.recorder import Recorder
from vestibule.conferencing.recording import Progress
from vestibule.conferencing.roles import Role
from vestibule.conferencing.watchers import Watchers
from vestibule.identity.principal import Kind, Principal
from vestibule.sip.dialog import Dialog
from vestibule.sip.dialog_table import DialogTable
from vestibule.sip.refusal import SipRefusal
from vestibule.sip.replaces import require_own_place
from vestibule.sip.transaction import ServerTransaction
from vestibule.sip.uri import SipUri
from vestibule.sip.xml_body import BadBody

_SDP = "application/sdp"

MOST_SEATS_OF_FLOW = 8
"""Places in meetings and lobbies that one connection may hold."""

_log = structlog.get_logger(__name__)


class MeetingLookup(Protocol):
    """Finds meetings by id."""

    def find(self, meeting_id: str) -> Meeting | None:
        """The meeting, unless unknown or deleted."""


@dataclass(frozen=True, slots=True)
class FocusParts:
    """What the focus works with."""

    meetings: MeetingLookup
    live: LiveConferences
    audio_video: AudioVideo
    watchers: Watchers
    dialogs: DialogTable
    schedule: Schedule
    journal: MeetingJournal
    recorder: Recorder
    record_route: Callable[[ServerTransaction], str]
    """The route that leads a device's later requests back to us (docs/adr/0007)."""


class Focus:
    """The signalling end of all meetings of this node. Sessions are kept by seat id."""

    def __init__(self, parts: FocusParts) -> None:
        self._parts = parts
        self._sessions: dict[str, FocusSession] = {}

    # --- requests ---

    def invite(self, transaction: ServerTransaction) -> None:
        """INVITE to a focus: somebody knocks. Raises SipRefusal."""
        require_own_place(transaction.request)
        meeting = self._meeting_of(transaction)
        join = self._join_of(transaction)
        principal = _proven(transaction)
        self._require_room_on(transaction.flow)
        conference = self._parts.live.of(meeting, self)
        try:
            name = shown_name(principal.display_name, "Guest")
            seat = conference.knock(principal.aor, name, who_is(principal, meeting))
        except NotAllowed as refusal:
            self._parts.journal.turned_away(meeting, principal, refusal.reason, transaction.flow)
            raise SipRefusal(403, headers=(reason(403, refusal.reason),)) from refusal
        try:
            self._parts.journal.knocked(meeting, seat, principal, transaction.flow)
        except Exception:  # nobody comes in unrecorded
            conference.leave(seat)
            raise
        self._open_session(transaction, conference, seat, join)
        _log.info("meeting.join", meeting=meeting.id, entity=seat.entity, door=seat.door.value)

    def subscribe(self, transaction: ServerTransaction) -> None:
        """SUBSCRIBE to a focus for its roster: only those inside may. Raises SipRefusal."""
        meeting = self._meeting_of(transaction)
        session = self._session_of(transaction, meeting)
        self._parts.watchers.subscribe(transaction, session.conference, session.seat)

    def options(self, transaction: ServerTransaction) -> None:
        """OPTIONS to a focus: what it takes. Raises SipRefusal."""
        self._meeting_of(transaction)
        transaction.respond(200, headers=(("Accept", f"{c3p.CONTENT_TYPE}, {_SDP}"),))

    def close_meeting(self, meeting_id: str) -> None:
        """End a meeting's conference because the meeting itself was deleted."""
        conference = self._parts.live.find(meeting_id)
        if conference is not None:
            conference.close()

    # --- what conferences tell (Observer) ---

    def admitted(self, conference: Conference, seat: Seat) -> None:
        """Somebody was let in: answer them."""
        _log.info("meeting.admitted", meeting=conference.meeting.id, entity=seat.entity)
        self._admit(self._sessions[seat.id])

    def ended(self, conference: Conference, seat: Seat, ending: Ending) -> None:
        """A seat is gone: end everything it had."""
        _log.info(
            "meeting.left", meeting=conference.meeting.id, entity=seat.entity, ending=ending.value
        )
        if ending is Ending.TIMED_OUT:
            self._parts.journal.waited_in_vain(conference.meeting, seat)
        self._parts.watchers.drop(conference, seat)
        self._parts.audio_video.drop(conference, seat, ending)
        session = self._sessions.pop(seat.id, None)
        if session is not None:
            self._parts.dialogs.remove(session.dialog)
            session.finish(ending)
        if self._parts.live.forget_if_empty(conference):
            self._parts.audio_video.close(conference)
            self._parts.watchers.close(conference)

    def roster_changed(self, conference: Conference, entity: str) -> None:
        """Somebody's entry changed: tell who may see it."""
        self._parts.watchers.tell(conference, entity)

    def role_changed(self, conference: Conference, seat: Seat) -> None:
        """What a seat may see and send has changed."""
        self._parts.audio_video.apply_rights(conference, seat)
        self._parts.watchers.view_changed(conference, seat)

    def acted(
        self, conference: Conference, actor: Seat, act: Acted, seat: Seat | None, role: Role | None
    ) -> None:
        """Somebody does something: it is journalled before it takes effect."""
        self._parts.journal.acted(conference.meeting, actor, act, seat, role)

    def record(self, conference: Conference, actor: Seat) -> None:
        """Somebody who may wants the meeting recorded. Raises NotAllowed."""
        self._parts.recorder.start(conference, actor.entity, actor.display_name)

    def record_no_more(self, conference: Conference, actor: Seat) -> None:
        """Somebody who may wants the recording to end."""
        self._parts.recorder.stop(conference, actor.entity)

    def recording_progress(self, conference: Conference) -> Progress | None:
        """How far the recording is."""
        return self._parts.recorder.progress(conference.meeting.id)

    def recording_changed(self, conference: Conference) -> None:
        """A recording began or ended: the room forgets who agreed, and everyone is told."""
        self._parts.audio_video.recording_changed(conference)
        self._parts.watchers.tell_all(conference)

    def consent_changed(self, conference: Conference, seat: Seat) -> None:
        """The room may take a seat's sound and picture into the recording, or no more."""
        self._parts.audio_video.apply_consent(conference, seat)

    # --- inside ---

    def _require_room_on(self, flow: int) -> None:
        """A connection is one device's: it has a few seats, not hundreds (ATTACKS 60)."""
        if self._parts.dialogs.count_of_flow(flow, FocusSession) >= MOST_SEATS_OF_FLOW:
            raise SipRefusal(403, headers=(reason(403, "too many meetings on one connection"),))

    def _open_session(
        self,
        transaction: ServerTransaction,
        conference: Conference,
        seat: Seat,
        join: C3pRequest | None,
    ) -> None:
        route = self._parts.record_route(transaction)
        dialog = Dialog.uas(
            transaction, contact=conference.meeting.address.focus, record_route=route
        )
        session = FocusSession(
            conference,
            seat,
            transaction,
            dialog,
            accept=partial(self._accept, transaction, conference, seat, join),
            add_media=self._parts.audio_video.grant,
            forbidden=partial(self._forbidden, transaction.flow, conference, seat),
            schedule=self._parts.schedule,
        )
        self._sessions[seat.id] = session
        self._parts.dialogs.add(dialog, session)
        if seat.is_in:
            self._admit(session)
        else:
            session.wait()

    def _forbidden(
        self, flow: int, conference: Conference, seat: Seat, command: str, why: str
    ) -> None:
        self._parts.journal.forbidden(conference.meeting, seat, command, why, flow)

    def _admit(self, session: FocusSession) -> None:
        try:
            session.admit()
        except SipRefusal as refusal:
            session.refuse(refusal)
            session.conference.leave(session.seat)

    def _accept(
        self,
        transaction: ServerTransaction,
        conference: Conference,
        seat: Seat,
        join: C3pRequest | None,
    ) -> Acceptance:
        if join is None:
            answer = self._parts.audio_video.join_phone(conference, seat, transaction.request)
            return Acceptance(_SDP, answer.encode())
        me = c3p.user(seat.entity, seat.display_name, seat.role.value)
        return Acceptance(c3p.CONTENT_TYPE, c3p.success(join, [me]))

    def _join_of(self, transaction: ServerTransaction) -> C3pRequest | None:
        """The joiner's C3P request; None for a phone, which brings a media offer instead."""
        message = transaction.request
        if message.content_type == _SDP:
            self._parts.audio_video.check_phone(message)
            return None
        if message.content_type != c3p.CONTENT_TYPE:
            raise SipRefusal(415, headers=(("Accept", f"{c3p.CONTENT_TYPE}, {_SDP}"),))
        try:
            join = c3p.parse_request(message.body)
        except BadBody as error:
            raise SipRefusal(400, headers=(reason(400, str(error)),)) from error
        if join.command != "addUser":
            raise SipRefusal(400, headers=(reason(400, "addUser expected"),))
        return join

    def _meeting_of(self, transaction: ServerTransaction) -> Meeting:
        uri = SipUri.parse(transaction.request.uri)
        meeting_id = meeting_id_of(uri.opaque)
        meeting = self._parts.meetings.find(meeting_id) if meeting_id else None
        if meeting is None or (uri.user, uri.host) != (
            meeting.address.user,
            meeting.address.domain,
        ):
            raise SipRefusal(404)
        return meeting

    def _session_of(self, transaction: ServerTransaction, meeting: Meeting) -> FocusSession:
        """The session of the asker's own seat, on the very connection it joined by."""
        conference = self._parts.live.find(meeting.id)
        entity = _proven(transaction).aor
        for seat in conference.seats_of(entity) if conference else ():
            session = self._sessions[seat.id]
            if seat.is_in and session.dialog.flow == transaction.flow:
                return session
        raise SipRefusal(403)


def who_is(principal: Principal, meeting: Meeting) -> Who:
    """Which kind of joiner a proven principal is for a meeting (C9)."""
    if principal.kind is Kind.ANONYMOUS:
        return Who.ANONYMOUS
    if principal.kind is Kind.TRUNK:
        return Who.TELEPHONE
    if principal.kind is not Kind.MEMBER or principal.tenant != meeting.tenant:
        return Who.FEDERATED
    return Who.ORGANIZER if principal.aor == meeting.organizer else Who.MEMBER


def _proven(transaction: ServerTransaction) -> Principal:
    if transaction.principal is None:
        raise SipRefusal(401)
    return transaction.principal
