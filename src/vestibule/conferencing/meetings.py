"""The meetings of all tenants: created, found, listed, given another key, deleted (C1, C2).

Reads are from memory; a meeting that was told to its creator is stored (DESIGN 4.10). Other processes' writes,
such as the command line's, come in with `reload`.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from vestibule.conferencing.admission import MeetingPolicy
from vestibule.conferencing.display_name import shown_name
from vestibule.conferencing.identifiers import (
    MeetingAddress,
    new_conference_key,
    new_meeting_id,
)
from vestibule.conferencing.meeting import Meeting
from vestibule.directory.model import Access, Person, Presenting, Tenant
from vestibule.journal.kinds import Kind
from vestibule.journal.note import Detail, NoNotes, Note, Notes

_MOST_OF_ONE_PERSON = 1000


class NotLicensed(Exception):
    """This person may not create meetings (C1)."""


class TooManyMeetings(Exception):
    """This person has as many meetings as anybody may."""


@dataclass(frozen=True, slots=True)
class MeetingRecord:
    """A meeting's row. `access` and `presenting`: None means as the tenant's policy says."""

    id: str
    tenant: str
    organizer: str
    """Person id."""
    subject: str
    conference_key: str
    access: Access | None
    presenting: Presenting | None
    created_at: float


class Records(Protocol):
    """Where meetings are kept."""

    async def all(self) -> list[MeetingRecord]:
        """Every meeting that has not been deleted."""

    async def add(self, record: MeetingRecord) -> None:
        """Keep a meeting; durable when this returns."""

    async def replace_key(self, meeting_id: str, key: str) -> None:
        """Give a meeting another conference key; durable when this returns."""

    async def end(self, meeting_id: str, at: float) -> None:
        """Delete a meeting; durable when this returns."""


class People(Protocol):
    """What of the directory is needed here."""

    def person_by_id(self, person_id: str) -> Person | None:
        """The person, unless unknown."""

    def tenant(self, tenant_id: str) -> Tenant | None:
        """The tenant, unless unknown."""


class Meetings:
    """All meetings. `clock` gives seconds since 1970; `on_end` hears of each deletion by id; `notes` is
    the journal.
    """

    def __init__(
        self,
        records: Records,
        people: People,
        clock: Callable[[], float],
        on_end: Callable[[str], None],
        notes: Notes | None = None,
    ) -> None:
        self._store = records
        self._people = people
        self._clock = clock
        self._on_end = on_end
        self._notes = notes or NoNotes()
        self._records: dict[str, MeetingRecord] = {}
        self._of_person: dict[str, dict[str, MeetingRecord]] = {}
        self._reloading = asyncio.Lock()
        self._meanwhile: dict[str, MeetingRecord | None] | None = None

    async def reload(self) -> None:
        """Take what is stored as it is now; meetings deleted elsewhere end."""
        async with self._reloading:
            self._take(await self._read())

    async def _read(self) -> dict[str, MeetingRecord]:
        """What is stored, with what was kept or ended here after it was read."""
        meanwhile = self._meanwhile = {}
        try:
            records = {record.id: record for record in await self._store.all()}
        finally:
            self._meanwhile = None
        changed = {name: record for name, record in meanwhile.items() if record}
        return {name: records[name] for name in records.keys() - meanwhile.keys()} | changed

    def _take(self, records: dict[str, MeetingRecord]) -> None:
        gone = self._records.keys() - records.keys()
        self._records = {}
        self._of_person = {}
        for record in records.values():
            self._keep(record)
        for meeting_id in gone:
            self._on_end(meeting_id)

    def find(self, meeting_id: str) -> Meeting | None:
        """The meeting with the policy in force now; None if unknown, deleted, or its organizer is gone."""
        record = self._records.get(meeting_id)
        return self._meeting(record) if record else None

    def key_of(self, meeting_id: str) -> tuple[str, str] | None:
        """The tenant's domain (digest realm) and the conference key of a meeting."""
        meeting = self.find(meeting_id)
        return (meeting.address.domain, meeting.conference_key) if meeting else None

    def list_of(self, person: Person) -> list[Meeting]:
        """The meetings that a person organises, newest first."""
        records = self._of_person.get(person.id, {}).values()
        meetings = [meeting for record in records if (meeting := self._meeting(record))]
        return sorted(meetings, key=lambda meeting: meeting.created_at, reverse=True)

    def organises(self, person: Person, meeting_id: str) -> bool:
        """Whether the person has such a meeting."""
        return meeting_id in self._of_person.get(person.id, {})

    def organizer_of(self, meeting_id: str) -> str | None:
        """The organizer's person id; None if the meeting is unknown or deleted."""
        record = self._records.get(meeting_id)
        return record.organizer if record else None

    async def create(self, person: Person, subject: str) -> Meeting:
        """A new meeting. Raises NotLicensed, TooManyMeetings."""
        if not (person.licensed and person.enabled):
            raise NotLicensed
        if len(self._of_person.get(person.id, {})) >= _MOST_OF_ONE_PERSON:
            raise TooManyMeetings
        record = MeetingRecord(
            id=new_meeting_id(),
            tenant=person.tenant,
            organizer=person.id,
            subject=shown_name(subject, f"{person.display_name}'s meeting"),
            conference_key=new_conference_key(),
            access=None,
            presenting=None,
            created_at=self._clock(),
        )
        await self._store.add(record)
        self._note(Kind.MEETING_CREATED, person, record.id)
        self._keep(record)
        meeting = self._meeting(record)
        if meeting is None:  # the organizer was deleted while we stored it
            raise NotLicensed
        return meeting

    async def replace_key(self, person: Person, meeting_id: str) -> Meeting | None:
        """Give a meeting of one's own another conference key; None if there is no such meeting.

        The old key opens nothing from then on; who is inside stays (I7).
        """
        record = self._of_person.get(person.id, {}).get(meeting_id)
        if record is None:
            return None
        key = new_conference_key()
        await self._store.replace_key(meeting_id, key)
        self._note(Kind.MEETING_KEY_REPLACED, person, meeting_id)
        if meeting_id not in self._records:  # ended while we stored it
            return None
        record = replace(record, conference_key=key)
        self._keep(record)
        return self._meeting(record)

    async def end(self, person: Person, meeting_id: str) -> bool:
        """Delete a meeting of one's own; whether there was one."""
        if meeting_id not in self._of_person.get(person.id, {}):
            return False
        await self._store.end(meeting_id, self._clock())
        self._note(Kind.MEETING_DELETED, person, meeting_id)
        self._forget(person, meeting_id)
        self._on_end(meeting_id)
        return True

    def _note(self, kind: Kind, person: Person, meeting_id: str) -> None:
        details = {Detail.MEETING: meeting_id}
        self._notes.note(Note(kind, tenant=person.tenant, subject=person.aor, details=details))

    def _keep(self, record: MeetingRecord) -> None:
        self._records[record.id] = record
        self._of_person.setdefault(record.organizer, {})[record.id] = record
        if self._meanwhile is not None:
            self._meanwhile[record.id] = record

    def _forget(self, person: Person, meeting_id: str) -> None:
        """Which a reload may have done before us."""
        self._records.pop(meeting_id, None)
        self._of_person.get(person.id, {}).pop(meeting_id, None)
        if self._meanwhile is not None:
            self._meanwhile[meeting_id] = None

    def _meeting(self, record: MeetingRecord) -> Meeting | None:
        person = self._people.person_by_id(record.organizer)
        tenant = self._people.tenant(record.tenant)
        if person is None or tenant is None or not person.enabled:
            return None
        policy = tenant.policy
        return Meeting(
            id=record.id,
            tenant=record.tenant,
            organizer=person.aor,
            organizer_name=person.display_name,
            address=MeetingAddress(person.user, person.domain, record.id),
            subject=record.subject,
            conference_key=record.conference_key,
            policy=MeetingPolicy(
                access=record.access or policy.access,
                presenting=record.presenting or policy.presenting,
                phones_bypass_lobby=policy.phones_bypass_lobby,
                recording=policy.recording,
            ),
            lobby_seconds=policy.lobby_timeout,
            created_at=record.created_at,
        )
