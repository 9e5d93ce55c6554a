"""A meeting while people are in it: seats, roles, lobby. No I/O; time comes in through timers.

A *seat* is one device's place in the meeting or its lobby. The conference decides by
`admission.admit` and `roles.may` and tells its observer what happened; signalling and media act on
what they are told, so that nothing of the meeting reaches a seat before the table said so.
"""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from vestibule.conferencing.admission import Door, Who, admit
from vestibule.conferencing.meeting import Meeting
from vestibule.conferencing.recording import Progress, Recording
from vestibule.conferencing.roles import LEADERS, Act, Role, may


class Ending(StrEnum):
    """Why a seat is no more."""

    LEFT = "left"
    REJECTED = "rejected"
    TIMED_OUT = "timed out"
    REMOVED = "removed"
    MEETING_ENDED = "meeting ended"
    CONNECTION_LOST = "connection lost"
    MEDIA_LOST = "media lost"


class Acted(StrEnum):
    """What somebody inside did."""

    ADMITTED = "admitted"
    REJECTED = "rejected"
    REMOVED = "removed"
    ROLE_CHANGED = "role changed"
    MUTED = "muted"
    UNMUTED = "unmuted"
    ENDED = "ended"
    AGREED = "agreed to be recorded"
    DISAGREED = "agrees no more to be recorded"


class NotAllowed(Exception):
    """An act that the table of rights, or the state of the meeting, forbids. Holds a C3P reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


MOST_SEATS_OF_ONE = 10
"""Devices of one person in one meeting."""

MOST_WAITING = 250
"""In the lobby at once: more would make the leaders' roster too long to be sent."""


class Timer(Protocol):
    """Something scheduled that can be called off."""

    def cancel(self) -> None:
        """Call it off; no error if it has happened."""


Schedule = Callable[[float, Callable[[], None]], Timer]
"""Call back once after so many seconds."""


@dataclass(slots=True, eq=False)
class Seat:
    """One device's place. `door` says whether it is in the meeting or in the lobby."""

    entity: str
    display_name: str
    who: Who
    role: Role
    door: Door
    id: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    endpoint: str | None = None
    """The media endpoint's id once media was asked for."""
    media_connected: bool = False
    muted: bool = False
    """Muted by a presenter: the room takes no audio from it."""
    self_muted: bool = False
    """Muted by the keys of its own phone, which lift it again: a presenter's mute is another matter."""
    agrees: bool = False
    """Whether its person has agreed that this device's sound and picture are in the recording that goes on."""
    deadline: Timer | None = None

    @property
    def is_in(self) -> bool:
        """Whether the seat is in the meeting, not in the lobby."""
        return self.door is Door.IN

    def may(self, act: Act) -> bool:
        """Whether its role covers an act; the lobby covers none."""
        return self.is_in and may(self.role, act)

    @property
    def may_be_heard(self) -> bool:
        """Whether the room takes its audio now."""
        return self.may(Act.SEND_AUDIO) and not self.muted and not self.self_muted


class Observer(Protocol):
    """What signalling and media must hear of."""

    def admitted(self, conference: "Conference", seat: Seat) -> None:
        """Somebody waiting in the lobby was let in."""

    def ended(self, conference: "Conference", seat: Seat, ending: Ending) -> None:
        """The seat is gone, whatever the reason; its signalling and media must go too."""

    def roster_changed(self, conference: "Conference", entity: str) -> None:
        """This person's entry looks different now."""

    def role_changed(self, conference: "Conference", seat: Seat) -> None:
        """What the seat may see and send has changed."""

    def acted(
        self,
        conference: "Conference",
        actor: Seat,
        act: Acted,
        seat: Seat | None,
        role: Role | None,
    ) -> None:
        """Somebody does what they may, to a seat (which then has this role) or to all.

        Told before it takes effect; what this raises stops it.
        """

    def record(self, conference: "Conference", actor: Seat) -> None:
        """Somebody who may wants the meeting recorded. Raises NotAllowed."""

    def record_no_more(self, conference: "Conference", actor: Seat) -> None:
        """Somebody who may wants the recording to end."""

    def recording_changed(self, conference: "Conference") -> None:
        """A recording began or ended; nobody has agreed to one that begins."""

    def recording_progress(self, conference: "Conference") -> Progress | None:
        """How far the recording is; None if there is none."""

    def consent_changed(self, conference: "Conference", seat: Seat) -> None:
        """What the seat's device sends may be recorded from now on, or no more."""


