"""Who came to which meeting, and who did what there to whom, for the journal."""

from collections.abc import Callable

from vestibule.conferencing.admission import Door
from vestibule.conferencing.conference import Acted, Seat
from vestibule.conferencing.meeting import Meeting
from vestibule.conferencing.roles import Role
from vestibule.identity.principal import Principal
from vestibule.journal.kinds import Kind
from vestibule.journal.note import Detail, Note, Notes

_KINDS = {
    Acted.ADMITTED: Kind.ADMISSION_ADMITTED,
    Acted.REJECTED: Kind.ADMISSION_REJECTED,
    Acted.REMOVED: Kind.PARTICIPANT_REMOVED,
    Acted.ROLE_CHANGED: Kind.ROLE_CHANGED,
    Acted.MUTED: Kind.PARTICIPANT_MUTED,
    Acted.UNMUTED: Kind.PARTICIPANT_UNMUTED,
    Acted.ENDED: Kind.MEETING_ENDED,
    Acted.AGREED: Kind.RECORDING_AGREED,
    Acted.DISAGREED: Kind.RECORDING_DISAGREED,
}


class MeetingJournal:
    """`address_of` gives the peer's address of a connection by its number."""

    def __init__(self, notes: Notes, address_of: Callable[[int], str | None]) -> None:
        self._notes = notes
        self._address_of = address_of

    def knocked(self, meeting: Meeting, seat: Seat, principal: Principal, flow: int) -> None:
        """The door has decided: in, or into the lobby."""
        kind = Kind.ADMISSION_ADMITTED if seat.door is Door.IN else Kind.ADMISSION_LOBBY
        details = {
            Detail.MEETING: meeting.id,
            Detail.WHO: seat.who.value,
            Detail.ROLE: seat.role.value,
            Detail.NAME: seat.display_name,
        }
        self._note(kind, meeting, seat.entity, seat.entity, details, flow, principal)

    def turned_away(self, meeting: Meeting, principal: Principal, reason: str, flow: int) -> None:
        """The door did not even open to the lobby."""
        details = {Detail.MEETING: meeting.id, Detail.REASON: reason}
        aor = principal.aor
        self._note(Kind.ADMISSION_REFUSED, meeting, aor, aor, details, flow, principal)

    def waited_in_vain(self, meeting: Meeting, seat: Seat) -> None:
        """Nobody let them in."""
        details = {Detail.MEETING: meeting.id}
        self._note(Kind.ADMISSION_TIMED_OUT, meeting, None, seat.entity, details)

    def acted(
        self, meeting: Meeting, actor: Seat, act: Acted, seat: Seat | None, role: Role | None
    ) -> None:
        """Somebody inside does something, to somebody who then has this role or to the whole meeting."""
        details = {Detail.MEETING: meeting.id}
        if seat is not None:
            details[Detail.NAME] = seat.display_name
        if role is not None:
            details[Detail.ROLE] = role.value
        subject = seat.entity if seat else None
        self._note(_KINDS[act], meeting, actor.entity, subject, details)

    def forbidden(
        self, meeting: Meeting, actor: Seat, command: str, reason: str, flow: int
    ) -> None:
        """Somebody inside wanted to do what their role does not cover."""
        details = {Detail.MEETING: meeting.id, Detail.METHOD: command, Detail.REASON: reason}
        self._note(Kind.REQUEST_REFUSED, meeting, actor.entity, None, details, flow)

    def _note(
        self,
        kind: Kind,
        meeting: Meeting,
        actor: str | None,
        subject: str | None,
        details: dict[Detail, str],
        flow: int | None = None,
        principal: Principal | None = None,
    ) -> None:
        self._notes.note(
            Note(
                kind,
                tenant=meeting.tenant,
                actor=actor,
                subject=subject,
                address=None if flow is None else self._address_of(flow),
                mechanism=principal.mechanism.value if principal else None,
                details=details,
            )
        )
