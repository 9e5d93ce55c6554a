"""Recording a meeting: by those who may, of those who agree and nobody else (ATTACKS 43)."""

import pytest
from lxml import etree

from tests.unit.conferencing.conference_bench import ALICE, BOB, GUEST, make_conference
from vestibule.conferencing.admission import Who
from vestibule.conferencing.c3p import C3pRequest
from vestibule.conferencing.commands import COMMANDS
from vestibule.conferencing.conference import Acted, Conference, NotAllowed, Seat
from vestibule.conferencing.recording import Recording
from vestibule.conferencing.roster import RosterView

NS = {"i": "urn:ietf:params:xml:ns:conference-info", "r": "urn:vestibule:params:xml:ns:recording"}


def seated() -> tuple[Conference, Seat, Seat]:
    """Alice, who organises, and a guest who was let in."""
    conference, _ = make_conference(recording=True)
    host = conference.knock(ALICE, "Alice", Who.ORGANIZER)
    guest = conference.knock(GUEST, "Gus", Who.ANONYMOUS)
    conference.let_in(host, GUEST)
    return conference, host, guest


def command(name: str, access: str = "") -> C3pRequest:
    return C3pRequest(name, "1", ALICE, "f", access=access)


def test_who_starts_agrees_and_nobody_else_does() -> None:
    conference, host, guest = seated()
    COMMANDS["startRecording"](conference, host, command("startRecording"))
    assert conference.recording == Recording("r1", "Alice")
    assert (host.agrees, guest.agrees) == (True, False)


def test_attendees_and_those_who_wait_do_not_start_stop_or_look() -> None:
    conference, host, guest = seated()
    waiting = conference.knock("sip:g2@anonymous.invalid", "Liz", Who.ANONYMOUS)
    for actor in (guest, waiting):
        with pytest.raises(NotAllowed, match="accessDenied"):
            conference.start_recording(actor)
    conference.start_recording(host)
    for actor in (guest, waiting):
        for name in ("stopRecording", "getRecording"):
            with pytest.raises(NotAllowed, match="accessDenied"):
                COMMANDS[name](conference, actor, command(name))
    assert conference.recording is not None


def test_consent_is_given_and_taken_back_by_oneself() -> None:
    conference, notebook = make_conference(recording=True)
    host = conference.knock(ALICE, "Alice", Who.ORGANIZER)
    bob = conference.knock(BOB, "Bob", Who.MEMBER)
    conference.start_recording(host)
    for access in ("granted", "granted", "denied"):
        COMMANDS["setRecordingConsent"](conference, bob, command("setRecordingConsent", access))
    assert notebook.consents == [(ALICE, True), (BOB, True), (BOB, False)]
    acts = [(who, act) for who, act, *_ in notebook.acts]
    assert acts[-2:] == [(BOB, Acted.AGREED), (BOB, Acted.DISAGREED)]


@pytest.mark.parametrize("access", ["", "yes", "true"])
def test_nothing_but_a_clear_word_is_consent(access: str) -> None:
    conference, host, guest = seated()
    conference.start_recording(host)
    with pytest.raises(NotAllowed, match="requestMalformed"):
        COMMANDS["setRecordingConsent"](conference, guest, command("setRecordingConsent", access))
    assert not guest.agrees


def test_consent_is_for_the_recording_that_goes_on() -> None:
    conference, host, guest = seated()
    with pytest.raises(NotAllowed, match="notRecorded"):
        conference.consent(guest, agreed=True)
    conference.start_recording(host)
    conference.consent(guest, agreed=True)
    conference.stop_recording(host)
    assert not guest.agrees
    conference.start_recording(host)
    assert not guest.agrees


def test_who_waits_in_the_lobby_can_not_agree() -> None:
    conference, host, _ = seated()
    conference.start_recording(host)
    waiting = conference.knock("sip:g2@anonymous.invalid", "Liz", Who.ANONYMOUS)
    with pytest.raises(NotAllowed):
        conference.consent(waiting, agreed=True)


def test_nobody_is_recorded_whose_consent_is_not_journalled() -> None:
    conference, notebook = make_conference(recording=True)
    host = conference.knock(ALICE, "Alice", Who.ORGANIZER)
    conference.recording_is(Recording("r", "Alice"))
    notebook.full = True
    with pytest.raises(RuntimeError):
        conference.consent(host, agreed=True)
    assert not host.agrees
    assert not notebook.consents


def test_progress_is_told_to_who_may_record() -> None:
    conference, host, _ = seated()
    with pytest.raises(NotAllowed, match="notRecorded"):
        COMMANDS["getRecording"](conference, host, command("getRecording"))
    conference.start_recording(host)
    content = COMMANDS["getRecording"](conference, host, command("getRecording"))
    assert content
    (progress,) = content
    assert (progress.get("seconds"), progress.get("octets")) == ("1.5", "2000")


def described(conference: Conference) -> tuple[dict[str, str], dict[str, str | None]]:
    """What the roster says of the recording, and of each media endpoint."""
    root = etree.fromstring(RosterView(conference, sees_lobby=False).full())
    recording = root.find("i:conference-description/r:recording", NS)
    assert recording is not None
    endpoints = root.iterfind('.//i:endpoint[@session-type="audio-video"]', NS)
    consents = {e.get("entity", ""): e.findtext("r:recorded", namespaces=NS) for e in endpoints}
    return {str(k): str(v) for k, v in recording.attrib.items()}, consents


def test_the_roster_says_whether_it_is_recorded_by_whom_and_who_agreed() -> None:
    conference, host, guest = seated()
    for seat, endpoint in ((host, "e1"), (guest, "e2")):
        conference.claim_endpoint(seat, endpoint)
        conference.media_changed(seat, connected=True)
    assert described(conference) == ({"state": "off"}, {"e1": None, "e2": None})
    conference.start_recording(host)
    assert described(conference) == (
        {"state": "on", "id": "r1", "by": "Alice"},
        {"e1": "true", "e2": "false"},
    )
    conference.recording_is(None, failed=True)
    assert described(conference)[0] == {"state": "failed"}
    forbidden, _ = make_conference()
    assert described(forbidden)[0] == {"state": "not-allowed"}
