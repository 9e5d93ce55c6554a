"""Meetings: created by licensed people only, found, listed, deleted (C1, C2)."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from vestibule.conferencing.identifiers import is_meeting_id, meeting_id_of
from vestibule.conferencing.meeting_records import MeetingRecords
from vestibule.conferencing.meetings import MeetingRecord, Meetings, NotLicensed
from vestibule.directory.directory import Directory
from vestibule.directory.model import Access, Person, TenantPolicy
from vestibule.sip.uri import SipUri
from vestibule.store.engine import Store
from vestibule.store.writer import Writer


class HeldRecords(MeetingRecords):
    """What was read is handed over only when the test says so."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, Writer(store))
        self.read, self.go_on = asyncio.Event(), asyncio.Event()

    async def all(self) -> list[MeetingRecord]:
        records = await super().all()
        self.read.set()
        await self.go_on.wait()
        return records


class House:
    """A store with a directory and meetings over it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.directory = Directory(store)
        self.records = MeetingRecords(store, Writer(store))
        self.ended: list[str] = []
        self.meetings = self.another_process()

    def another_process(self) -> Meetings:
        return Meetings(self.records, self.directory, lambda: 1000.0, self.ended.append)


@pytest.fixture
async def house(sqlite_url: str) -> AsyncIterator[House]:
    store = Store(sqlite_url)
    await store.start()
    house = House(store)
    await house.directory.load()
    yield house
    await store.close()


async def person(house: House, user: str, *, licensed: bool = True) -> Person:
    tenants = house.directory.tenants()
    tenant = tenants[0] if tenants else await house.directory.add_tenant("T", ("d.test",))
    return await house.directory.add_person(
        tenant.id, user, display_name=user.title(), licensed=licensed
    )


async def test_a_meeting_is_found_by_its_id_and_its_addresses_parse(house: House) -> None:
    alice = await person(house, "alice")
    meeting = await house.meetings.create(alice, "Ward round")
    assert is_meeting_id(meeting.id)
    assert house.meetings.find(meeting.id) == meeting
    assert house.meetings.key_of(meeting.id) == ("d.test", meeting.conference_key)
    uri = SipUri.parse(meeting.address.focus)
    assert (uri.aor, meeting_id_of(uri.opaque)) == (alice.aor, meeting.id)


async def test_without_a_licence_there_is_no_meeting(house: House) -> None:
    with pytest.raises(NotLicensed):
        await house.meetings.create(await person(house, "bob", licensed=False), "x")


async def test_another_process_sees_what_was_stored(house: House) -> None:
    alice = await person(house, "alice")
    meeting = await house.meetings.create(alice, "")
    other = house.another_process()
    await other.reload()
    assert other.list_of(alice) == [meeting]
    await house.meetings.end(alice, meeting.id)
    await other.reload()
    assert other.find(meeting.id) is None
    assert house.ended == [meeting.id, meeting.id]


async def test_what_changes_while_it_is_read_anew_stays_changed(house: House) -> None:
    alice, held = await person(house, "alice"), HeldRecords(house.store)
    meetings = Meetings(held, house.directory, lambda: 1000.0, house.ended.append)
    before = await meetings.create(alice, "before")
    replaced = await meetings.create(alice, "replaced")
    reloading = asyncio.create_task(meetings.reload())
    await held.read.wait()
    created = await meetings.create(alice, "meanwhile")
    replaced_now = await meetings.replace_key(alice, replaced.id)
    assert await meetings.end(alice, before.id)
    held.go_on.set()
    await reloading
    assert meetings.find(created.id) == created
    assert meetings.find(replaced.id) == replaced_now
    assert meetings.find(before.id) is None
    assert house.ended == [before.id]
    assert await meetings.end(alice, created.id)


async def test_only_the_organizer_deletes(house: House) -> None:
    alice, bob = await person(house, "alice"), await person(house, "bob")
    meeting = await house.meetings.create(alice, "x")
    assert not await house.meetings.end(bob, meeting.id)
    assert await house.meetings.end(alice, meeting.id)
    assert house.meetings.list_of(alice) == []
    assert house.meetings.key_of(meeting.id) is None


async def test_policy_is_the_tenants_in_force_and_ends_with_the_organizer(house: House) -> None:
    alice = await person(house, "alice")
    meeting = await house.meetings.create(alice, "x")
    await house.directory.set_policy(alice.tenant, TenantPolicy(access=Access.ANYONE))
    found = house.meetings.find(meeting.id)
    assert found is not None
    assert found.policy.access is Access.ANYONE
    await house.directory.set_enabled(alice.id, enabled=False)
    assert house.meetings.find(meeting.id) is None


async def test_a_key_is_replaced_for_everybody_by_its_organizer_only(house: House) -> None:
    alice, bob = await person(house, "alice"), await person(house, "bob")
    old = await house.meetings.create(alice, "x")
    assert await house.meetings.replace_key(bob, old.id) is None
    new = await house.meetings.replace_key(alice, old.id)
    assert new is not None
    assert new.conference_key != old.conference_key
    assert house.meetings.key_of(old.id) == ("d.test", new.conference_key)
    elsewhere = house.another_process()
    await elsewhere.reload()
    assert elsewhere.find(old.id) == new
    assert not house.ended
