"""A whole portal on a real store and directory; only TLS and the network are left out."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fastapi import FastAPI

from tests.clients.dpop import KeyHolder
from tests.unit.conferencing.conference_bench import Notebook
from tests.unit.conferencing.recording_bench import Tapes
from tests.unit.portal.browser import ORIGIN, Browser
from vestibule.conferencing.identifiers import MeetingAddress
from vestibule.conferencing.live import LiveConferences
from vestibule.conferencing.meeting_quality import ParticipantQuality
from vestibule.conferencing.meeting_records import MeetingRecords
from vestibule.conferencing.meetings import Meetings, TooManyMeetings
from vestibule.conferencing.recording_service import RecordingService, open_recording
from vestibule.directory.directory import Directory
from vestibule.directory.model import Person
from vestibule.directory.provisioning import Provisioning
from vestibule.directory.provisioning_tokens import ProvisioningTokens
from vestibule.identity.passwords import Passwords
from vestibule.identity.service import Identity, open_identity
from vestibule.journal.note import Note
from vestibule.media.quality import EndpointQuality
from vestibule.pki.authority import DeviceCredential
from vestibule.portal.app import create_app
from vestibule.portal.dependencies import PortalDependencies
from vestibule.store.engine import Store
from vestibule.store.writer import Writer

Qualities = dict[str, list[ParticipantQuality[EndpointQuality]]]

DOMAIN = "vestibule.test"
INDEX = '<!doctype html><html><head><title>Vestibule</title></head><body id="spa"></body></html>'


@dataclass
class Clock:
    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Files:
    def authority_pem(self) -> bytes:
        return b"-----BEGIN CERTIFICATE-----\n"

    def crls_der(self) -> list[bytes]:
        return [b"root crl", b"issuing crl"]


def no_certificates(*_: object) -> DeviceCredential:
    raise AssertionError("there is no authority here")


@dataclass
class Journal:
    """What was noted."""

    notes: list[Note] = field(default_factory=list)

    def note(self, note: Note) -> None:
        self.notes.append(note)


@dataclass
class Portal:
    """What a test can hold on to."""

    deps: PortalDependencies
    directory: Directory
    identity: Identity
    alice: Person
    bob: Person
    clock: Clock
    data: Path
    journal: Journal
    qualities: Qualities
    """What the room says, by meeting."""
    recording: RecordingService
    tapes: Tapes
    live: LiveConferences
    browsers: list[Browser] = field(default_factory=list)
    app: FastAPI | None = None
    """Made for the first browser."""

    def browser(self, address: str = "192.0.2.1", key: KeyHolder | None = None) -> Browser:
        """A browser of its own: no cookies yet, an address that limits see."""
        self.app = self.app or create_app(self.deps)
        browser = Browser(self.app, address, self.clock, key)
        self.browsers.append(browser)
        return browser


@pytest.fixture
async def portal(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Portal]:
    clock = Clock()
    store = Store(sqlite_url)
    await store.start()
    writer = Writer(store)
    directory = Directory(store)
    await directory.load()
    journal = Journal()
    passwords = Passwords(time_cost=1, memory_kib=64, lanes=1)
    identity = open_identity(
        tmp_path / "identity",
        ORIGIN,
        directory=directory,
        store=store,
        writer=writer,
        clock=clock,
        certify=no_certificates,
        passwords=passwords,
        notes=journal,
    )
    tenant = await directory.add_tenant("Demo", (DOMAIN,))
    alice = await directory.add_person(
        tenant.id,
        "alice",
        display_name="Alice <b>Adams</b>",
        password_hash=await passwords.hash("alice's password"),
    )
    bob = await directory.add_person(
        tenant.id,
        "bob",
        display_name="Bob",
        licensed=False,
        password_hash=await passwords.hash("bob's password"),
    )
    static = tmp_path / "static"
    (static / "assets").mkdir(parents=True)
    (static / "index.html").write_text(INDEX)
    (static / "assets" / "index-Ab3dEf9h.js").write_text("export {};")
    (static / "assets" / "vestibule.svg").write_text("<svg/>")
    qualities: Qualities = {}
    meetings = Meetings(MeetingRecords(store, writer), directory, clock, lambda _: None)
    tapes, live = Tapes(), LiveConferences(Notebook().schedule)
    recording = open_recording(
        tmp_path / "recordings",
        store=store,
        writer=writer,
        tenants=directory,
        meetings=meetings,
        live=live,
        rooms=tapes,
        notes=journal,
        clock=clock,
    )
    tapes.listener = recording.recorder
    await recording.recordings.open()
    deps = PortalDependencies(
        origin=ORIGIN,
        domain=DOMAIN,
        sip_websocket="wss://uc.vestibule.test:8443/sip",
        people=directory,
        provisioning=Provisioning(directory, "scim"),
        provisioning_tokens=ProvisioningTokens(store, directory),
        tokens=identity.tokens,
        proofs=identity.proofs,
        associations=identity.associations,
        provider=identity.provider,
        device_sign_in=identity.device_sign_in,
        personal_tokens=identity.personal_tokens,
        sign_in=identity.sign_in,
        external=identity.external,
        gate=identity.gate,
        second_step=identity.second_step,
        enrolment=identity.enrolment,
        tickets=identity.tickets,
        device_cookies=identity.device_cookies,
        device_links=identity.device_links,
        meetings=meetings,
        meeting_quality=lambda meeting: qualities.get(meeting, []),
        recorder=recording.recorder,
        recordings=recording.recordings,
        authority=Files(),
        focus_uri=lambda user, meeting: MeetingAddress(user, DOMAIN, meeting).focus,
        other_hosts=frozenset({"localhost:8443"}),
        meeting_refusals=(TooManyMeetings,),
        static=static,
        notes=journal,
        clock=clock,
    )
    portal = Portal(
        deps,
        directory,
        identity,
        alice,
        bob,
        clock,
        tmp_path,
        journal,
        qualities,
        recording,
        tapes,
        live,
    )
    yield portal
    for browser in portal.browsers:
        await browser.close()
    identity.close()
    await writer.close()
    await store.close()