class Conference:
    """The live state of one meeting."""

    def __init__(self, meeting: Meeting, observer: Observer, schedule: Schedule) -> None:
        self.meeting = meeting
        self.recording: Recording | None = None
        self.recording_failed = False
        """Whether the last recording ended by itself, such as when the disk was full."""
        self._observer = observer
        self._schedule = schedule
        self._seats: dict[str, Seat] = {}
        self._by_entity: dict[str, list[Seat]] = {}
        self._by_endpoint: dict[str, Seat] = {}

    # --- reading ---

    @property
    def is_empty(self) -> bool:
        """Nobody is here, nor waits."""
        return not self._seats

    @property
    def leader_is_in(self) -> bool:
        """Whether the meeting is open."""
        return any(seat.is_in and seat.role in LEADERS for seat in self._seats.values())

    def seats(self) -> Iterator[Seat]:
        """Every seat, the lobby's too, in order of arrival."""
        return iter(tuple(self._seats.values()))

    def seat(self, seat_id: str) -> Seat | None:
        """The seat of that id."""
        return self._seats.get(seat_id)

    def seats_of(self, entity: str) -> list[Seat]:
        """Every seat of one person."""
        return list(self._by_entity.get(entity, ()))

    def seat_of_endpoint(self, endpoint: str) -> Seat | None:
        """The seat that claimed that media endpoint id."""
        return self._by_endpoint.get(endpoint)

    # --- coming and going ---

    def knock(self, entity: str, display_name: str, who: Who) -> Seat:
        """Somebody asks to join. The seat returned is in the meeting or in the lobby.

        Raises NotAllowed if a guest uses the address of somebody who is here: a guest's address is
        only claimed, so it must not let a second device share the first one's admission. Raises it
        too if the person has too many devices here, or the lobby is full.
        """
        others = self.seats_of(entity)
        if who is Who.ANONYMOUS and others:
            raise NotAllowed("identityInUse")
        if len(others) >= MOST_SEATS_OF_ONE:
            raise NotAllowed("tooManyDevices")
        decision = admit(who, self.meeting.policy, leader_is_in=self.leader_is_in)
        if decision.door is not Door.IN and self._count_waiting() >= MOST_WAITING:
            raise NotAllowed("lobbyFull")
        role = others[0].role if others else decision.role
        seat = Seat(entity, display_name, who, role, decision.door)
        self._seats[seat.id] = seat
        self._by_entity.setdefault(entity, []).append(seat)
        if not seat.is_in:
            seat.deadline = self._schedule(
                self.meeting.lobby_seconds, lambda: self._end(seat, Ending.TIMED_OUT)
            )
        self._observer.roster_changed(self, entity)
        return seat

    def leave(self, seat: Seat, ending: Ending = Ending.LEFT) -> None:
        """The seat's own device has gone. No error if it had no seat any more."""
        self._end(seat, ending)

    def end(self, actor: Seat) -> None:
        """Somebody ends the meeting for everyone. Raises NotAllowed."""
        self._require(actor, Act.END)
        self._observer.acted(self, actor, Acted.ENDED, None, None)
        self.close()

    def close(self) -> None:
        """End every seat: the meeting is over."""
        for seat in self.seats():
            self._end(seat, Ending.MEETING_ENDED)

    # --- acts of those inside ---

    def let_in(self, actor: Seat, entity: str) -> None:
        """Admit somebody from the lobby. Raises NotAllowed; no error if already in."""
        self._require(actor, Act.ADMIT)
        for seat in self._waiting(entity):
            self._observer.acted(self, actor, Acted.ADMITTED, seat, seat.role)
            _cancel_deadline(seat)
            seat.door = Door.IN
            self._observer.admitted(self, seat)
        self._observer.roster_changed(self, entity)

    def reject(self, actor: Seat, entity: str) -> None:
        """Send somebody in the lobby away. Raises NotAllowed."""
        self._require(actor, Act.ADMIT)
        for seat in self._waiting(entity):
            self._observer.acted(self, actor, Acted.REJECTED, seat, seat.role)
            self._end(seat, Ending.REJECTED)

    def remove(self, actor: Seat, entity: str) -> None:
        """Remove somebody from the meeting. Raises NotAllowed."""
        for seat in self._present(entity):
            self._require(actor, Act.REMOVE, seat.role)
            self._observer.acted(self, actor, Acted.REMOVED, seat, seat.role)
            self._end(seat, Ending.REMOVED)

    def change_role(self, actor: Seat, entity: str, role: Role) -> None:
        """Make somebody presenter or attendee. Raises NotAllowed."""
        if role is Role.ORGANIZER:
            raise NotAllowed("organizerIsFixed")
        for seat in self._present(entity):
            self._require(actor, Act.CHANGE_ROLE, seat.role)
            self._observer.acted(self, actor, Acted.ROLE_CHANGED, seat, role)
            seat.role = role
            self._observer.role_changed(self, seat)
        self._observer.roster_changed(self, entity)

    def mute(self, actor: Seat, entity: str, *, muted: bool) -> None:
        """Mute somebody in the room, or lift it. Raises NotAllowed.

        One may mute oneself; only who may mute others lifts a mute, one's own included.
        """
        for seat in self._present(entity):
            if actor is not seat or not muted:
                self._require(actor, Act.MUTE)
            act = Acted.MUTED if muted else Acted.UNMUTED
            self._observer.acted(self, actor, act, seat, seat.role)
            seat.muted = muted
            self._observer.role_changed(self, seat)
        self._observer.roster_changed(self, entity)

    def toggle_self_mute(self, seat: Seat) -> None:
        """A phone's keys mute it, or lift that; a presenter's mute stays."""
        seat.self_muted = not seat.self_muted
        self._observer.role_changed(self, seat)
        self._observer.roster_changed(self, seat.entity)

    # --- recording ---

    def start_recording(self, actor: Seat) -> None:
        """Record the meeting; who starts agrees to be in the recording, nobody else does. Raises NotAllowed."""
        self._require(actor, Act.RECORD)
        self._observer.record(self, actor)
        self.consent(actor, agreed=True)

    def stop_recording(self, actor: Seat) -> None:
        """End the recording. Raises NotAllowed."""
        self._require(actor, Act.RECORD)
        if self.recording is None:
            raise NotAllowed("notRecorded")
        self._observer.record_no_more(self, actor)

    def recording_progress(self, actor: Seat) -> Progress:
        """How far the recording is. Raises NotAllowed."""
        self._require(actor, Act.RECORD)
        progress = self._observer.recording_progress(self)
        if progress is None:
            raise NotAllowed("notRecorded")
        return progress

    def consent(self, seat: Seat, *, agreed: bool) -> None:
        """A device's own word on being recorded, which it may take back at any time. Raises NotAllowed."""
        if self.recording is None or not seat.is_in:
            raise NotAllowed("notRecorded")
        if seat.agrees is agreed:
            return
        act = Acted.AGREED if agreed else Acted.DISAGREED
        self._observer.acted(self, seat, act, seat, seat.role)
        seat.agrees = agreed
        self._observer.consent_changed(self, seat)
        self._observer.roster_changed(self, seat.entity)

    def recording_is(self, recording: Recording | None, *, failed: bool = False) -> None:
        """A recording has begun, or is over (None), by somebody's wish or because it failed."""
        self.recording, self.recording_failed = recording, failed
        for seat in self.seats():  # what was agreed was agreed for one recording
            seat.agrees = False
        self._observer.recording_changed(self)

    # --- media ---

    def claim_endpoint(self, seat: Seat, endpoint: str) -> None:
        """Tie a media endpoint id to a seat. Raises NotAllowed if the seat may not, or it is taken."""
        if not seat.is_in:
            raise NotAllowed("notInConference")
        if self._by_endpoint.get(endpoint, seat) is not seat:
            raise NotAllowed("endpointInUse")
        if seat.endpoint is not None:
            del self._by_endpoint[seat.endpoint]
        seat.endpoint = endpoint
        self._by_endpoint[endpoint] = seat

    def media_changed(self, seat: Seat, *, connected: bool) -> None:
        """The seat's media has come up or gone down."""
        seat.media_connected = connected
        if seat.id in self._seats:
            self._observer.roster_changed(self, seat.entity)

    # --- inside ---

    def _require(self, actor: Seat, act: Act, target: Role | None = None) -> None:
        if not actor.is_in or not may(actor.role, act, target):
            raise NotAllowed("accessDenied")

    def _count_waiting(self) -> int:
        return sum(not seat.is_in for seat in self._seats.values())

    def _waiting(self, entity: str) -> list[Seat]:
        waiting = [seat for seat in self.seats_of(entity) if not seat.is_in]
        if not waiting:
            raise NotAllowed("userNotInLobby")
        return waiting

    def _present(self, entity: str) -> list[Seat]:
        present = [seat for seat in self.seats_of(entity) if seat.is_in]
        if not present:
            raise NotAllowed("userNotInConference")
        return present

    def _end(self, seat: Seat, ending: Ending) -> None:
        if self._seats.pop(seat.id, None) is None:
            return
        self._forget(seat)
        _cancel_deadline(seat)
        self._observer.ended(self, seat, ending)
        self._observer.roster_changed(self, seat.entity)

    def _forget(self, seat: Seat) -> None:
        seats = self._by_entity[seat.entity]
        seats.remove(seat)
        if not seats:
            del self._by_entity[seat.entity]
        if seat.endpoint is not None:
            del self._by_endpoint[seat.endpoint]


def _cancel_deadline(seat: Seat) -> None:
    if seat.deadline is not None:
        seat.deadline.cancel()
        seat.deadline = None
