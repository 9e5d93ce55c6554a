"""A conference on the test bench: its observer writes down what it hears, its timers go by hand."""

from collections.abc import Callable
from dataclasses import dataclass, field

from vestibule.conferencing.admission import MeetingPolicy
from vestibule.conferencing.conference import Acted, Conference, Ending, NotAllowed, Seat
from vestibule.conferencing.identifiers import MeetingAddress
from vestibule.conferencing.meeting import Meeting
from vestibule.conferencing.recording import Recording
from vestibule.conferencing.roles import Role
from vestibule.directory.model import Access, Presenting

MEETING_ID = "M" * 22
ALICE, BOB, GUEST = "sip:alice@d.test", "sip:bob@d.test", "sip:g1@anonymous.invalid"


@dataclass
class HandTimer:
    """A timer that fires when the test says so."""

    delay: float
    callback: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True

    def fire(self) -> None:
        if not self.cancelled:
            self.callback()


@dataclass(frozen=True)
class HowFar:
    """Progress of a recording."""

    seconds: float
    octets: int


@dataclass
class Notebook:
    """What the conference told its observer, and the timers it asked for."""

    admitted_seats: list[Seat] = field(default_factory=list)
    endings: list[tuple[str, Ending]] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    role_changes: list[Seat] = field(default_factory=list)
    acts: list[tuple[str, Acted, str | None, Role | None]] = field(default_factory=list)
    full: bool = False
    recordings: int = 0
    consents: list[tuple[str, bool]] = field(default_factory=list)
    recording_changes: int = 0
    timers: list[HandTimer] = field(default_factory=list)

    def admitted(self, conference: Conference, seat: Seat) -> None:
        self.admitted_seats.append(seat)

    def ended(self, conference: Conference, seat: Seat, ending: Ending) -> None:
        self.endings.append((seat.entity, ending))

    def roster_changed(self, conference: Conference, entity: str) -> None:
        self.changed.append(entity)

    def role_changed(self, conference: Conference, seat: Seat) -> None:
        self.role_changes.append(seat)

    def acted(
        self, conference: Conference, actor: Seat, act: Acted, seat: Seat | None, role: Role | None
    ) -> None:
        if self.full:
            raise RuntimeError("the journal is full")
        self.acts.append((actor.entity, act, seat.entity if seat else None, role))

    def record(self, conference: Conference, actor: Seat) -> None:
        if conference.recording is not None:
            raise NotAllowed("recordingExists")
        self.recordings += 1
        conference.recording_is(Recording(f"r{self.recordings}", actor.display_name))

    def record_no_more(self, conference: Conference, actor: Seat) -> None:
        conference.recording_is(None)

    def recording_changed(self, conference: Conference) -> None:
        self.recording_changes += 1

    def recording_progress(self, conference: Conference) -> HowFar | None:
        return HowFar(1.5, 2000) if conference.recording else None

    def consent_changed(self, conference: Conference, seat: Seat) -> None:
        self.consents.append((seat.entity, seat.agrees))

    def schedule(self, delay: float, callback: Callable[[], None]) -> HandTimer:
        timer = HandTimer(delay, callback)
        self.timers.append(timer)
        return timer


def make_meeting(
    access: Access = Access.ORGANISATION,
    presenting: Presenting = Presenting.ORGANISATION,
    *,
    recording: bool = False,
) -> Meeting:
    """Alice's meeting."""
    return Meeting(
        id=MEETING_ID,
        tenant="t1",
        organizer=ALICE,
        organizer_name="Alice",
        address=MeetingAddress("alice", "d.test", MEETING_ID),
        subject="Ward round",
        conference_key="K" * 22,
        policy=MeetingPolicy(access, presenting, phones_bypass_lobby=False, recording=recording),
        lobby_seconds=900.0,
        created_at=0.0,
    )


def make_conference(
    access: Access = Access.ORGANISATION,
    presenting: Presenting = Presenting.ORGANISATION,
    *,
    recording: bool = False,
) -> tuple[Conference, Notebook]:
    """A conference nobody is in yet, and what it will tell."""
    notebook = Notebook()
    meeting = make_meeting(access, presenting, recording=recording)
    return Conference(meeting, notebook, notebook.schedule), notebook
