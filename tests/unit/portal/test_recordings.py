"""Recordings over HTTP: started and stopped by the organizer, downloaded and deleted by nobody else (ATTACKS 43)."""

from dataclasses import replace
from typing import Any

import httpx
import pytest

from tests.unit.conferencing.conference_bench import Notebook
from tests.unit.portal.browser import Browser
from tests.unit.portal.conftest import Portal
from vestibule.conferencing.admission import Who
from vestibule.conferencing.conference import Conference
from vestibule.journal.kinds import Kind
from vestibule.journal.note import Detail

UNKNOWN = "A" * 22


async def allow(portal: Portal, **changes: Any) -> None:
    tenant = portal.directory.tenant(portal.alice.tenant)
    assert tenant is not None
    policy = replace(tenant.policy, **{"recording": True, **changes})
    await portal.directory.set_policy(tenant.id, policy)


class Recorded:
    """Alice's meeting, which she and Bob are in."""

    def __init__(self, portal: Portal, browser: Browser, token: str, meeting_id: str) -> None:
        self.portal, self.browser, self.token, self.id = portal, browser, token, meeting_id
        self.path = f"/meetings/{meeting_id}/recording"
        meeting = portal.deps.meetings.find(meeting_id)  # type: ignore[attr-defined]
        self.conference: Conference = portal.live.of(meeting, Notebook())

    def join(self) -> None:
        self.conference.knock(self.portal.alice.aor, "Alice", Who.ORGANIZER)
        self.conference.knock(self.portal.bob.aor, "Bob", Who.MEMBER)

    async def api(self, method: str, path: str | None = None) -> httpx.Response:
        return await self.browser.api(method, path or self.path, self.token)

    async def record(self) -> str:
        """A finished recording; its id."""
        recording_id: str = (await self.api("POST")).json()["id"]
        assert (await self.api("DELETE")).status_code == 204
        self.portal.tapes.ends(self.id)
        await self.portal.recording.recorder.stored()
        return recording_id


async def recorded(portal: Portal) -> Recorded:
    browser = portal.browser()
    token = (await browser.tokens())["access_token"]
    made = await browser.api("POST", "/meetings", token, json={"subject": "Ward round"})
    return Recorded(portal, browser, token, made.json()["id"])


async def test_without_the_policy_nothing_is_recorded(portal: Portal) -> None:
    meeting = await recorded(portal)
    meeting.join()
    refused = await meeting.api("POST")
    assert refused.status_code == 403
    assert refused.headers["content-type"] == "application/problem+json"
    assert not portal.tapes.paths
    assert not list((portal.data / "recordings").iterdir())


async def test_the_organizer_starts_watches_and_stops(portal: Portal) -> None:
    await allow(portal)
    meeting = await recorded(portal)
    assert (await meeting.api("POST")).status_code == 409, "nobody is in"
    meeting.join()
    assert (await meeting.api("GET")).status_code == 409
    started = await meeting.api("POST")
    assert started.status_code == 201
    told = started.json()
    assert (told["started_by"], told["seconds"], told["octets"]) == (
        portal.alice.display_name, 2.5, 4,
    )  # fmt: skip
    assert [(one["entity"], one["agrees"]) for one in told["participants"]] == [
        (portal.alice.aor, False),
        (portal.bob.aor, False),
    ]
    (bob,) = meeting.conference.seats_of(portal.bob.aor)
    meeting.conference.consent(bob, agreed=True)
    now = (await meeting.api("GET")).json()["participants"]
    assert [one["agrees"] for one in now] == [False, True]
    assert (await meeting.api("POST")).status_code == 409
    assert (await meeting.api("DELETE")).status_code == 204
    assert meeting.conference.recording is None
    assert portal.tapes.stopped == [meeting.id]
    assert (await meeting.api("DELETE")).status_code == 409


async def test_who_may_not_write_is_told(portal: Portal) -> None:
    await allow(portal)
    meeting = await recorded(portal)
    meeting.join()
    portal.tapes.full = True
    assert (await meeting.api("POST")).status_code == 503
    assert meeting.conference.recording is None
    assert (await meeting.api("GET", "/recordings")).json() == []


async def test_a_recording_is_listed_downloaded_and_deleted(portal: Portal) -> None:
    await allow(portal, recording_days=7)
    meeting = await recorded(portal)
    meeting.join()
    recording_id = await meeting.record()
    (listed,) = (await meeting.api("GET", "/recordings")).json()
    assert listed == {
        "id": recording_id,
        "meeting": meeting.id,
        "subject": "Ward round",
        "started_by": portal.alice.display_name,
        "started_at": portal.clock.now,
        "state": "finished",
        "seconds": 61.5,
        "octets": 4,
        "problem": None,
        "deleted_after": portal.clock.now + 7 * 86_400,
    }
    path = f"/recordings/{recording_id}"
    file = await meeting.api("GET", path)
    assert file.content == b"\x1a\x45\xdf\xa3"
    assert file.headers["content-type"] == "video/webm"
    assert file.headers["x-content-type-options"] == "nosniff"
    assert file.headers["content-disposition"] == (
        'attachment; filename="recording-2027-01-15-0800.webm"'
    )
    assert (await meeting.api("DELETE", path)).status_code == 204
    assert (await meeting.api("GET", path)).status_code == 404
    assert (await meeting.api("DELETE", path)).status_code == 404
    assert (await meeting.api("GET", "/recordings")).json() == []
    assert not list((portal.data / "recordings").iterdir())
    noted = [note for note in portal.journal.notes if note.kind.value.startswith("recording.")]
    assert [note.kind for note in noted] == [
        Kind.RECORDING_STARTED, Kind.RECORDING_STOPPED, Kind.RECORDING_DOWNLOADED,
        Kind.RECORDING_DELETED,
    ]  # fmt: skip
    for note in noted:
        assert note.actor == portal.alice.aor
        assert note.details[Detail.RECORDING] == recording_id


async def test_one_that_goes_on_is_neither_downloaded_nor_deleted(portal: Portal) -> None:
    await allow(portal)
    meeting = await recorded(portal)
    meeting.join()
    path = f"/recordings/{(await meeting.api('POST')).json()['id']}"
    for method in ("GET", "DELETE"):
        assert (await meeting.api(method, path)).status_code == 404
    assert portal.tapes.paths[meeting.id].exists()


async def test_nobody_else_gets_at_it(portal: Portal) -> None:
    await allow(portal)
    meeting = await recorded(portal)
    meeting.join()
    path = f"/recordings/{await meeting.record()}"
    browser = portal.browser()
    bob = (await browser.tokens("bob"))["access_token"]
    for method in ("GET", "DELETE"):
        refused = await browser.api(method, path, bob)
        unknown = await browser.api(method, f"/recordings/{UNKNOWN}", bob)
        assert refused.status_code == unknown.status_code == 404
        assert refused.text == unknown.text
        assert (await browser.api(method, path, None)).status_code == 401
    assert (await browser.api("GET", "/recordings", bob)).json() == []
    for method in ("POST", "GET", "DELETE"):
        assert (await browser.api(method, meeting.path, bob)).status_code == 404
        assert (await browser.api(method, meeting.path, None)).status_code == 401


@pytest.mark.parametrize("name", ["..%2f..%2fvestibule.db", "short", UNKNOWN + ".webm", "%00" * 22])
async def test_an_id_is_no_path(portal: Portal, name: str) -> None:
    browser = portal.browser()
    token = (await browser.tokens())["access_token"]
    answer = await browser.api("GET", f"/recordings/{name}", token)
    assert answer.status_code in (404, 422)
    assert answer.headers["content-type"] == "application/problem+json"
